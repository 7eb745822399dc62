package server

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/watchword/watchword/internal/check"
)

// clause is a part of a sentence around a name that is set apart, since it may
// be of any script and direction.
type clause struct{ Before, Name, After string }

// upper begins a sentence; a name keeps its own first letter.
func (c clause) upper() clause {
	if r, size := utf8.DecodeRuneInString(c.Before); size > 0 {
		c.Before = string(unicode.ToUpper(r)) + c.Before[size:]
	}
	return c
}

// clauseOf says what is wrong in one incident. Only what was seen to fail is
// blamed.
func clauseOf(r *check.IncidentRecord) clause {
	if r.Fault.Class == check.ExposedTo {
		return clause{"", nameOf(r), " is open to strangers"}
	}
	switch r.Cause.Kind {
	case check.CauseProvider:
		return clause{"the identity provider ", withoutScheme(r.Cause.Key), " is not working"}
	case check.CauseCredential:
		return credentialClause(r.Cause.Key, r.Fault.Reason)
	case check.CauseGate:
		return gateClause(r.Cause.Key, r.Fault.Reason)
	case check.CauseAddress:
		return addressClause(nameOf(r), r.Fault)
	case check.CauseAgent:
		return agentClause(r.Fault.Reason)
	default:
		return clause{"", nameOf(r), " is down"}
	}
}

// nameOf is the monitor's name where an incident has only one, else the key of
// the cause.
func nameOf(r *check.IncidentRecord) string {
	if len(r.Members) == 1 {
		return r.Members[0].Name
	}
	return r.Cause.Key
}

func gateClause(name string, r check.Reason) clause {
	if r == check.GatewayError {
		return clause{"the gate ", name, " answers with errors"}
	}
	return clause{"the gate ", name, " does not take our token"}
}

func agentClause(r check.Reason) clause {
	if r == check.Offline {
		return clause{"this agent has lost its own network", "", ""}
	}
	return clause{"this agent has a fault of its own", "", ""}
}

func credentialClause(name string, r check.Reason) clause {
	switch r {
	case check.SecretUnavailable:
		return clause{"the secret of credential ", name, " cannot be read"}
	case check.TokenUnusable:
		return clause{"the token of credential ", name, " cannot be used"}
	default:
		return clause{"the credential ", name, " is refused"}
	}
}

func addressClause(name string, f check.FaultText) clause {
	switch {
	case f.Class == check.Network:
		return clause{"", name, " cannot be reached"}
	case f.Reason == check.CertificateExpired:
		return clause{"the certificate of ", name, " has expired"}
	case f.Reason == check.Handshake:
		return clause{"", name, " does not complete the TLS handshake"}
	case f.Class == check.TLS:
		return clause{"the certificate of ", name, " cannot be trusted"}
	default:
		return clause{"", name, " answers with errors"}
	}
}

func withoutScheme(origin string) string {
	if _, rest, found := strings.Cut(origin, "://"); found {
		return rest
	}
	return origin
}

// hop says where on the way a fault lies: the glyph of the chain and words.
type hop struct{ Glyph, Words string }

func hopOf(f *check.FaultText) hop {
	switch f.Class {
	case check.IDP, check.Credential:
		return hop{"h-2", "at the identity provider"}
	case check.Gateway, check.Policy:
		return hop{"h-3", "at the gateway"}
	case check.ExposedTo:
		return hop{"h-open", "at the gateway"}
	case check.Network, check.TLS:
		return hop{"h-way", "on the way there"}
	case check.Agent:
		return hop{"h-1", "at this agent"}
	default:
		if f.Reason == check.GatewayError {
			return hop{"h-3", "at the gateway"}
		}
		return hop{"h-4", "at the application"}
	}
}

// took writes how long a run took: "61 ms", "1.32 s".
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.2f s", d.Truncate(10*time.Millisecond).Seconds())
	default:
		return length(d)
	}
}

// length writes a stretch of time: "45 s", "6 min 20 s", "3 h 5 min", "23 d".
func length(d time.Duration) string {
	d = max(d, 0)
	s := int(d / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 600:
		return two(s/60, "min", s%60, "s")
	case s < 3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 86400:
		return two(s/3600, "h", s%3600/60, "min")
	case s < 10*86400:
		return two(s/86400, "d", s%86400/3600, "h")
	default:
		return fmt.Sprintf("%d d", s/86400)
	}
}

// untilExpiry writes how long a certificate lasts: in days, as messages round
// them, and exactly when it is nearly over.
func untilExpiry(d time.Duration) string {
	switch {
	case d <= 0:
		return "expired"
	case d < 48*time.Hour:
		return length(d)
	default:
		return fmt.Sprintf("%d d", int64(d+12*time.Hour)/int64(24*time.Hour))
	}
}

func two(a int, unitA string, b int, unitB string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, unitA)
	}
	return fmt.Sprintf("%d %s %d %s", a, unitA, b, unitB)
}

// percent writes an uptime: 100 only if nothing at all failed.
func percent(u float64) string {
	switch {
	case math.IsNaN(u):
		return "–"
	case u >= 1:
		return "100"
	default:
		return fmt.Sprintf("%.2f", math.Floor(u*1e4)/100)
	}
}

// stamp is a time as people and as machines read it.
type stamp struct{ Text, ISO string }

// stampOf leaves out what goes without saying: the day of today, the year of
// this year.
func stampOf(t, now time.Time, zone *time.Location) stamp {
	t, now = t.In(zone), now.In(zone)
	layout := "2 Jan 2006 15:04"
	switch {
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		layout = "15:04:05"
	case t.Year() == now.Year():
		layout = "2 Jan 15:04:05"
	}
	return stamp{t.Format(layout), t.Format(time.RFC3339)}
}
