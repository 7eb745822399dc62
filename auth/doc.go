// Package auth is how a check proves who it is: one Source per credential, which
// fetches, keeps and replaces the token for all, and one Handle per monitor,
// which puts it on requests to that monitor's own origin and nowhere else.
//
// It is not an http.RoundTripper on purpose: getting a token is a step of the
// check with a fault of its own, bounded by the deadline of the check.
package auth
