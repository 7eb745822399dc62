package notifiers

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

const (
	nameRunes  = 120 // of a monitor's name in a message
	textRunes  = 600 // of a fault's message or hint
	namesShown = 10  // affected monitors that are listed by name
)

// Title returns the title of a delivery in plain text, as INTERFACE "Messages"
// words it: "[Down] Application".
func Title(d check.Delivery) string { return plain().join(titleLine(d)) }

func titleLine(d check.Delivery) line {
	l := line{own("[" + prefix(d.Kind) + "] ")}
	if len(d.Events) == 1 {
		l = append(l, subject(d.Kind, &d.Events[0])...)
	} else {
		what := "causes"
		if d.Kind == check.KindCertificate {
			what = "certificates"
		}
		l = append(l, own(fmt.Sprintf("%d %s, %s", len(d.Events), what, monitors(countMembers(d.Events)))))
	}
	if d.Kind == check.KindClosed {
		l = append(l, own(": "+whyClosed(d.Events)))
	}
	return l
}

// whyClosed says what became of those whose incidents closed without a recovery.
func whyClosed(es []check.Event) string {
	paused, gone := false, false
	for i := range es {
		for _, m := range es[i].Members {
			paused, gone = paused || m.Paused, gone || !m.Paused
		}
	}
	switch {
	case paused && gone:
		return "paused or no longer monitored"
	case paused:
		return "paused, no longer checked"
	default:
		return "no longer monitored"
	}
}

// recovered returns those who were not paused meanwhile, if there are any.
func recovered(ms []check.Member) []check.Member {
	up := slices.DeleteFunc(slices.Clone(ms), func(m check.Member) bool { return m.Paused })
	if len(up) == 0 {
		return ms
	}
	return up
}

// pausedOf returns those who did not recover, as nobody looks any more.
func pausedOf(ms []check.Member) []check.Member {
	return slices.DeleteFunc(slices.Clone(ms), func(m check.Member) bool { return !m.Paused })
}

func prefix(k check.Kind) string {
	switch k {
	case check.KindDown:
		return "Down"
	case check.KindUp:
		return "Up"
	case check.KindReminder:
		return "Still down"
	case check.KindExposed:
		return "Exposed"
	case check.KindCertificate:
		return "Certificate"
	case check.KindClosed:
		return "Closed"
	default:
		return oneLine(string(k), 40)
	}
}

// subject says what an event is about: a name, or how many and why together.
func subject(k check.Kind, e *check.Event) line {
	var l line
	ms := e.Members
	if k == check.KindUp {
		ms = recovered(ms)
	}
	switch n := len(ms); {
	case n == 1:
		l = line{foreign(oneLine(memberName(ms[0]), nameRunes))}
	case n == 0:
		l = causeLine(e)
	case k == check.KindClosed: // what became of them follows a colon of its own
		l = append(line{own(monitors(n) + " (")}, causeLine(e)...)
		l = append(l, own(")"))
	default:
		l = append(line{own(monitors(n) + ": ")}, causeLine(e)...)
	}
	if k == check.KindUp {
		l = append(l, own(" (was down "+length(outage(e))+")"))
	}
	return l
}

func memberName(m check.Member) string {
	if m.Name == "" {
		return m.ID
	}
	return m.Name
}

func monitors(n int) string {
	if n == 1 {
		return "1 monitor"
	}
	return strconv.Itoa(n) + " monitors"
}

// causeLine names a shared cause: "credential authelia".
func causeLine(e *check.Event) line {
	key := foreign(oneLine(e.Cause.Key, nameRunes))
	switch e.Cause.Kind {
	case check.CauseProvider:
		return line{own("identity provider "), key}
	case check.CauseCredential, check.CauseGate, check.CauseAddress, check.CauseMonitor:
		return line{own(string(e.Cause.Kind) + " "), key}
	case check.CauseAgent:
		if e.Fault.Reason == check.Offline {
			return line{own("the agent is offline")}
		}
		return line{own("the agent itself")}
	default:
		return line{key}
	}
}

func countMembers(es []check.Event) int {
	seen := map[string]bool{}
	for i := range es {
		for _, m := range es[i].Members {
			seen[m.ID] = true
		}
	}
	return len(seen)
}

// outage is how long an ended incident lasted.
func outage(e *check.Event) time.Duration {
	end := e.Ended
	if end.IsZero() {
		end = e.At
	}
	if e.Since.IsZero() {
		return 0
	}
	return end.Sub(e.Since)
}

// length writes a duration with its two greatest units: "45 s", "4 m 12 s",
// "2 h 5 m", "3 d 4 h".
func length(d time.Duration) string {
	s := max(int64(d.Round(time.Second)/time.Second), 0)
	two := func(a int64, u string, b int64, v string) string {
		if b == 0 {
			return fmt.Sprintf("%d %s", a, u)
		}
		return fmt.Sprintf("%d %s %d %s", a, u, b, v)
	}
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return two(s/60, "m", s%60, "s")
	case s < 86400:
		return two(s/3600, "h", s%3600/60, "m")
	default:
		return two(s/86400, "d", s%86400/3600, "h")
	}
}

// clock writes a moment as it is read at another one: the date is left out
// where it is the same day.
func clock(t, now time.Time, zone *time.Location) string {
	t, now = t.In(zone), now.In(zone)
	layout := "2 Jan 2006 15:04:05 MST"
	switch {
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		layout = "15:04:05 MST"
	case t.Year() == now.Year():
		layout = "2 Jan 15:04:05 MST"
	}
	return t.Format(layout)
}

// where says which hop failed, for people.
func where(f check.FaultText) string {
	switch f.Reason {
	case check.SecretUnavailable:
		return "at the agent itself"
	case check.GatewayError:
		return "at the proxy in front of the application"
	}
	switch f.Class {
	case check.IDP, check.Credential:
		return "at the identity provider"
	case check.Gateway, check.Policy, check.ExposedTo:
		return "at the gateway"
	case check.Network:
		return "on the way there"
	case check.TLS:
		return "at the TLS handshake"
	case check.Target, check.Content:
		return "at the application"
	case check.Agent:
		return "at the agent itself"
	default:
		return ""
	}
}

// oneLine makes one printable line of a name or text: no line ends, no control
// or direction marks, at most n runes.
func oneLine(s string, n int) string { return strings.TrimSpace(secret.Line(s, n)) }

// names lists members: the first ten and how many more.
func names(ms []check.Member) string {
	all := make([]string, len(ms))
	for i, m := range ms {
		all[i] = oneLine(memberName(m), nameRunes)
	}
	return check.Some(all, namesShown)
}
