package probes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/internal/transport"
)

// The messages and hints of what happens on the wire.

// wireFact is what is known of a request that came to no good end.
type wireFact struct {
	at     step
	name   string         // host:port of the URL
	remote string         // address that was dialled, name for none
	start  time.Time      // of the run
	began  time.Time      // of this request
	token  time.Duration  // of the run that went to the token
	proxy  *transport.Hop // nil: none
	asked  bool           // the proxy was reached
	handed bool           // the proxy has the request, and passes it on as it likes
}

// network reads an error of the wire. Where the deadline of the run has passed,
// it is the deadline, whatever it made of the connection; but for a name, a
// certificate or a refusal that was at fault before. A deadline that passed while
// this machine was too busy to ask says nothing of the other side.
func (s *scene) network(ctx context.Context, w wireFact, err error) *finding {
	class, reason, text := transport.Classify(err)
	if expired(ctx) && !certain(class, reason, err) {
		if f := starved(ctx, w.began); f != nil {
			return f
		}
		if reason != check.DNS {
			end, _ := ctx.Deadline()
			return w.timeout(end.Sub(w.start))
		}
	}
	if e, ok := errors.AsType[*transport.ProxyError](err); ok && reason == check.Proxy {
		return &finding{reason, text, cmp.Or(transport.NameHint(err), e.Hint, "look at the proxy's log")}
	}
	if hint := transport.NameHint(err); hint != "" {
		return &finding{reason, text, hint}
	}
	if hint := s.tooOld(text); reason == check.Handshake && hint != "" {
		return &finding{reason, text, hint}
	}
	if hint := transport.CertificateHint(err, w.name); hint != "" {
		return &finding{reason, text, hint}
	}
	return &finding{reason, text, w.hint(reason)}
}

// tooOld is the hint where no version of TLS could be agreed on, "" where it was
// not that.
func (s *scene) tooOld(text string) string {
	if !strings.Contains(text, "protocol version") {
		return ""
	}
	if s.expect != nil && s.expect.more != nil && s.expect.more.oldestTLS != "" {
		return fmt.Sprintf("expect.tls_version is %s, and the server does not speak TLS as new as that", s.expect.more.oldestTLS)
	}
	return "the server speaks no TLS as new as 1.2; to take an older one, set expect.tls_version"
}

// certain says whether an error is no consequence of a deadline that passed.
func certain(class check.Class, reason check.Reason, err error) bool {
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	_, answered := errors.AsType[syscall.Errno](err) // such as a refusal
	return class == check.TLS && reason != check.Handshake || reason == check.DNS || reason == check.Connect && answered
}

// starved is the fault of a deadline that passed while this machine was too busy
// to ask, nil if it was not.
func starved(ctx context.Context, began time.Time) *finding {
	why := machine.Starved(ctx, began)
	if why == "" {
		return nil
	}
	return &finding{check.Internal, why, machine.LessBusy}
}

// expired says whether the deadline of ctx has passed. A timer of somebody else
// with the same deadline may be a moment ahead of the context's own.
func expired(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return errors.Is(ctx.Err(), context.DeadlineExceeded) || ok && time.Until(end) <= 0
}

