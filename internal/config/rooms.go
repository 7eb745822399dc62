package config

import (
	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/notifiers"
	"github.com/watchword/watchword/probes"
)

func checkCredential(string, auth.Options) []check.Problem { return nil }
func checkNotifier(notifiers.Options) []check.Problem      { return nil }
func checkHTTP(probes.HTTPOptions) []check.Problem         { return nil }
func checkCron(spec, zone string) error                    { return nil }
