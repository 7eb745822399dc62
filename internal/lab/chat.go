package lab

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// ChatOptions says whom a Chat knows. What is empty is not checked.
type ChatOptions struct {
	TelegramToken string   // "123456:AAF…"
	TelegramChats []string // known chat_ids
	SlackPath     string   // "T…/B…/X…"
	DiscordHook   string   // "ID/TOKEN"
	TeamsSig      string   // query parameter `sig` of a Workflows URL
	HookSecret    string   // key of X-Watchword-Signature
	Keep          int      // messages kept a channel; 0 is 10 000
}

// Chat is the chat services in small: the Telegram Bot API, Slack's and
// Discord's webhooks, Teams' Workflows and connectors, and any other webhook.
// Each takes and refuses messages as the real one does, within its documented
// limits, and can be told to misbehave. Its paths are
//
//	/bot<token>/sendMessage                     telegram
//	/services/T…/B…/X…                          slack
//	/api/webhooks/ID/TOKEN?wait=true&thread_id= discord
//	/workflows/… and /powerautomate/…           teams (202, empty)
//	/webhookb2/…                                teams, old connector (200, "1")
//	/hook/…                                     webhook
type Chat struct {
	o ChatOptions

	mu       sync.Mutex
	next     int
	accepted map[string][]Message
	requests map[string]int
	modes    map[string]*chatFailing
	notUntil map[string]time.Time
	problems []string
	watch    func(Message)
	closed   chan struct{}
}

// Message is one request to a Chat.
type Message struct {
	ID       int
	Time     time.Time
	Channel  string // telegram, slack, discord, teams, webhook
	Path     string // with its secrets
	Method   string
	Header   http.Header
	Query    map[string][]string
	Body     []byte
	Payload  map[string]any // Body as JSON; nil if it is none
	Status   int            // what was answered
	Pings    []string       // who would be called by it: "<!channel>", "@everyone"
	Problems []string       // limits and shapes that it breaks
	Early    bool           // it came before the time that a 429 had asked for
}

// ChatTrouble is a way for a chat service to misbehave.
type ChatTrouble int

// The ways to misbehave.
const (
	ChatWell          ChatTrouble = iota
	ChatRateLimited               // 429 with RetryAfter in the service's own form
	ChatServerError               // 500
	ChatHang                      // no answer until the mode is changed, the client leaves or the Chat is closed
	ChatLoginRedirect             // 302 to a sign-in page
	ChatLoginPage                 // a sign-in page with status 200
	ChatRefuse                    // the credentials are wrong, in the service's own form
)

// ChatMode is how an endpoint behaves.
type ChatMode struct {
	Do         ChatTrouble
	RetryAfter time.Duration // of ChatRateLimited
	Delay      time.Duration // before any answer
	Times      int           // after so many requests it is well again; 0: until told
}

type chatFailing struct {
	ChatMode
	left    int
	release chan struct{}
}

// NewChat returns a Chat that is well.
func NewChat(o ChatOptions) *Chat {
	if o.Keep == 0 {
		o.Keep = 10_000
	}
	return &Chat{
		o: o, accepted: map[string][]Message{}, requests: map[string]int{},
		modes: map[string]*chatFailing{}, notUntil: map[string]time.Time{}, closed: make(chan struct{}),
	}
}

// Close lets go of all requests that hang. It is to be called once.
func (c *Chat) Close() { close(c.closed) }

// OnMessage has f called, one call at a time, for every message that is taken.
func (c *Chat) OnMessage(f func(Message)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watch = f
}

// Fail tells a channel ("slack") or one endpoint ("/hook/a") how to behave; the
// endpoint's own mode goes first. What hung under the old mode is let go.
func (c *Chat) Fail(channel string, m ChatMode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.modes[channel]; old != nil {
		close(old.release)
	}
	delete(c.modes, channel)
	if m != (ChatMode{}) {
		c.modes[channel] = &chatFailing{ChatMode: m, left: m.Times, release: make(chan struct{})}
	}
}

// Received returns the messages that a channel took, oldest first.
func (c *Chat) Received(channel string) []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.accepted[channel])
}

// Requests counts the requests to a channel, the refused ones included.
func (c *Chat) Requests(channel string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests[channel]
}

// Problems returns what was wrong with messages so far, as "channel: what".
func (c *Chat) Problems() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.problems)
}

// ServeHTTP takes one message.
func (c *Chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return // the client left
	}
	m := &Message{
		Time: time.Now(), Path: r.URL.Path, Method: r.Method,
		Header: r.Header.Clone(), Query: r.URL.Query(), Body: body,
	}
	s, ok := c.service(m)
	if !ok {
		http.NotFound(w, r)
		return
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&m.Payload) != nil {
		m.Payload = nil
	}
	mode := c.begin(m)
	if mode.Delay > 0 && !pause(r.Context(), mode.Delay) {
		return
	}
	if mode.Do == ChatHang && !c.hang(r, mode.release) {
		return
	}
	c.finish(w, m, c.reply(s, m, mode.ChatMode))
}

// begin counts the request and returns how to behave.
func (c *Chat) begin(m *Message) chatFailing {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[m.Channel]++
	m.Early = m.Time.Before(c.notUntil[m.Path])
	for _, key := range []string{m.Path, m.Channel} {
		f := c.modes[key]
		if f == nil {
			continue
		}
		now := *f
		if f.Times > 0 {
			if f.left--; f.left == 0 {
				delete(c.modes, key)
			}
		}
		if now.Do == ChatRateLimited {
			c.notUntil[m.Path] = m.Time.Add(now.RetryAfter)
		}
		return now
	}
	return chatFailing{}
}

// hang waits; it says whether there is still somebody to answer.
func (c *Chat) hang(r *http.Request, release chan struct{}) bool {
	select {
	case <-release:
		return true
	case <-r.Context().Done():
	case <-c.closed:
	}
	return false
}

func (c *Chat) reply(s chatService, m *Message, mode ChatMode) chatReply {
	switch mode.Do {
	case ChatRateLimited:
		return s.limited(mode.RetryAfter)
	case ChatServerError:
		return chatText(http.StatusInternalServerError, "internal error")
	case ChatLoginRedirect:
		return chatReply{status: http.StatusFound, header: http.Header{"Location": {"https://login.example.com/?rd=" + m.Path}}}
	case ChatLoginPage:
		return chatReply{status: http.StatusOK, contentType: "text/html; charset=utf-8", body: chatLoginPage}
	case ChatRefuse:
		return s.refuse
	default:
		return s.take(m)
	}
}

const chatLoginPage = `<!doctype html><html><head><title>Sign in</title></head><body><form method="post"><input name="user"><input type="password" name="password"><button>Sign in</button></form></body></html>`

func (c *Chat) finish(w http.ResponseWriter, m *Message, r chatReply) {
	m.Status = r.status
	c.record(m, r.status < 300 && m.Problems == nil && r.body != chatLoginPage && !strings.Contains(r.body, chatUndelivered))
	maps.Copy(w.Header(), r.header)
	if r.body == "" {
		w.WriteHeader(r.status)
		return
	}
	writeBody(w, r.status, r.contentType, r.body)
}

func (c *Chat) record(m *Message, taken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	m.ID = c.next
	for _, p := range m.Problems {
		if len(c.problems) < c.o.Keep {
			c.problems = append(c.problems, m.Channel+": "+p)
		}
	}
	if !taken {
		return
	}
	ms := append(c.accepted[m.Channel], *m)
	c.accepted[m.Channel] = ms[max(0, len(ms)-c.o.Keep):]
	if c.watch != nil {
		c.watch(*m)
	}
}
