package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/watchword/watchword/internal/secret"
)

// role is what somebody may do; each includes those before it.
type role int

const (
	stranger role = iota
	scraper       // reads /metrics and asks /probe
	viewer        // reads everything
	admin         // writes, too
)

func (r role) String() string {
	return [...]string{"stranger", "metrics", roleViewer, roleAdmin}[r]
}

// identity is who asks; the zero identity is a stranger.
type identity struct {
	name string
	role role
}

type account struct {
	hash secret.Text
	role role
}

// Rules say who may look, and under which certificate. They are made of one
// configuration, and with them go the logins that they remember.
type Rules struct {
	asks     bool               // whether people have to log in
	status   bool               // whether strangers get the reduced page
	accounts map[string]account // the scraper's among them
	bearer   secret.Text        // of /metrics
	apart    bool               // /metrics has a credential of its own
	pair     *pair              // nil: plain http

	key   []byte // of the logins that are remembered
	dear  int    // the highest cost of a hash: what every login costs
	known known
	match func(hash, password []byte) error // bcrypt
}

// NewRules makes the rules of a. The error says what is wrong with it, as
// CheckAccess does.
func NewRules(a Access, log *slog.Logger) (*Rules, error) {
	for _, p := range CheckAccess(a) {
		if !p.Warning {
			return nil, fmt.Errorf("server.%s: %s", p.Path, p.Message)
		}
	}
	k := &Rules{
		asks: a.Asks(), status: slices.Contains(a.Public, publicStatus), accounts: map[string]account{}, bearer: a.Auth.Metrics.BearerToken,
		key: make([]byte, 32), dear: cheapest, known: newKnown(), match: bcrypt.CompareHashAndPassword,
	}
	_, _ = rand.Read(k.key) // never fails: crypto/rand ends the program instead
	for name, u := range a.Auth.Users {
		r := viewer
		if u.Role == roleAdmin {
			r = admin
		}
		k.add(name, account{u.PasswordHash, r})
	}
	if m := a.Auth.Metrics; m.Username != "" {
		k.add(m.Username, account{m.PasswordHash, scraper})
	}
	k.apart = a.Scraped()
	if a.Secure() {
		var err error
		if k.pair, err = newPair(a.TLS, log); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func (k *Rules) add(name string, a account) {
	k.accounts[name] = a
	if hash, err := a.hash.Reveal(); err == nil {
		if cost, err := bcrypt.Cost([]byte(hash)); err == nil {
			k.dear = max(k.dear, cost)
		}
	}
}

// lookUp returns the account of a name, its hash as it is now, and the key
// under which a login with the password is remembered: it changes with the
// hash, and tells nothing of the password. Without an account the hash is "".
func (k *Rules) lookUp(name, password string) (account, string, [sha256.Size]byte, error) {
	a, found := k.accounts[name]
	var hash string
	var err error
	if found {
		if hash, err = a.hash.Reveal(); err == nil && judgeHash(hash) != "" {
			err = errors.New(judgeHash(hash)) // of a file that was changed since it was checked
		}
		if err != nil {
			hash = ""
		}
	}
	return a, hash, k.digest(name, password, hash), err
}

func (k *Rules) digest(parts ...string) [sha256.Size]byte {
	h := hmac.New(sha256.New, k.key)
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write([]byte(p))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// isToken says whether a token is that of /metrics.
func (k *Rules) isToken(token string) (bool, error) {
	want, err := k.bearer.Reveal()
	if err != nil || want == "" {
		return false, err
	}
	a, b := k.digest(token), k.digest(want)
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1, nil
}

// matches says whether the hash is of the password. It takes as long for every
// hash, and for none: a cheap one is made up for by others that match nothing.
// 2^c rounds and 2^c + 2^(c+1) + … + 2^(dear-1) are 2^dear.
func (k *Rules) matches(hash, password string) bool {
	const longest = 72 // bytes; bcrypt would not look at the rest
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil {
		_ = k.match(decoy(k.dear), []byte(password))
		return false
	}
	right := k.match([]byte(hash), []byte(password)) == nil
	for ; cost < k.dear; cost++ {
		_ = k.match(decoy(cost), []byte(password))
	}
	return right && len(password) <= longest
}

// decoy is a hash of that cost, of no password that is known.
func decoy(cost int) []byte {
	return fmt.Appendf(nil, "$2a$%02d$%s%s", cost, strings.Repeat("u", 22), strings.Repeat("u", 31))
}
