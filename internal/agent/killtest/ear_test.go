package killtest

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// moment is when a kill comes.
type moment int

const (
	anytime   moment = iota // a random time after the last event
	onRequest               // a chat request is there, and the service never sees it
	onTaken                 // the service took the message, and its answer never arrives
	onAnswer                // about when the answer arrives and is committed
	onStart                 // while the agent starts
	moments
)

func (m moment) String() string {
	return [...]string{"any time", "before a request was taken", "between request and answer", "about the answer's commit", "at start"}[m]
}

// ear stands before the chat services: it writes down what they take and kills
// the agent in the midst of requests.
type ear struct {
	chat *lab.Chat
	book *book
	kill func() // returns when the agent is dead

	mu    sync.Mutex
	armed moment
	left  int           // requests until the kill
	after time.Duration // of onAnswer
	fired chan struct{}
}

func newEar(b *book) *ear {
	e := &ear{chat: lab.NewChat(lab.ChatOptions{}), book: b}
	e.chat.OnMessage(e.taken)
	return e
}

// arm has the nth request from now kill the agent. The channel is closed when
// it is dead.
func (e *ear) arm(m moment, n int, after time.Duration) <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.armed, e.left, e.after, e.fired = m, n, after, make(chan struct{})
	return e.fired
}

// disarm says whether there is nothing to wait for: no request came so far.
func (e *ear) disarm() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	was := e.armed
	e.armed = anytime
	return was != anytime
}

// due says whether the kill is to come now.
func (e *ear) due(m moment) (time.Duration, chan struct{}, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.armed != m {
		return 0, nil, false
	}
	if e.left--; e.left > 0 {
		return 0, nil, false
	}
	e.armed = anytime
	return e.after, e.fired, true
}

// ServeHTTP takes the number of the process off the path.
func (e *ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, fired, ok := e.due(onRequest); ok {
		e.kill()
		close(fired)
		return // to nobody
	}
	epoch, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/e"), "/")
	r.Header.Set(epochHeader, epoch)
	r.URL.Path = "/" + rest
	e.chat.ServeHTTP(w, r)
}

const epochHeader = "X-Killtest-Epoch"

// taken is called for each message that a service took, before it answers.
func (e *ear) taken(m lab.Message) {
	text := lab.Render(m)
	kind, _, _ := strings.Cut(strings.TrimPrefix(text, "["), "]")
	epoch, err := strconv.Atoi(m.Header.Get(epochHeader))
	if err != nil {
		epoch = -1
	}
	names := regexp.MustCompile(`\bK[0-9]{2}K\b`).FindAllString(text, -1)
	slices.Sort(names)
	e.book.take(heard{m.Channel, kind, slices.Compact(names), string(m.Body), epoch})
	if _, fired, ok := e.due(onTaken); ok {
		e.kill()
		close(fired)
	}
	if after, fired, ok := e.due(onAnswer); ok {
		time.AfterFunc(after, func() {
			e.kill()
			close(fired)
		})
	}
}
