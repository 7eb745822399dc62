package config

import (
	"slices"
	"strings"

	"github.com/watchword/watchword/internal/check"
)

func (l *loader) server(items []item) Server {
	s := defaultServer()
	s.Listen = DefaultListen()
	at := l.section(&s, items)
	if s.ExternalURL != "" {
		if !isAbsolute(s.ExternalURL) {
			l.judge(at("external_url"), "server.external_url: an absolute http or https URL is wanted, such as https://watch.example.com/")
		} else if !strings.HasSuffix(s.ExternalURL, "/") {
			s.ExternalURL += "/"
		}
	}
	l.access(&s, at)
	l.listen(&s, at)
	return s
}

// access relays what the server finds wrong with who may look.
func (l *loader) access(s *Server, at func(string) Position) {
	if slices.Contains(laterLogins(), s.Access.Auth.Type) {
		l.judge(at("auth.type"), "server.auth.type: "+s.Access.Auth.Type+" is not supported yet")
		return
	}
	for _, p := range checkAccess(s.Access) {
		if l.spoilt[at(p.Path)] {
			continue
		}
		p.Warning = p.Warning || p.File && l.options.AllowMissingSecrets
		l.report(at(p.Path), relayed(check.Problem{Path: "server." + p.Path, Message: p.Message}), p.Warning)
	}
}

// listen checks the address, and what of it lies open to others.
func (l *loader) listen(s *Server, at func(string) Position) {
	off, err := splitListen(s.Listen)
	where := at("listen")
	switch {
	case err != "":
		l.judge(where, listenKey(where)+": "+err)
	case off && !s.Access.Asks():
		l.warn(where, nobodyLogsIn(where, s.Listen, s.Access.Scraped()))
	case off && !s.Access.Secure():
		l.warn(where, listenKey(where)+": others can reach "+s.Listen+" over plain http, and passwords cross the network readable: set server.tls, or let nobody but a TLS proxy reach this port")
	}
}
