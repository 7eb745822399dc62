// Package peers holds tests alone: Watchword against the real programs that it
// meets. A certified OpenID provider, nginx and Caddy with the snippets that
// Authelia documents, Prometheus and its blackbox_exporter.
//
// A program that is missing fails the tests; scripts/need installs all of them.
package peers
