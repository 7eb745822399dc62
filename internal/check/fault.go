package check

import "slices"

// Class says which part of the way failed. The set is closed.
type Class string

// The classes of faults.
const (
	IDP        Class = "idp"        // the identity provider is not working
	Credential Class = "credential" // it works and refuses us
	Gateway    Class = "gateway"    // a token was issued and the gate did not take it
	Policy     Class = "policy"     // the gate knows us and says no
	Network    Class = "network"    // we could not reach it
	TLS        Class = "tls"        // it is not who it should be
	Target     Class = "target"     // the service answered wrongly
	Content    Class = "content"    // it answered, and not with what was expected
	ExposedTo  Class = "exposed"    // the gate is open
	Agent      Class = "agent"      // our own fault
)

// Reason says what failed within a class. The set is closed; a reason belongs
// to exactly one class.
type Reason string

// The reasons, by class.
const (
	TokenUnreachable Reason = "token_unreachable"
	TokenTimeout     Reason = "token_timeout"
	TokenServerError Reason = "token_server_error"
	TokenRateLimited Reason = "token_rate_limited"
	TokenMalformed   Reason = "token_malformed"
	DiscoveryFailed  Reason = "discovery_failed"

	ClientRejected    Reason = "client_rejected"
	ScopeRejected     Reason = "scope_rejected"
	AudienceRejected  Reason = "audience_rejected"
	GrantRejected     Reason = "grant_rejected"
	SecretUnavailable Reason = "secret_unavailable"
	TokenUnusable     Reason = "token_unusable"

	TokenRejected Reason = "token_rejected"
	LoginRedirect Reason = "login_redirect"
	LoginPage     Reason = "login_page"

	Forbidden            Reason = "forbidden"
	SecondFactorRequired Reason = "second_factor_required"

	DNS     Reason = "dns"
	Connect Reason = "connect"
	Timeout Reason = "timeout"
	Proxy   Reason = "proxy"
	Reset   Reason = "reset"

	CertificateExpired     Reason = "certificate_expired"
	CertificateNotYetValid Reason = "certificate_not_yet_valid"
	CertificateUntrusted   Reason = "certificate_untrusted"
	CertificateHostname    Reason = "certificate_hostname"
	Handshake              Reason = "handshake"

	Status       Reason = "status"
	GatewayError Reason = "gateway_error"
	Redirected   Reason = "redirected"
	RedirectLoop Reason = "redirect_loop"
	Protocol     Reason = "protocol"
	BodyTooLarge Reason = "body_too_large"

	KeywordMissing Reason = "keyword_missing"
	KeywordPresent Reason = "keyword_present"
	Regex          Reason = "regex"
	JSON           Reason = "json"
	Header         Reason = "header"
	TooSlow        Reason = "too_slow"

	AnonymousAccess         Reason = "anonymous_access"
	GarbageAccepted         Reason = "garbage_accepted"
	WrongCredentialAccepted Reason = "wrong_credential_accepted"
	BypassOpen              Reason = "bypass_open"

	Offline  Reason = "offline"
	Internal Reason = "internal"
)

// Kinds of fault, in the order in which they are documented.
type faultKind struct {
	Class   Class
	Reasons []Reason
}

func faultKinds() []faultKind {
	return []faultKind{
		{IDP, []Reason{TokenUnreachable, TokenTimeout, TokenServerError, TokenRateLimited, TokenMalformed, DiscoveryFailed}},
		{Credential, []Reason{ClientRejected, ScopeRejected, AudienceRejected, GrantRejected, SecretUnavailable, TokenUnusable}},
		{Gateway, []Reason{TokenRejected, LoginRedirect, LoginPage}},
		{Policy, []Reason{Forbidden, SecondFactorRequired}},
		{Network, []Reason{DNS, Connect, Timeout, Proxy, Reset}},
		{TLS, []Reason{CertificateExpired, CertificateNotYetValid, CertificateUntrusted, CertificateHostname, Handshake}},
		{Target, []Reason{Status, GatewayError, Redirected, RedirectLoop, Protocol, BodyTooLarge}},
		{Content, []Reason{KeywordMissing, KeywordPresent, Regex, JSON, Header, TooSlow}},
		{ExposedTo, []Reason{AnonymousAccess, GarbageAccepted, WrongCredentialAccepted, BypassOpen}},
		{Agent, []Reason{Offline, Internal}},
	}
}

// EachReason calls f for every class and reason there is, in a steady order.
func EachReason(f func(Class, Reason)) {
	for _, k := range faultKinds() {
		for _, r := range k.Reasons {
			f(k.Class, r)
		}
	}
}

// Classes returns all classes in a steady order.
func Classes() []Class {
	var cs []Class
	for _, k := range faultKinds() {
		cs = append(cs, k.Class)
	}
	return cs
}

// ClassOf returns the class that a reason belongs to, "" for an unknown reason.
func ClassOf(r Reason) Class {
	for _, k := range faultKinds() {
		if slices.Contains(k.Reasons, r) {
			return k.Class
		}
	}
	return ""
}

// Fault is why a run did not pass. Message and Hint are one line each, fit for
// every outlet: they hold no secret, no token and at most 200 quoted characters
// of anybody's body. Err is for the program only and is never shown or stored.
type Fault struct {
	Class   Class
	Reason  Reason
	Cause   Cause
	Message string
	Hint    string
	Err     error
}

// Error returns class, reason and message; it makes a fault travel as an error.
func (f *Fault) Error() string { return string(f.Class) + "/" + string(f.Reason) + ": " + f.Message }

func (f *Fault) Unwrap() error { return f.Err }

// Text returns the part of the fault that may be stored and shown.
func (f *Fault) Text() *FaultText {
	if f == nil {
		return nil
	}
	return &FaultText{Class: f.Class, Reason: f.Reason, Message: f.Message, Hint: f.Hint}
}

// FaultText is a fault as it is stored and shown.
type FaultText struct {
	Class   Class  `json:"class"`
	Reason  Reason `json:"reason"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// CauseKind says what kind of thing broke. Monitors that fail for one cause are
// one incident.
type CauseKind string

// The kinds of causes.
const (
	CauseProvider   CauseKind = "provider"   // key: origin of the token endpoint or issuer
	CauseCredential CauseKind = "credential" // key: name of the credential
	CauseGate       CauseKind = "gate"       // key: name of the gate
	CauseAddress    CauseKind = "address"    // key: host:port
	CauseAgent      CauseKind = "agent"      // key: agent
	CauseMonitor    CauseKind = "monitor"    // key: id of the monitor

	// CauseCertificate is of events only: no incident is opened for it. The key
	// is what the certificate is for.
	CauseCertificate CauseKind = "certificate"
)

// Cause is what broke.
type Cause struct {
	Kind CauseKind `json:"kind"`
	Key  string    `json:"key"`
}

// Shared says whether several monitors can fail for this cause.
func (c Cause) Shared() bool { return c.Kind != CauseMonitor }
