package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"html/template"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The clients a [World] knows. Their secrets are no secrets.
const (
	ClientID     = "watchword"
	ClientSecret = "lab-secret"
	// SpecialID and SpecialSecret need to be form-encoded in Basic.
	SpecialID     = "watch:word/%"
	SpecialSecret = "p@ss:w+rd/% ü&="
)

// Config configures a [World]. Port 0 takes any free port.
type Config struct {
	Host            string // "" is 127.0.0.1
	ProviderPort    int
	GatewayPort     int
	ApplicationPort int
	ControlPort     int

	Mode     Mode
	Keyword  string
	Lifetime time.Duration // of tokens; 0 is an hour
	TLS      *tls.Config   // for all but the control port; nil: plain http
	// Chat answers on the control port whatever is not /control/.
	Chat http.Handler
	// Far adds public sites beyond our own line, see [World.FarSites].
	Far bool
}

// FixedPorts is the configuration of the hidden command "watchword lab".
func FixedPorts() Config {
	return Config{ProviderPort: 9641, GatewayPort: 9642, ApplicationPort: 9643, ControlPort: 9644}
}

// World is the small world: provider, gateway and application, each on a port
// of its own, and the control API beside the chat.
//
// Its clients, all allowed [BearerScope] and the gateway as audience: "watchword"
// (client_secret_basic), "watchword-post" (client_secret_post), "watchword-jwt"
// (JWTs), "watchword-short" (tokens of 5 s), "watchword-explicit" (no audience
// unless asked for) with the secret [ClientSecret], and [SpecialID].
type World struct {
	Provider    *Provider
	Access      *Access
	Gateway     *Gateway
	Application *Application
	// Authz answers on the provider's port under /api/authz/ for a real nginx
	// or Caddy.
	Authz *Authz
	// Chat is what Config.Chat was.
	Chat http.Handler

	ports    ports
	far      *far // nil without Config.Far
	page     *template.Template
	story    atomic.Pointer[func() Story]
	onSwitch func(name, title string, on bool)
	mu       sync.Mutex
	switches []control
	delay    time.Duration // of the slow switches
	clients  []Client
}

type ports struct{ provider, gateway, application, control *Server }

// Start listens and serves. The context bounds the start alone; the world runs
// until Close.
func Start(ctx context.Context, c Config) (*World, error) {
	w := &World{Chat: c.Chat, delay: defaultDelay}
	var err error
	if w.page, err = parseControlPage(); err != nil {
		return nil, err
	}
	if err := w.bind(ctx, c); err != nil {
		return nil, errors.Join(err, w.Close(ctx))
	}
	if c.Far {
		if w.far, err = newFar(ctx); err != nil {
			return nil, errors.Join(err, w.Close(ctx))
		}
	}
	w.furnish(c)
	w.switches = w.controls()
	w.ports.application.start(w.Application)
	w.ports.provider.start(http.HandlerFunc(w.serveProvider))
	w.ports.gateway.start(w.Gateway)
	w.ports.control.start(w.controlHandler())
	return w, nil
}

func (w *World) bind(ctx context.Context, c Config) error {
	host := cmpOr(c.Host, "127.0.0.1")
	for _, p := range []struct {
		server **Server
		port   int
		tls    *tls.Config
	}{
		{&w.ports.provider, c.ProviderPort, c.TLS}, {&w.ports.gateway, c.GatewayPort, c.TLS},
		{&w.ports.application, c.ApplicationPort, c.TLS}, {&w.ports.control, c.ControlPort, nil},
	} {
		s, err := bind(ctx, net.JoinHostPort(host, strconv.Itoa(p.port)), p.tls)
		if err != nil {
			return err
		}
		*p.server = s
	}
	return nil
}

// furnish makes provider, gate and application, now that the ports are known.
func (w *World) furnish(c Config) {
	audience := []string{w.GatewayURL() + "/"}
	client := func(id string, change func(*Client)) Client {
		r := Client{ID: id, Secret: ClientSecret, Scopes: []string{BearerScope}, Audience: audience, Lifetime: c.Lifetime}
		change(&r)
		return r
	}
	w.clients = []Client{
		client(ClientID, func(*Client) {}),
		client(ClientID+"-post", func(r *Client) { r.Method = MethodPost }),
		client(ClientID+"-jwt", func(r *Client) { r.Format = JWTRS256 }),
		client(ClientID+"-short", func(r *Client) { r.Lifetime = 5 * time.Second }),
		client(ClientID+"-explicit", func(r *Client) { r.Explicit = true }),
		client(SpecialID, func(r *Client) { r.Secret = SpecialSecret }),
	}
	w.Provider = NewProvider(ProviderOptions{})
	w.register()
	w.Application = NewApplication(ApplicationOptions{Keyword: c.Keyword})
	w.Access = NewAccess(AccessOptions{Provider: w.Provider, Portal: w.ProviderURL() + "/"})
	w.Gateway = NewGateway(GatewayOptions{
		Mode: c.Mode, Access: w.Access, App: w.Application, Origin: w.GatewayURL(),
		JWT: JWTGate{Provider: w.Provider, Audience: audience},
	})
	w.Authz = NewAuthz(AuthzOptions{Access: w.Access, AllowHTTP: true})
}

// AllowAudience lets all clients have tokens for further URLs, such as that of
// a real proxy that asks Authz. They are in the tokens of clients that ask for
// no audience too.
func (w *World) AllowAudience(urls ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.clients {
		w.clients[i].Audience = append(slices.Clone(w.clients[i].Audience), urls...)
	}
	w.register()
}

// register gives the clients back what they had at the start.
func (w *World) register() {
	for _, c := range w.clients {
		w.Provider.SetClient(c)
	}
}

func (w *World) serveProvider(rw http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/api/authz/") {
		w.Authz.ServeHTTP(rw, r)
		return
	}
	w.Provider.ServeHTTP(rw, r)
}

// ProviderURL returns the provider's URL without trailing slash; it is the
// issuer too.
func (w *World) ProviderURL() string { return w.ports.provider.URL() }

// TokenURL returns the token endpoint.
func (w *World) TokenURL() string { return w.ProviderURL() + TokenPath }

// GatewayURL returns the URL of the gate in front of the application.
func (w *World) GatewayURL() string { return w.ports.gateway.URL() }

// ApplicationURL returns the URL that leads past the gate.
func (w *World) ApplicationURL() string { return w.ports.application.URL() }

// ControlURL returns the URL of chat and control API.
func (w *World) ControlURL() string { return w.ports.control.URL() }

// RefuseProvider closes the provider's port, or opens it again. Behind the
// gate the provider is down meanwhile.
func (w *World) RefuseProvider(on bool) error {
	w.Provider.SetDown(on)
	return w.ports.provider.SetRefusing(on)
}

// RefuseGateway closes the gate's port, or opens it again.
func (w *World) RefuseGateway(on bool) error { return w.ports.gateway.SetRefusing(on) }

// Close ends all servers and waits for them; requests get until the context's
// end.
func (w *World) Close(ctx context.Context) error {
	var errs []error
	servers := []*Server{w.ports.control, w.ports.gateway, w.ports.provider, w.ports.application}
	if w.far != nil {
		servers = append(servers, w.far.server)
	}
	for _, s := range servers {
		if s != nil {
			errs = append(errs, s.Close(ctx))
		}
	}
	return errors.Join(errs...)
}
