package probes

// GuardOptions is what a monitor of type guard says beside what it shares with
// HTTPOptions: url, method, headers, max_body, ip_family, resolve, tls and
// expect.absent. Config sets the defaults of DefaultGuardOptions.
type GuardOptions struct {
	// What is tried at the gate: anonymous, garbage, expired, foreign, and names
	// of credentials that must be refused.
	Try []string `koanf:"try"`
	// URLs that would lead past the gate, like the port of the service itself.
	// Nothing of ours is sent there; what cannot be reached is shut.
	BypassURLs []string `koanf:"bypass_urls"`
}

// The ways that a guard tries, beside credentials that must be refused.
const (
	wayAnonymous = "anonymous" // nothing at all
	wayGarbage   = "garbage"   // what nobody issued
	wayExpired   = "expired"   // a JWT that is past its life
	wayForeign   = "foreign"   // a JWT of a key that nobody knows
)

// GuardWays returns the words for what a guard can try without a credential, in
// the order in which it does.
func GuardWays() []string { return []string{wayAnonymous, wayGarbage, wayExpired, wayForeign} }

// DefaultGuardOptions returns what holds where the configuration is silent.
func DefaultGuardOptions() GuardOptions {
	return GuardOptions{Try: []string{wayAnonymous, wayGarbage}}
}
