package machine

import (
	"os"
	"strings"
)

// resolvConf is where the system says whom to ask for names (resolv.conf(5)).
const resolvConf = "/etc/resolv.conf"

// NameServers returns the name servers that this machine asks, as its
// resolv.conf names them. Without any, one on this machine itself is asked.
func NameServers() []string {
	text, err := os.ReadFile(resolvConf)
	if err != nil {
		return nil
	}
	return nameServers(string(text))
}

func nameServers(conf string) []string {
	const most = 3 // that the resolver asks
	var servers []string
	for line := range strings.Lines(conf) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "nameserver" && len(servers) < most {
			servers = append(servers, f[1])
		}
	}
	return servers
}

// AskedForNames says whom this machine asks for names.
func AskedForNames() string {
	if s := NameServers(); len(s) > 0 {
		return strings.Join(s, ", ") + " (from " + resolvConf + ")"
	}
	return "none in " + resolvConf + ", so this machine itself"
}
