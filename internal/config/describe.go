package config

import (
	"reflect"
	"slices"
	"time"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/server"
	"github.com/watchword/watchword/notifiers"
	"github.com/watchword/watchword/probes"
)

// Description is what the loader goes by. The schema for editors and the
// reference are made of it, so that neither lists keys of its own.
type Description struct {
	Document reflect.Type // a struct: the top level of a file
	Monitor  reflect.Type // of its monitors and of its defaults

	// By the struct of a mapping: a value with the defaults in it, what Go types
	// do not say of the keys, and the keys that are refused as not supported yet.
	Defaults map[reflect.Type]any
	Keys     map[reflect.Type][]check.Key
	NotYet   func(reflect.Type) []string

	IsSize, IsFile func(key string) bool
	OwnLabels      []string // names that labels must not have
	NotInDefaults  []string // keys of a monitor that cannot stand there
}

// Describe returns what the loader goes by.
func Describe() Description {
	monitor := reflect.TypeFor[monitorKeys]()
	return Description{
		Document: reflect.TypeFor[document](), Monitor: monitor,
		Defaults: map[reflect.Type]any{
			reflect.TypeFor[Server](): defaultServer(), reflect.TypeFor[Storage](): defaultStorage(), reflect.TypeFor[Alerting](): defaultAlerting(),
			reflect.TypeFor[auth.Options](): auth.DefaultOptions(), reflect.TypeFor[notifiers.Options](): notifiers.DefaultOptions(),
			monitor: defaultMonitor(),
		},
		Keys: map[reflect.Type][]check.Key{
			reflect.TypeFor[Server]():        {{Path: "listen", Pattern: `:[0-9]{1,5}$`}, {Path: "external_url", Pattern: `^$|` + check.WebURL}},
			reflect.TypeFor[server.Access](): server.Keys(), reflect.TypeFor[server.User](): server.UserKeys(),
			reflect.TypeFor[auth.Options](): auth.Keys(), reflect.TypeFor[notifiers.Options](): notifiers.Keys(),
			reflect.TypeFor[Maintenance](): maintenanceKeys(),
			monitor: slices.Concat([]check.Key{
				{Path: "name", Required: true}, {Path: "id", Pattern: `^[a-z0-9]+(-[a-z0-9]+)*$`}, {Path: "type", Enum: monitorTypes()},
				{Path: "credential", Types: []string{probes.TypeHTTP, probes.TypeAuthz, probes.TypeIssuer}},
				{Path: "cron", Pattern: `[^ ]`}, {Path: "retries"}, {Path: "recoveries", Min: 1},
			}, probes.Keys()),
		},
		NotYet: notYet, IsSize: isSize, IsFile: isFile, OwnLabels: ownLabels(), NotInDefaults: sortedKeys(notInDefaults()),
	}
}

func defaultServer() Server {
	return Server{Listen: "127.0.0.1:9640", Access: server.DefaultAccess()}
}

func defaultStorage() Storage { return Storage{Path: "watchword.db"} }

func defaultAlerting() Alerting { return Alerting{GroupWait: 10 * time.Second} }
