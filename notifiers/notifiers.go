// Package notifiers is how people hear of it: one file a channel. A Channel
// turns a check.Delivery into one request to a chat service, says whether the
// service took it, and never repeats a URL or token in what it says. It does
// not retry: that is the sender's, told by check.DeliveryError what would help.
package notifiers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nikoksr/notify"

	"github.com/watchword/watchword/internal/check"
)

// Common is what all channels share.
type Common struct {
	Client    *http.Client // only its Transport is used: no redirect is followed, no cookie kept; nil is the default transport
	UserAgent string
	Zone      *time.Location // of times in messages; nil is UTC
}

// service is what one kind of channel does: dress a letter as a request and
// read the answer. Secrets are revealed in request, so that rotated files count.
type service interface {
	request(l *letter) (*request, error)
	judge(a *answer) *check.DeliveryError // nil: delivered
}

// simpler is a service that may refuse a message for its form, and takes a
// simple one.
type simpler interface {
	misread(a *answer) bool // whether the form was refused
	simple(l *letter) (*request, error)
}

// Channel is one configured notifier. It is safe for concurrent use.
type Channel struct {
	name    string
	kind    string
	common  Common
	timeout time.Duration
	service service
}

var _ notify.Notifier = (*Channel)(nil)

// New returns the notifier called name. It sends nothing; the error is the
// first problem that Check finds.
func New(name string, o Options, c Common) (*Channel, error) {
	for _, p := range Check(o) {
		if !p.Warning {
			return nil, fmt.Errorf("notifier %q: %s: %s", name, p.Path, p.Message)
		}
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	s, err := newService(name, o)
	if err != nil {
		return nil, fmt.Errorf("notifier %q: %w", name, err)
	}
	return &Channel{name: name, kind: o.Type, common: c, timeout: o.Timeout, service: s}, nil
}

func newService(name string, o Options) (service, error) {
	switch o.Type {
	case typeTelegram:
		return &telegram{o: o}, nil
	case typeSlack:
		return &slack{o: o}, nil
	case typeDiscord:
		return &discord{o: o}, nil
	case typeTeams:
		return &teams{o: o}, nil
	case typeWebhook:
		return newWebhook(name, o)
	default:
		return nil, fmt.Errorf("unknown type %q", o.Type)
	}
}

// Name returns the name of the notifier in the configuration.
func (c *Channel) Name() string { return c.name }

// Keyed says whether each delivery must hold one event: the receiver keeps
// incidents apart by their id.
func (c *Channel) Keyed() bool { return c.kind == typeWebhook }

// Deliver sends one message and waits for the answer, no longer than ctx and
// the notifier's timeout allow. The error is a *check.DeliveryError. A keyed
// channel that is given several events sends them one after the other.
func (c *Channel) Deliver(ctx context.Context, d check.Delivery) (check.Receipt, error) {
	if !c.Keyed() || len(d.Events) < 2 {
		l := newLetter(d, c.common.Zone)
		return c.send(ctx, &l)
	}
	var r check.Receipt
	for i := range d.Events {
		one := d
		one.Events = d.Events[i : i+1]
		l := newLetter(one, c.common.Zone)
		var err error
		if r, err = c.send(ctx, &l); err != nil {
			return check.Receipt{}, err
		}
	}
	return r, nil
}

// Send delivers a plain message. It makes a Channel a Notifier of
// github.com/nikoksr/notify.
func (c *Channel) Send(ctx context.Context, subject, message string) error {
	l := plainLetter(subject, message)
	_, err := c.send(ctx, &l)
	return err
}

func (c *Channel) send(ctx context.Context, l *letter) (check.Receipt, error) {
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	a, err := c.attempt(ctx, l, c.service.request)
	if err == nil {
		return check.Receipt{Status: a.status, Text: a.quote(string(a.body))}, nil
	}
	s, ok := c.service.(simpler)
	if !ok || a == nil || !s.misread(a) {
		return check.Receipt{}, err
	}
	// Better a bare message than none: a service may change what it takes.
	if a, again := c.attempt(ctx, l, s.simple); again == nil {
		return check.Receipt{Status: a.status, Text: "in plain text, for it was refused as it was: " + err.Error()}, nil
	}
	return check.Receipt{}, err
}

// attempt makes one request. With an error the answer, if any, is returned, too.
func (c *Channel) attempt(ctx context.Context, l *letter, build func(*letter) (*request, error)) (*answer, error) {
	r, err := build(l)
	if err != nil {
		return nil, asDeliveryError(err)
	}
	a, err := c.common.post(ctx, r)
	if err != nil {
		return nil, asDeliveryError(err)
	}
	if e := c.service.judge(a); e != nil {
		return a, e
	}
	return a, nil
}

func asDeliveryError(err error) *check.DeliveryError {
	if e, ok := errors.AsType[*check.DeliveryError](err); ok {
		return e
	}
	return &check.DeliveryError{Message: "the message could not be made", Err: err, Permanent: true}
}
