// Package traps holds tests alone: each is a trap of Uptime Kuma, with its
// provider, gate or page on loopback, and shows what Watchword says there.
// docs/uptime-kuma.md names them.
package traps
