package config

import (
	"cmp"
	"os"
)

// listenVariable takes the place of the built-in default of server.listen. The
// image sets it, because nobody can reach the loopback of a container.
const listenVariable = "WATCHWORD_LISTEN"

// DefaultListen returns where an agent listens whose configuration does not say.
func DefaultListen() string { return cmp.Or(os.Getenv(listenVariable), defaultServer().Listen) }

// listenKey names what an address to listen on comes from: server.listen where
// that is given at a place.
func listenKey(at Position) string {
	if at == (Position{}) {
		return listenVariable
	}
	return "server.listen"
}

// nobodyLogsIn warns of an address that others can reach. One that comes from
// the variable is most likely that of a container.
func nobodyLogsIn(at Position, addr string, scraper bool) string {
	refused := "changes and /probe are"
	if scraper { // whose credential opens /probe
		refused = "changes are"
	}
	if listenKey(at) == listenVariable {
		return listenVariable + ": the agent listens on " + addr + " and nobody has to log in: whoever reaches it reads names, URLs and faults " +
			"(" + refused + " refused). In a container these are its neighbours and all who reach a published port: " +
			"publish it as 127.0.0.1:9640:9640, or set server.auth (type: basic) and server.tls"
	}
	return "server.listen: others can reach " + addr + " and nobody has to log in: set server.auth (type: basic) and server.tls; until then " + refused + " refused there"
}

// ListenOf returns where an agent of that configuration listens, as far as it
// can be read, whatever is wrong with it; where it says nothing, the default.
func ListenOf(paths []string) string {
	l := newLoader(LoadOptions{AllowMissingSecrets: true})
	s := l.server(l.gather(l.open(paths)).server)
	if _, wrong := splitListen(s.Listen); wrong != "" {
		return DefaultListen()
	}
	return s.Listen
}
