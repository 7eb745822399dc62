package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/watchword/watchword/internal/lab"
)

// nobody is a user who owns nothing.
const nobody = 65534

// startCommands are what scripts need to see a start go wrong. Those that run
// $PROGRAM leave what it said in the files out and err, give it 20 s, and want
// exit 0, or 1 where they begin with "!". With -until TEXT they interrupt it
// once it has said that.
func startCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"build": build, "program": asWeAre, "nobody": asNobody, "nonet": withoutNetwork,
		"listens": listens, "off": off, "sql": statement, "certs": certs,
	}
}

// build [NAME=VALUE…] builds the program, with variables set by the linker, into
// $PROGRAM.
func build(ts *testscript.TestScript, neg bool, args []string) {
	out, flags := ts.MkAbs("program"), "-s -w"
	for _, a := range args {
		flags += " -X main." + a
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, "-ldflags", flags, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil || neg {
		ts.Fatalf("build: %v\n%s", err, text)
	}
	ts.Setenv("PROGRAM", out)
}

func asWeAre(ts *testscript.TestScript, neg bool, args []string) { command(ts, neg, args, nil) }

// asNobody runs the program as a user who owns nothing, for permissions do not
// hold root. Whoever else runs the tests is held by them.
func asNobody(ts *testscript.TestScript, neg bool, args []string) {
	how := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		how.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		for dir := ts.MkAbs("."); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			ts.Check(os.Chmod(dir, 0o755))
		}
	}
	command(ts, neg, args, how)
}

// withoutNetwork runs the program in a network namespace of its own.
func withoutNetwork(ts *testscript.TestScript, neg bool, args []string) {
	how := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		how.Cloneflags |= syscall.CLONE_NEWUSER
		how.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		how.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	command(ts, neg, args, how)
}

func command(ts *testscript.TestScript, neg bool, args []string, how *syscall.SysProcAttr) {
	until := ""
	if len(args) > 2 && args[0] == "-until" {
		until, args = args[1], args[2:]
	}
	cmd := exec.Command(ts.Getenv("PROGRAM"), args...)
	cmd.Dir, cmd.SysProcAttr = ts.MkAbs("."), how
	cmd.Env = append(os.Environ(), "container=test", "CLIENT_SECRET="+lab.ClientSecret)
	for _, name := range []string{"TOKEN_URL", "GATE", "APP", "LISTEN", "SKEWED", "TAKEN"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	out, err := os.Create(ts.MkAbs("out"))
	ts.Check(err)
	defer out.Close()
	errs, err := os.Create(ts.MkAbs("err"))
	ts.Check(err)
	defer errs.Close()
	cmd.Stdout, cmd.Stderr = out, errs
	if err := cmd.Start(); err != nil {
		ts.Fatalf("this machine does not let a test run the program so; it takes root, or a user who may make namespaces: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	limit, look := time.NewTimer(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer limit.Stop()
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			if want := map[bool]int{true: 1}[neg]; cmd.ProcessState.ExitCode() != want {
				ts.Fatalf("exit %d (%v), want %d\n%s", cmd.ProcessState.ExitCode(), err, want, ts.ReadFile("err"))
			}
			return
		case <-look.C:
			if until != "" && strings.Contains(ts.ReadFile("err"), until) {
				until = "" // once: the next would meet a program that ends already
				_ = cmd.Process.Signal(os.Interrupt)
			}
		case <-limit.C:
			_ = cmd.Process.Kill()
			<-ended
			ts.Fatalf("it did not end within 20 s\n%s", ts.ReadFile("err"))
		}
	}
}

// sql DATABASE STATEMENT changes a database that nobody has open.
func statement(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sql DATABASE STATEMENT")
	}
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec(args[1])
	ts.Check(err)
}

// certs makes good.crt with good.key, old.crt with old.key, which expired, and
// later.crt with later.key, which is not valid yet.
func certs(ts *testscript.TestScript, _ bool, _ []string) {
	day := 24 * time.Hour
	for name, from := range map[string]time.Duration{"good": -day, "old": -10 * day, "later": day} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ts.Check(err)
		c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(from + 3*day)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		ts.Check(err)
		private, err := x509.MarshalPKCS8PrivateKey(key)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(name+".crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
		ts.Check(os.WriteFile(ts.MkAbs(name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	}
}

// listens NAME ADDRESS listens there as a program of another kind and puts
// host:port into the variable.
func listens(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: listens NAME ADDRESS")
	}
	l, err := net.Listen("tcp", args[1])
	ts.Check(err)
	serve(ts, args[0], l, http.NotFoundHandler())
}

func serve(ts *testscript.TestScript, name string, l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h}
	served := make(chan struct{})
	go func() { defer close(served); _ = s.Serve(l) }()
	ts.Defer(func() { s.Close(); <-served })
	ts.Setenv(name, l.Addr().String())
}

// off NAME IP URL DIFFERENCE puts a proxy at the IP before a URL whose clock
// differs, and puts its host:port into the variable.
func off(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: off NAME IP URL DIFFERENCE")
	}
	to, err := url.Parse(args[2])
	ts.Check(err)
	by, err := time.ParseDuration(args[3])
	ts.Check(err)
	l, err := net.Listen("tcp", net.JoinHostPort(args[1], "0"))
	ts.Check(err)
	p := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: to.Scheme, Host: to.Host}) },
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
			return nil
		},
	}
	serve(ts, args[0], l, p)
}
