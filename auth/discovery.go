package auth

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/transport"
)

const (
	keptFor       = time.Hour       // a discovery document that says nothing of its age
	keptShortest  = 5 * time.Minute // whatever Cache-Control says
	keptLongest   = 24 * time.Hour
	doubtAfter    = time.Minute     // younger documents are not asked for again because an endpoint failed
	lookTimeout   = 8 * time.Second // less than a token request may take
	stalePatience = 2 * time.Second // how long an old document waits for the new one
)

// discovery holds the metadata of one issuer for all credentials that name it.
// It asks once for all who wait, never during a back-off, and keeps what it has
// while nothing better can be had.
type discovery struct {
	ctx       context.Context // ends with the registry
	issuer    string
	wire      http.RoundTripper
	route     transport.Route
	userAgent string
	backoff   *endpoint

	mu      sync.Mutex
	found   *metadata
	since   time.Time // of found
	expires time.Time
	flight  *lookup
	wg      sync.WaitGroup
}

// lookup is one question that any number of callers wait for.
type lookup struct {
	done    chan struct{}
	found   *metadata
	finding *finding
}

// held returns the document that is there, nil if there is none.
func (d *discovery) held() *metadata {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.found
}

// doubt has the document asked for again at the next request: an endpoint that
// it named did not answer as one.
func (d *discovery) doubt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); now.Sub(d.since) > doubtAfter && now.Before(d.expires) {
		d.expires = now
	}
}

// get returns the metadata, waiting for it until ctx ends at the latest. A
// document that has expired is used where the new one does not come soon.
func (d *discovery) get(ctx context.Context) (*metadata, *finding) {
	d.mu.Lock()
	old := d.found
	if old != nil && time.Now().Before(d.expires) {
		d.mu.Unlock()
		return old, nil
	}
	f, blocked := d.joinLocked()
	d.mu.Unlock()
	if f == nil {
		return old.or(blocked)
	}
	if old != nil {
		soon, cancel := context.WithTimeout(ctx, stalePatience)
		defer cancel()
		ctx = soon
	}
	select {
	case <-f.done:
		if f.found != nil {
			return f.found, nil
		}
		return old.or(f.finding)
	case <-ctx.Done():
	}
	return old.or(&finding{reason: check.DiscoveryFailed, waited: true, tried: false, err: ctx.Err(),
		message: "the discovery document of " + d.issuer + " did not come in time", todo: "look at the load and the log of the identity provider"})
}

// or returns m if it is there, else why there is none.
func (m *metadata) or(why *finding) (*metadata, *finding) {
	if m != nil {
		return m, nil
	}
	return nil, why
}

// joinLocked returns the question under way or a new one, or why none may be
// asked.
func (d *discovery) joinLocked() (*lookup, *finding) {
	if d.flight != nil {
		return d.flight, nil
	}
	if d.ctx.Err() != nil {
		return nil, &finding{reason: check.Internal, message: "the credential is no longer in use"}
	}
	if f, _ := d.backoff.blocked(time.Now()); f != nil {
		return nil, f
	}
	f := &lookup{done: make(chan struct{})}
	d.flight = f
	d.wg.Go(func() { d.run(f) })
	return f, nil
}

func (d *discovery) run(f *lookup) {
	ctx, cancel := context.WithTimeout(d.ctx, lookTimeout)
	defer cancel()
	var life time.Duration
	f.found, life, f.finding = d.look(ctx)
	d.backoff.leave(false, f.finding)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flight = nil
	if f.found != nil {
		d.found, d.since = f.found, time.Now()
		d.expires = d.since.Add(life)
	}
	close(f.done)
}

// look asks at the first well-known address, and where there is nothing at the
// second. Of two findings the one that tells more is returned.
func (d *discovery) look(ctx context.Context) (*metadata, time.Duration, *finding) {
	var why *finding
	for _, address := range wellKnown(d.issuer) {
		doc, f := d.ask(ctx, address)
		if f != nil {
			if why == nil {
				why = f
			}
			break // who cannot be reached is not asked twice
		}
		m, f := doc.read(d.issuer)
		if f == nil {
			return m, lifeOf(doc.header), nil
		}
		f.retryAfter = reply{header: doc.header, now: time.Now()}.retryAfter()
		if why == nil || doc.status == http.StatusOK {
			why = f
		}
		if doc.status == http.StatusTooManyRequests || doc.status >= http.StatusInternalServerError {
			break
		}
	}
	return nil, 0, why
}

// ask sends one request that carries no secret.
func (d *discovery) ask(ctx context.Context, address string) (document, *finding) {
	req, err := http.NewRequestWithContext(transport.Bind(ctx), http.MethodGet, address, http.NoBody)
	if err != nil {
		return document{}, undiscovered("write issuer as a URL", "the discovery document cannot be asked for: issuer %q is no URL", d.issuer)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", d.userAgent)
	resp, err := d.wire.RoundTrip(req)
	if err != nil {
		return document{}, d.failed(ctx, address, d.route.Broke(req, err))
	}
	defer resp.Body.Close()
	if err := d.route.Own(resp); err != nil {
		return document{}, d.failed(ctx, address, err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	if err != nil {
		return document{}, d.failed(ctx, address, err)
	}
	return document{url: address, status: resp.StatusCode, header: resp.Header, body: body}, nil
}

func (d *discovery) failed(ctx context.Context, address string, err error) *finding {
	class, _, text := transport.Classify(err)
	if ctx.Err() != nil {
		class, _, text = transport.Classify(ctx.Err())
	}
	if class == check.Agent {
		return &finding{reason: check.Internal, message: "the discovery document could not be asked for: " + text, err: err}
	}
	said, at, unread := proxyTrouble(d.route, address, err)
	if unread {
		return &finding{reason: check.SecretUnavailable, message: "the discovery document could not be asked for: " + said, todo: at, err: err}
	}
	todo := "is the identity provider running, and does this machine reach it (name, port, firewall)?"
	if class == check.TLS {
		todo = "TLS: look at the certificate of the provider, and at tls.ca_file of the credential if an authority of your own signed it"
	}
	if names := transport.NameHint(err); names != "" {
		todo = names
	}
	if at != "" && class != check.TLS {
		todo = at
	}
	f := undiscovered(todo, "the discovery document %s could not be reached: %s", address, text)
	f.err, f.tls = err, class == check.TLS
	return f
}

// wait waits for the question under way; the registry's context has ended, so
// that there will be no other.
func (d *discovery) wait() {
	d.mu.Lock()
	d.mu.Unlock() //nolint:staticcheck // who held it has started what is waited for
	d.wg.Wait()
}

// lifeOf returns how long a document is kept: as Cache-Control says (RFC 9111,
// section 5.2.2), within limits.
func lifeOf(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if seconds, err := strconv.Atoi(strings.Trim(value, `"`)); strings.EqualFold(name, "max-age") && err == nil {
			return min(max(time.Duration(min(seconds, 1<<30))*time.Second, keptShortest), keptLongest)
		}
	}
	return keptFor
}
