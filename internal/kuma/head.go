package kuma

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
)

// head is the comment that the YAML begins with.
func (d *Document) head(p Placed) []string {
	lines := []string{"Made of " + d.Source + " by " + d.Command + "."}
	yaml := p.YAML
	if yaml == "" {
		yaml = "watchword.yaml"
	}
	if p.Env != "" {
		lines = append(lines, "", fmt.Sprintf("Secrets are in %s, which Watchword does not read by itself:", filepath.Base(p.Env)), "",
			fmt.Sprintf("    set -a; . %s; set +a", dotted(p.Env)), "    watchword check -c "+inShell(yaml), "",
			"Or as EnvironmentFile= of systemd, --env-file of Docker, env_file of Compose.")
	}
	if p.Folder != "" {
		lines = append(lines, "", fmt.Sprintf("Keys, certificates and secrets with odd characters are files in %s/.", filepath.Base(p.Folder)))
	}
	return lines
}

// dotted is a path that the shell's . takes for one.
func dotted(path string) string {
	if filepath.Base(path) == path {
		path = "./" + path
	}
	return inShell(path)
}

// inShell is a path as it is typed in a shell.
func inShell(path string) string {
	if plain(path) || strings.ContainsRune(path, '\\') { // of Windows
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

func (d *Document) envHead(p Placed) []string {
	lines := []string{"Secrets of " + filepath.Base(cmp.Or(p.YAML, "watchword.yaml")) + ": keep this file to yourself (mode 0600), and out of version control.",
		"NAME=value without quotes, and only values that mean the same so to a shell", "(set -a; . " + dotted(p.Env) + "; set +a), to EnvironmentFile= of systemd, to",
		"docker run --env-file and to env_file of Compose."}
	if p.Folder != "" {
		lines = append(lines, "Other values are files in "+filepath.Base(p.Folder)+"/.")
	}
	return append(lines, "")
}
