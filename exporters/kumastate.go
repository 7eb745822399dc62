package exporters

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// messageRunes bounds the message of a push. Kuma keeps it whole and shows it in
// one line.
const messageRunes = 250

// kumaState is what one push tells. The zero kumaState is nothing to tell.
type kumaState struct {
	status string        // up or down
	msg    string        // one line
	ping   time.Duration // 0: none
	// What makes it another state: a message may hold figures that change from run
	// to run.
	news news
}

type news struct {
	status string
	state  check.State
	class  check.Class
	reason check.Reason
}

// kumaStateOf says what Uptime Kuma is told of a monitor. Of one that has never
// run nothing is: neither up nor down would be true.
//
// Maintenance and pause are told as up. To stay silent would make Kuma raise the
// alarm that somebody wanted to be spared.
func kumaStateOf(v *board.View, pending string) kumaState {
	k := kumaState{status: "up"}
	switch v.State {
	case check.Up:
		k.msg, k.ping = passedMessage(v), ping(v)
	case check.Maintenance:
		k.msg, k.ping = "maintenance", ping(v)
	case check.Paused:
		k.msg = "paused"
	case check.Down:
		k.status, k.msg = "down", failedMessage(v, "")
	case check.Exposed:
		k.status, k.msg = "down", failedMessage(v, "exposed: ")
	default:
		if pending == pendingSkip || v.Last.Fault == nil {
			return kumaState{}
		}
		k.status, k.msg = pending, failedMessage(v, "pending: ")
	}
	k.msg = strings.TrimSpace(secret.Line(k.msg, messageRunes))
	k.news = news{status: k.status, state: v.State}
	if f := v.Last.Fault; f != nil {
		k.news.class, k.news.reason = f.Class, f.Reason
	}
	return k
}

// passedMessage is what Kuma itself writes: "200 - OK".
func passedMessage(v *board.View) string {
	if text := http.StatusText(v.Last.StatusCode); text != "" {
		return strconv.Itoa(v.Last.StatusCode) + " - " + text
	}
	return "OK"
}

func failedMessage(v *board.View, before string) string {
	if f := v.Last.Fault; f != nil && f.Message != "" {
		return before + f.Message
	}
	return before + "not up again yet" // it passes, and more passes are needed
}

// ping is the time of a run that passed; a failed one would spoil Kuma's
// average, and Kuma has none for it either.
func ping(v *board.View) time.Duration {
	if !v.Last.Has || v.Last.Fault != nil {
		return 0
	}
	return max(v.Last.Took.Round(time.Millisecond), time.Millisecond)
}

func (k kumaState) query() string {
	q := url.Values{"status": {k.status}, "msg": {k.msg}}
	if k.ping > 0 {
		q.Set("ping", strconv.FormatInt(k.ping.Milliseconds(), 10))
	}
	return q.Encode()
}
