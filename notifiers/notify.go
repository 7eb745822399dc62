package notifiers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/nikoksr/notify"

	"github.com/watchword/watchword/internal/check"
)

// FromNotify adapts a service of github.com/nikoksr/notify: it is sent title
// and body in plain text, with times in zone (nil is UTC). The texts of such
// services' errors can hold tokens and URLs and are never shown; a panic in one
// is an error.
func FromNotify(n notify.Notifier, zone *time.Location) func(context.Context, check.Delivery) (check.Receipt, error) {
	if zone == nil {
		zone = time.UTC
	}
	return func(ctx context.Context, d check.Delivery) (check.Receipt, error) {
		l := newLetter(d, zone)
		if err := sendGuarded(ctx, n, plain().join(l.title), l.text()); err != nil {
			return check.Receipt{}, fromNotifyError(ctx, err)
		}
		return check.Receipt{Text: "sent"}, nil
	}
}

var errPanic = errors.New("the service panicked") //nolint:gochecknoglobals // a sentinel

func sendGuarded(ctx context.Context, n notify.Notifier, subject, message string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	return n.Send(ctx, subject, message)
}

func fromNotifyError(ctx context.Context, err error) *check.DeliveryError {
	e := &check.DeliveryError{Message: "the service's library reports an error", Err: err}
	ne, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, errPanic):
		e.Message, e.Permanent = "the service's library failed on this message", true
	case errors.Is(ctx.Err(), context.DeadlineExceeded), isNet && ne.Timeout():
		e.Message = "no answer within the timeout"
	case isNet:
		e.Message = "no answer: the network failed"
	}
	return e
}
