//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

// startCommands needs users and namespaces as Linux has them: the scripts that
// use them fail elsewhere.
func startCommands() map[string]func(*testscript.TestScript, bool, []string) {
	commands := map[string]func(*testscript.TestScript, bool, []string){}
	for _, name := range []string{"build", "program", "nobody", "nonet", "listens", "off", "sql", "certs"} {
		commands[name] = func(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("%s needs Linux", name) }
	}
	return commands
}
