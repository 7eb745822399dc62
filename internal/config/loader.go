package config

import (
	"crypto/sha256"
	"hash"
	"reflect"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/v2"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// loader collects what one Load finds. It lives as long as that.
type loader struct {
	options  LoadOptions
	files    map[string]int // their order
	digest   hash.Hash      // of what was read
	shapes   map[reflect.Type]shape
	problems Problems
	said     map[Problem]bool  // reported already: defaults and aliases are met many times
	spoilt   map[Position]bool // has no usable value, which was reported
	refused  bool              // a key of the item at hand is not supported yet
	leaves   []leaf
	values   []string // revealed for the item at hand: never to be quoted
}

func newLoader(o LoadOptions) *loader {
	return &loader{
		options: o, files: map[string]int{}, digest: sha256.New(), shapes: map[reflect.Type]shape{},
		said: map[Problem]bool{}, spoilt: map[Position]bool{},
	}
}

func (l *loader) complain(at Position, msg string) { l.report(at, msg, false) }

func (l *loader) warn(at Position, msg string) { l.report(at, msg, true) }

// judge reports what is wrong with the meaning of a value, unless there is no
// value to judge.
func (l *loader) judge(at Position, msg string) {
	if !l.spoilt[at] {
		l.complain(at, msg)
	}
}

func (l *loader) spoil(at Position) { l.spoilt[at] = true }

// remember keeps a value out of all messages. Short ones are left alone: they
// would be found in ordinary words.
func (l *loader) remember(value string) {
	const shortest = 6
	if len(value) >= shortest {
		l.values = append(l.values, value)
	}
}

func (l *loader) report(at Position, msg string, warning bool) {
	msg = secret.Line(secret.Scrub(msg, l.values...), 1000)
	p := Problem{File: at.File, Line: at.Line, Col: at.Col, Message: msg, Warning: warning}
	if !l.said[p] {
		l.said[p] = true
		l.problems = append(l.problems, p)
	}
}

// relay reports what a room found wrong with an item.
func (l *loader) relay(ps []check.Problem, it item) {
	for _, p := range ps {
		if at := it.locate(p.Path); !l.spoilt[at] {
			l.report(at, relayed(p), p.Warning || p.File && l.options.AllowMissingSecrets)
		}
	}
}

func relayed(p check.Problem) string {
	if p.Path == "" || strings.HasPrefix(p.Message, p.Path) {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// begin starts a new item; what is kept of the one before is its problems.
func (l *loader) begin(leaves, values int) {
	l.leaves, l.values = l.leaves[:leaves], l.values[:values]
}

// carry builds items and lays them over one another: maps merge, lists and
// scalars are replaced by the later.
func (l *loader) carry(k *koanf.Koanf, t reflect.Type, items ...item) {
	for _, it := range items {
		if it.node == nil {
			continue
		}
		v, _ := l.build(it.node, t, spot{src: it.src, pos: it.pos, path: it.path, key: it.name})
		if m, ok := v.(map[string]any); ok {
			l.lay(k, m, it.pos)
		}
	}
}

func (l *loader) lay(k *koanf.Koanf, m map[string]any, at Position) {
	if err := k.Load(tree(m), nil); err != nil {
		l.complain(at, err.Error())
	}
}

// clone copies maps and shares lists: koanf merges into the former and replaces
// the latter. koanf's own copy takes ten times as long.
func clone(m map[string]any) map[string]any {
	c := make(map[string]any, len(m))
	for k, v := range m {
		if sub, ok := v.(map[string]any); ok {
			v = clone(sub)
		}
		c[k] = v
	}
	return c
}

// newKoanf returns one for which no key is a path: names and headers hold dots.
func newKoanf() *koanf.Koanf { return koanf.New("\x00") }

// unmarshal decodes what k carries over the defaults in out.
func (l *loader) unmarshal(k *koanf.Koanf, out any, at Position) {
	err := k.UnmarshalWithConf("", out, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		DecodeHook: mapstructure.DecodeHookFuncValue(l.hook),
		ZeroFields: true, // else a shorter list keeps the end of the default
		TagName:    "koanf",
	}})
	if err != nil {
		l.complain(at, err.Error())
	}
}

// tree is a koanf.Provider for what is in memory already.
type tree map[string]any

func (t tree) Read() (map[string]any, error) { return t, nil }

func (t tree) ReadBytes() ([]byte, error) { return nil, nil }
