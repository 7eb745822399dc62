// Package lab is the small world: an identity provider, a gate, an application
// and chat services, all as http.Handlers that can be told to misbehave and
// that count what reaches them. Tests, the demo and the benchmark use it; it
// imports nothing of ours, and in production only cmd/watchword and internal/demo import it.
//
// What it answers is what was recorded from the real programs: Authelia 4.39
// behind nginx and Caddy, oauth2-proxy 7.15; caddy-security by its description.
// Its secrets are no secrets: never expose it.
//
// # The whole world
//
//	w, err := lab.Start(ctx, lab.Config{})      // or lab.FixedPorts(): 9641 to 9644
//	defer w.Close(ctx)
//	w.TokenURL(); w.GatewayURL(); w.ApplicationURL(); w.ControlURL()
//	w.Switch("app-500", true); w.Reset()        // or by hand:
//
//	curl localhost:9644/control/                          switches and counters; a page for browsers
//	curl -X POST localhost:9644/control/app-500?on=true   &delay=12s for the slow ones
//	curl -X POST localhost:9644/control/failing?path=/m/7 one page
//	curl localhost:9644/control/visits?prefix=/m/         runs and longest gap of each page
//	curl -X POST localhost:9644/control/reset             and /control/reset-counters
//
// Clients: [ClientID] and [ClientSecret], see [World]. A gate in front of
// http://127.0.0.1:PORT takes tokens whose audience is that URL with a slash,
// which is what the world's clients are registered for; [World.AllowAudience]
// adds others.
//
// # By hand
//
//	p := lab.NewProvider(lab.ProviderOptions{Clients: []lab.Client{{ID: "watchword", Secret: "s",
//		Scopes: []string{lab.BearerScope}, Audience: []string{"https://app.example.test/"}}}})
//	app := lab.NewApplication(lab.ApplicationOptions{})
//	access := lab.NewAccess(lab.AccessOptions{Provider: p, Portal: "https://auth.example.test/"})
//	gate := lab.NewGateway(lab.GatewayOptions{Mode: lab.NginxAuthRequest, Access: access, App: app,
//		Origin: "https://app.example.test"})
//
// [Provider]: SetClient RotateSecret WithdrawScope SetAudience SetLifetime
// RevokeAll Revoke SetRateLimited SetFailureLimit SetQuirks SetClockOffset
// Inspect Mint VerifyJWT; counters TokenRequests TokenCount TokenCounts
// TokenLog ResetCounts. Provider, Provider.Token, [Gateway], [Application] and
// each of its paths are also a [Switch]: SetDown SetHang SetSlow SetStatus
// SetRedirect Set Mend. Only Provider.SetDown is felt by the gate.
//
// [Access] (embedded in Gateway, shared with [Authz]): SetPolicy SetRules
// SetOpenToEveryone SetDenyAll SetRefuseTokens ResetPolicies; Counts.
//
// [Application]: SetFailing(path, on), SetPage, At(path).SetPage, MendAll;
// counters Visits(prefix), Runs(prefix), At(path).Visits. Every path is a page
// of 4 KiB with the keyword, except
//
//	/json /latin1 /latin1-meta /gzip /deflate /raw-deflate /login   variants of the page
//	/reset /truncated                  break off in the middle
//	/echo                              the request as JSON (Echo)
//	/status/CODE /slow/DURATION /hang /size/BYTES
//	/redirect?to=URL&status=CODE /loop /hop/N
//	/cookie                            sets a cookie and wants it back
//
// [Authz] is Authelia's endpoint for a real nginx or Caddy. [Recorder] keeps
// requests. [Listen] serves a handler on a port that can refuse connections.
// [Pipe] is a listener without sockets, for testing/synctest. [NewCA] makes
// certificates, good and bad.
package lab
