package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
)

// answer is what became of a question for a name.
type answer int

const (
	noSuchName answer = iota // a name server knows that there is none
	noServer                 // none could be asked
	tooLate                  // none answered in time
	atALoss                  // one answered that it cannot tell (SERVFAIL, REFUSED)
)

func answerOf(e *net.DNSError) answer {
	switch {
	case e.IsNotFound:
		return noSuchName
	case e.IsTimeout:
		return tooLate
	case e.Err == "server misbehaving" || strings.Contains(e.Err, "cannot unmarshal DNS"):
		return atALoss
	}
	return noServer
}

// ofName judges a name that did not resolve: that it does not exist is for
// whoever looks after the name, that nobody could be asked for this machine.
func ofName(err error) *verdict {
	e, ok := errors.AsType[*net.DNSError](err)
	if !ok {
		return nil
	}
	if isAddress(e.Name) {
		return &verdict{check.Network, check.DNS, e.Name + " is " + e.Err + ", as ip_family asks"}
	}
	server := "the name server"
	if e.Server != "" {
		server += " " + e.Server
	}
	why := ""
	switch answerOf(e) {
	case noSuchName:
		why = "the name does not exist"
		if e.Server != "" {
			why += ", says " + server
		}
		if strings.HasSuffix(e.Err, "address") { // of ours
			why = "it has " + e.Err
		}
	case tooLate:
		why = "no name server answered in time"
	case atALoss:
		why = server + " answered that it cannot tell (" + e.Err + ")"
	case noServer:
		why = "no name server could be asked (" + server + ": " + lastWords(e) + ")"
	}
	return &verdict{check.Network, check.DNS, e.Name + " does not resolve: " + why}
}

// isAddress says whether what did not resolve was no name at all.
func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// lastWords is the innermost text of an error, without addresses and ports.
func lastWords(e *net.DNSError) string {
	if errno, ok := errors.AsType[syscall.Errno](e); ok {
		return errno.Error()
	}
	if i := strings.LastIndex(e.Err, ": "); i >= 0 {
		return e.Err[i+2:]
	}
	return e.Err
}

// NameHint says what to do about a name that did not resolve, "" for any other
// error.
func NameHint(err error) string {
	e, ok := errors.AsType[*net.DNSError](err)
	if !ok {
		return ""
	}
	if isAddress(e.Name) {
		return "an address is of one family: set ip_family to any, or ask for an address of the other"
	}
	asked := "this machine asks " + machine.AskedForNames()
	switch answerOf(e) {
	case noSuchName:
		return fmt.Sprintf("is %s spelt right, does its record still exist? %s%s", e.Name, asked,
			machine.InContainer("; in a container: the name of another container is known only on a network that both are on"))
	case atALoss:
		return "look at the name server, and at the one that it asks in turn: " + asked + settings()
	}
	return "is this machine's network up, and does its name server run? " + asked + settings()
}

func settings() string {
	return machine.InContainer("; in a container: does it have a network, and are its DNS settings right (dns: in compose, --dns)?")
}

// LookUp resolves a name as a dial does, and throws the addresses away. The
// error is one for Classify and NameHint.
func LookUp(ctx context.Context, host string) error {
	d := dialer{family: familyAny}
	_, err := d.lookup(ctx, host)
	return err
}

// lookupTime leaves a little of the time of the dial, so that a name server
// that does not answer is reported as that and not as a slow target.
func lookupTime(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)*9/10)
}

// IsAnswer says whether a name server knew that a name does not exist: then
// names do resolve here.
func IsAnswer(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && answerOf(e) == noSuchName
}
