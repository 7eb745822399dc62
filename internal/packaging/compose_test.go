package packaging

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hashing stands for docker: it answers as Authelia's `crypto hash generate`.
const hashing = `#!/bin/sh
case "$*" in
"run --rm authelia/authelia:4.39 authelia crypto hash generate pbkdf2 "*) kind=pbkdf2-sha512 ;;
"run --rm authelia/authelia:4.39 authelia crypto hash generate argon2 "*) kind=argon2id ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
printf 'Random Password: password-of-%s\nDigest: $%s$x$y\n' $kind $kind
`

// TestComposePrepare runs the script of the example, and has Caddy read what it
// is given.
func TestComposePrepare(t *testing.T) {
	t.Parallel()
	program(t, "openssl", "openssl")
	caddy := program(t, "caddy", "caddy")
	dir, example := t.TempDir(), filepath.Join(root, "examples/uptime-kuma")
	prepare := write(t, filepath.Join(dir, "prepare"), read(t, filepath.Join(example, "prepare")))
	docker := write(t, filepath.Join(dir, "docker"), hashing)
	cmd := command(t, dir, "sh", prepare)
	cmd.Env = append(os.Environ(), "DOCKER="+docker)
	out(t, command(t, dir, "chmod", "755", docker))
	if said := out(t, cmd); !strings.Contains(said, "demo, password-of-argon2id") {
		t.Errorf("it says %q", said)
	}
	secrets := filepath.Join(dir, "secrets")
	for name, want := range map[string]string{"client_secret": "password-of-pbkdf2-sha512", "client_digest": "$pbkdf2-sha512$x$y"} {
		if got := read(t, filepath.Join(secrets, name)); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if users := read(t, filepath.Join(secrets, "users")); !strings.Contains(users, "password: '$argon2id$x$y'\n") {
		t.Errorf("the users are\n%s", users)
	}
	if mode := must(t, func() (os.FileInfo, error) { return os.Stat(secrets) }).Mode().Perm(); mode != 0o700 {
		t.Errorf("the folder of the secrets has the mode %o", mode)
	}
	for _, e := range must(t, func() ([]os.DirEntry, error) { return os.ReadDir(secrets) }) {
		if info := must(t, e.Info); info.Mode().Perm() != 0o444 || info.Size() == 0 {
			t.Errorf("%s has the mode %s and %d bytes", e.Name(), info.Mode(), info.Size())
		}
	}
	block, _ := pem.Decode([]byte(read(t, filepath.Join(secrets, "certificate"))))
	cert := must(t, func() (*x509.Certificate, error) { return x509.ParseCertificate(block.Bytes) })
	if got := strings.Join(cert.DNSNames, " "); got != "auth.example.localhost app.example.localhost" {
		t.Errorf("the certificate is for %q", got)
	}
	if err := command(t, dir, "sh", prepare).Run(); err == nil {
		t.Error("secrets that are there are made anew")
	}
	text := strings.ReplaceAll(read(t, filepath.Join(example, "Caddyfile")), "/run/secrets/", secrets+"/")
	validate := command(t, dir, caddy, "validate", "--adapter", "caddyfile", "--config", write(t, filepath.Join(dir, "Caddyfile"), text))
	validate.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	out(t, validate)
}
