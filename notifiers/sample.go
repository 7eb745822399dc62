package notifiers

import (
	"time"

	"github.com/watchword/watchword/internal/check"
)

// Sample returns a delivery with realistic content, for trying out a channel.
func Sample(kind check.Kind) check.Delivery {
	now := time.Now().Truncate(time.Second)
	e := check.Event{
		Incident: "sample", Kind: kind, At: now, Since: now.Add(-252 * time.Second),
		Cause:    check.Cause{Kind: check.CauseMonitor, Key: "application"},
		Severity: check.Critical, Fault: sampleFault(kind),
		Members: []check.Member{{ID: "application", Name: "Application", Group: "Core", Since: now.Add(-252 * time.Second)}},
	}
	switch kind {
	case check.KindUp, check.KindClosed:
		e.Ended, e.Severity = now, check.Info
	case check.KindCertificate:
		e.Severity, e.Since, e.Members[0].Since = check.Warning, time.Time{}, time.Time{}
		e.Cause = check.Cause{Kind: check.CauseCertificate, Key: "application.example.com"}
	}
	return check.Delivery{Notifier: "sample", Kind: kind, At: now, Events: []check.Event{e}}
}

func sampleFault(kind check.Kind) check.FaultText {
	switch kind {
	case check.KindExposed:
		return check.FaultText{
			Class: check.ExposedTo, Reason: check.AnonymousAccess,
			Message: "This is a sample: the application answered 200 to a request without a token",
			Hint:    "look at the gateway's rule for application.example.com: strangers get in",
		}
	case check.KindCertificate:
		return check.FaultText{
			Class: check.TLS, Reason: check.CertificateExpired,
			Message: "This is a sample: the certificate of application.example.com (CN=application.example.com, issued by CN=R11,O=Let's Encrypt,C=US) expires in 14 days",
			Hint:    "renew the certificate for application.example.com with its issuer, and load it",
		}
	default:
		return check.FaultText{
			Class: check.Content, Reason: check.KeywordMissing,
			Message: "This is a sample: the application answered 200, and \"Dashboard\" is not in the body",
			Hint:    "look at the page that https://application.example.com/ shows to a signed-in client",
		}
	}
}
