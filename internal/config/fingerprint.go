package config

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"reflect"
	"slices"
	"strings"

	"github.com/watchword/watchword/internal/secret"
)

// Fingerprint sums up a part of the configuration (a Monitor, the options of a
// credential or notifier), so that a reload can tell what has changed. Secrets
// go into it as what they say of where their value is, and with the value of
// variables; a secret in a file is read when it is used, and its rotation is no
// change. Where a monitor stands in its file is none either. The key keeps the
// sum from telling anything about a secret.
func Fingerprint(v any, key []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, key)
	encode(h, reflect.ValueOf(v))
	return [sha256.Size]byte(h.Sum(nil))
}

// encode writes a value so that no two values are written alike: everything of
// variable length has its length before it.
func encode(h hash.Hash, v reflect.Value) {
	if !v.IsValid() {
		writeNumber(h, 0)
		return
	}
	writeText(h, v.Type().String())
	switch v.Kind() {
	case reflect.Struct:
		encodeStruct(h, v)
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		writeNumber(h, uint64(len(keys)))
		for _, k := range keys {
			writeText(h, k.String())
			encode(h, v.MapIndex(k))
		}
	case reflect.Slice, reflect.Array:
		writeNumber(h, uint64(v.Len()))
		for i := range v.Len() {
			encode(h, v.Index(i))
		}
	case reflect.Pointer, reflect.Interface:
		encode(h, v.Elem())
	case reflect.String:
		writeText(h, v.String())
	default:
		encodeNumber(h, v)
	}
}

// encodeNumber writes a number or a boolean. The bytes of a fingerprint of
// something else are numbers too.
func encodeNumber(h hash.Hash, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Bool:
		writeNumber(h, uint64(boolBit(v.Bool())))
	case v.CanInt():
		writeNumber(h, uint64(v.Int()))
	case v.CanUint():
		writeNumber(h, v.Uint())
	}
}

func encodeStruct(h hash.Hash, v reflect.Value) {
	switch x := v.Interface().(type) {
	case Position:
		return
	case secret.Text:
		writeText(h, x.Source())
		if len(x.Files()) == 0 {
			s, _ := x.Reveal() //nolint:errcheck // a variable that is not set is a value too
			writeText(h, s)
		}
		return
	}
	for f, fv := range v.Fields() {
		if f.IsExported() {
			encode(h, fv)
		}
	}
}

func boolBit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func writeText(h hash.Hash, s string) {
	writeNumber(h, uint64(len(s)))
	h.Write([]byte(s))
}

func writeNumber(h hash.Hash, n uint64) {
	h.Write(binary.BigEndian.AppendUint64(nil, n))
}
