package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

// proxyTrouble says whether a request failed at its proxy: what it did, and what
// to do about it. A deadline that passed on the way there is told by the proxy as
// well. unread is a proxy_url that cannot be read.
func proxyTrouble(route transport.Route, to string, err error) (said, todo string, unread bool) {
	if e, ok := errors.AsType[*transport.UnreadableProxyError](err); ok {
		return secret.Line(e.Error(), quoted), "look at the variable or file that proxy_url is taken from, and whether this process may read it; it is read again at every connection", true
	}
	if e, ok := errors.AsType[*transport.ProxyError](err); ok {
		todo = e.Hint
		if names := transport.NameHint(err); names != "" {
			todo = names
		}
		return e.Error(), through(e.Proxy, todo), false
	}
	u, bad := url.Parse(to)
	if bad != nil {
		return "", "", false
	}
	if hop, ok := route.Through(u); ok {
		return "", through(hop.Name, "is it there, and does it reach the provider?"), false
	}
	return "", "", false
}

// byWay names the proxy that an answer was waited for through, "" for none.
func byWay(route transport.Route, to string) string {
	if u, err := url.Parse(to); err == nil {
		if hop, ok := route.Through(u); ok {
			return ", asked through the proxy " + hop.Name
		}
	}
	return ""
}

func through(proxy, todo string) string {
	return fmt.Sprintf("the provider is asked through the proxy %s (proxy_url of the credential): %s", proxy, todo)
}

// atProxy is the finding of a token request that did not get past its proxy, nil
// if there is none or it did.
func (x *exchange) atProxy(ctx context.Context, err error) *finding {
	said, todo, unread := proxyTrouble(x.route, x.to, err)
	f := &finding{reason: check.TokenUnreachable, todo: todo, ours: true, err: err}
	switch {
	case unread:
		f.reason, f.message = check.SecretUnavailable, "the token request could not be sent: "+said
	case said != "" && reasonOf(err) == check.Proxy:
		f.text = "could not be reached: " + said
	case todo != "" && errors.Is(ctx.Err(), context.DeadlineExceeded) && !x.got.Load():
		f.text = "could not be reached: no connection within " + x.timeout.String()
	default:
		return nil
	}
	return f
}

func reasonOf(err error) check.Reason {
	_, reason, _ := transport.Classify(err)
	return reason
}