func (w wireFact) hint(reason check.Reason) string {
	switch reason {
	case check.Connect:
		return "nothing listens at " + w.remote + ", or it cannot be reached from here: is the service or its proxy running?"
	case check.Reset:
		if w.handed {
			return fmt.Sprintf("the proxy %s, or %s behind it, ended the connection: look at the log of the proxy first", w.proxy.Name, w.name)
		}
		return "the other side ended the connection: look at the log of what listens at " + w.remote + "; plain http to a TLS port ends so too"
	case check.CertificateExpired:
		return "renew the certificate of " + w.name + ", and load it: a renewed file that nobody reloaded looks the same (the clock of this machine says " + clock() + ")"
	case check.CertificateNotYetValid:
		return "compare the clocks: this machine's, which says " + clock() + ", and that of whoever issued the certificate of " + w.name
	case check.CertificateUntrusted:
		return "a private CA needs tls: {ca_file: …}; else an intermediate certificate is missing at " + w.name
	case check.CertificateHostname:
		return "the certificate is for other names than " + w.name + ": another virtual host answered, or the name is missing in it"
	case check.Handshake:
		return "no TLS could be agreed on with " + w.remote + ": https to a plain http port, a client certificate that is missing, or a TLS version that one side refuses"
	case check.Timeout:
		return "look at what listens at " + w.remote
	case check.Internal:
		return "this machine is at its limits, or the agent was being stopped: its log says more"
	}
	return "what listens at " + w.remote + " does not speak HTTP as the URL says"
}

func clock() string { return time.Now().UTC().Format(time.RFC3339) }

// timeout says in which phase the deadline passed.
func (w wireFact) timeout(within time.Duration) *finding {
	limit, remote := inSeconds(within), w.remote
	if w.proxy != nil {
		remote += " through the proxy " + w.proxy.Name
		if w.at <= connecting {
			return w.stuck(limit)
		}
	}
	f := &finding{reason: check.Timeout}
	switch w.at {
	case resolving:
		f.message = fmt.Sprintf("the name %s was not resolved within %s", w.name, limit)
		f.hint = "does this machine's name server answer? it asks " + machine.AskedForNames()
	case connecting:
		f.message = fmt.Sprintf("no connection to %s within %s", remote, limit)
		f.hint = "nothing answers at the address: the machine is down, or a firewall drops packets"
	case shaking:
		f.message = fmt.Sprintf("connected to %s, but the TLS handshake was not done within %s", remote, limit)
		f.hint = "the port is open and nobody speaks TLS there in time: look at the proxy's load"
	case waiting:
		f.message, f.hint = w.unanswered(remote, limit)
	case receiving:
		f.message = fmt.Sprintf("an answer began, but did not end within %s", limit)
		f.hint = "the body is slow or never ends: a stream needs another URL to be watched"
	default:
		f.message = fmt.Sprintf("no connection to %s within %s", w.name, limit)
		f.hint = "no connection was begun in time"
	}
	if w.token > within/4 {
		f.hint = fmt.Sprintf("the token alone took %s of it; %s", inSeconds(w.token), f.hint)
	}
	return f
}

// unanswered is a deadline that passed while a request was waited for.
func (w wireFact) unanswered(remote, limit string) (message, hint string) {
	if w.handed {
		return fmt.Sprintf("asked for %s, but no answer within %s", remote, limit),
			"the proxy took the request, and whether the service has it is not known: look at the proxy's log, then at the load of the service"
	}
	return fmt.Sprintf("connected to %s, but no answer within %s", remote, limit),
		"the service took the request and does not answer: look at its load, its database, what it waits for"
}

// stuck is a deadline that passed at the proxy.
func (w wireFact) stuck(limit string) *finding {
	if w.asked {
		return &finding{check.Proxy, fmt.Sprintf("the proxy %s did not say within %s whether it gets to %s", w.proxy.Name, limit, w.name),
			"a proxy that waits for a target that drops packets is silent too: is the target up, and does the proxy reach it?"}
	}
	return &finding{check.Proxy, fmt.Sprintf("no connection through the proxy %s within %s: it did not say anything", w.proxy.Name, limit),
		"nothing answers at the proxy's address, its name was not resolved, or it is no proxy of the kind that proxy_url says: every monitor and credential with this proxy_url waits for it"}
}

func inSeconds(d time.Duration) string {
	if d < 990*time.Millisecond {
		return fmt.Sprintf("%d ms", d.Round(10*time.Millisecond).Milliseconds())
	}
	return fmt.Sprintf("%.4g s", d.Round(100*time.Millisecond).Seconds())
}
