package auth

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/watchword/watchword/internal/machine"
)

const fileLimit = 1 << 20 // bytes of a key, certificate or assertion

// fileError says what is wrong with a file of a credential, and what to do. The
// text holds nothing of the file.
type fileError struct {
	key  string // of the configuration
	text string
	todo string
	err  error // nil where the file could be read
}

func (e *fileError) Error() string { return e.text + ": " + e.todo }

func (e *fileError) Unwrap() error { return e.err }

// readFile reads a file that a key of the configuration names.
func readFile(key, path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // as some editors begin every file
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &fileError{key, machine.Unusable(path, "read", err), "put it there, or change " + key + "; it is read anew for every request", err}
	case err != nil:
		return nil, &fileError{key, machine.Unusable(path, "read", err), key + " has to name a file that this process may read; it is read anew for every request", err}
	case len(text) > fileLimit:
		return nil, &fileError{key, path + " is larger than 1 MiB", "is it the right file? change " + key, nil}
	case len(bytes.TrimSpace(text)) == 0:
		return nil, &fileError{key, path + " is empty", "whoever writes it has not done so yet, or failed halfway: write it beside and rename it", nil}
	}
	return text, nil
}

const wantsKey = "the private key is wanted, in PEM (-----BEGIN PRIVATE KEY-----)"

const makeKey = "make one with openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 (which signs PS256 too), -algorithm EC -pkeyopt ec_paramgen_curve:P-256, or -algorithm ED25519"

// readKey reads an unencrypted private key in PKCS#1, PKCS#8 or SEC 1.
func readKey(path string) (crypto.Signer, error) {
	text, err := readFile("private_key_file", path)
	if err != nil {
		return nil, err
	}
	return keyOf(path, text)
}

// keyOf is readKey of a file that was read.
func keyOf(path string, text []byte) (crypto.Signer, error) {
	bad := func(todo, format string, args ...any) error {
		return &fileError{key: "private_key_file", text: path + " " + fmt.Sprintf(format, args...), todo: todo}
	}
	block, kinds := findPEM(text, func(kind string) bool { return strings.HasSuffix(kind, "PRIVATE KEY") })
	switch {
	case block == nil && len(kinds) == 0:
		return nil, bad(wantsKey, "holds %s", noPEM(text))
	case block == nil && strings.HasSuffix(kinds[0], "PUBLIC KEY"):
		return nil, bad(wantsKey+"; the public key is for the provider", "holds a public key")
	case block == nil:
		return nil, bad(wantsKey, "holds no private key but %q", kinds[0])
	}
	key, err := parseKey(block)
	if e, ok := errors.AsType[*closedError](err); ok {
		return nil, bad(e.todo, "%s", e.text)
	}
	if err != nil {
		return nil, bad("it is damaged or half written; "+wantsKey, "is no key that can be read (%s)", strings.ReplaceAll(err.Error(), "x509: ", ""))
	}
	if signer, ok := key.(crypto.Signer); ok && algorithmsFor(signer.Public()) != nil {
		return signer, nil
	}
	return nil, bad(makeKey, "holds %s, which signs no assertion", describeKey(key))
}

// closedError is a key in a form that is not read.
type closedError struct{ text, todo string }

func (e *closedError) Error() string { return e.text + ": " + e.todo }

func parseKey(block *pem.Block) (any, error) {
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
		return nil, &closedError{"is encrypted, and nobody is there to type its passphrase", "store it without (openssl pkey -in OLD -out NEW) and chmod 600"}
	case block.Type == "OPENSSH PRIVATE KEY":
		return nil, &closedError{"is a key of OpenSSH's own form", "write it as PKCS#8 (ssh-keygen -p -N '' -m PKCS8 -f COPY)"}
	}
	key, err := parseDER(block)
	if err != nil && isOtherKind(err) {
		return nil, &closedError{"holds a key of a kind that is not supported (" + strings.ReplaceAll(err.Error(), "x509: ", "") + ")", makeKey}
	}
	return key, err
}

func parseDER(block *pem.Block) (any, error) {
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

// isOtherKind says whether a key could not be read because crypto/x509 knows no
// such keys: secp256k1, RSASSA-PSS, Ed448. It has no type of error for that.
func isOtherKind(err error) bool {
	return strings.Contains(err.Error(), "unknown elliptic curve") || strings.Contains(err.Error(), "unknown algorithm")
}

// findPEM returns the first block of a kind, and the kinds of the blocks before.
func findPEM(text []byte, wanted func(kind string) bool) (*pem.Block, []string) {
	var kinds []string
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if wanted(block.Type) {
			return block, kinds
		}
		kinds = append(kinds, block.Type)
	}
	return nil, kinds
}

// noPEM says what a text without a block of PEM looks like.
func noPEM(text []byte) string {
	switch {
	case bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")):
		return "JSON, perhaps a JWK"
	case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")):
		return "UTF-16, where PEM is plain ASCII"
	case bytes.Contains(text, []byte("-----BEGIN ")):
		return "the beginning of PEM and no end"
	}
	return "no PEM at all"
}

// certificateOf returns the first certificate of a file, which has to be that of
// the key.
func certificateOf(path string, text []byte, signer crypto.Signer) (*x509.Certificate, error) {
	const key = "certificate_file"
	block, kinds := findPEM(text, func(kind string) bool { return kind == "CERTIFICATE" })
	switch {
	case block == nil && len(kinds) == 0:
		return nil, &fileError{key: key, text: path + " holds " + noPEM(text), todo: "the certificate of private_key_file is wanted, in PEM"}
	case block == nil:
		return nil, &fileError{key: key, text: fmt.Sprintf("%s holds no certificate but %q", path, kinds[0]), todo: "the certificate of private_key_file is wanted, in PEM"}
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, &fileError{key: key, text: path + " is damaged (" + strings.ReplaceAll(err.Error(), "x509: ", "") + ")", todo: "write the certificate anew"}
	}
	if public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(c.PublicKey) {
		return nil, &fileError{key: key, text: path + " is not the certificate of the key in private_key_file", todo: "one of the two is of another pair, as after half a renewal: write both anew"}
	}
	return c, nil
}

// readAssertion reads a JWT that another provider signed. It is not verified.
func readAssertion(path string) (string, error) {
	text, err := readFile("assertion_file", path)
	if err != nil {
		return "", err
	}
	jwt := string(bytes.TrimSpace(text))
	if !isJWT(jwt) {
		return "", &fileError{key: "assertion_file", text: path + " holds no JWT, or half of one", todo: "a token of the other provider is wanted, and nothing else; is it still being written?"}
	}
	return jwt, nil
}
