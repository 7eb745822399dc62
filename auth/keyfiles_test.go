package auth

import (
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"path/filepath"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/lab"
)

// TestKeyFiles: what is wrong with a key file is said with the file, the place
// and what to do, before the start and later.
func TestKeyFiles(t *testing.T) {
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	one, err := ca.Client(lab.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	expired, err := ca.Client(lab.CertOptions{Expired: true})
	if err != nil {
		t.Fatal(err)
	}
	good := keyText(t, ecKey(t, elliptic.P256()), false)
	public, err := x509.MarshalPKIXPublicKey(ecKey(t, elliptic.P256()).Public())
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte, head map[string]string) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der, Headers: head})
	}
	for _, tc := range []struct {
		name      string
		key, cert []byte
		algorithm string
		path      string
		want      string
	}{
		{"none", nil, nil, "", "private_key_file", "there is no file "},
		{"empty", []byte("\n"), nil, "", "private_key_file", "is empty"},
		{"text", []byte("hello"), nil, "", "private_key_file", "holds no PEM at all"},
		{"half", good[:len(good)/2], nil, "", "private_key_file", "the beginning of PEM and no end"},
		{"JWK", []byte(`{"kty":"EC"}`), nil, "", "private_key_file", "perhaps a JWK"},
		{"certificate", one.CertPEM, nil, "", "private_key_file", `holds no private key but "CERTIFICATE"`},
		{"public", block("PUBLIC KEY", public, nil), nil, "", "private_key_file", "the public key is for the provider"},
		{"encrypted PKCS#8", block("ENCRYPTED PRIVATE KEY", []byte("x"), nil), nil, "", "private_key_file", "is encrypted, and nobody is there to type its passphrase: store it without (openssl pkey"},
		{"encrypted PKCS#1", block("RSA PRIVATE KEY", []byte("x"), map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}), nil, "", "private_key_file", "is encrypted"},
		{"OpenSSH", block("OPENSSH PRIVATE KEY", []byte("x"), nil), nil, "", "private_key_file", "ssh-keygen -p"},
		{"damaged", block("PRIVATE KEY", []byte("nonsense"), nil), nil, "", "private_key_file", "it is damaged or half written"},
		{"secp256k1", block("PRIVATE KEY", decoded(t, "MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgOLzxZ2Fq0Dp51Klsc019q3+qP5qxTXrYM5/3kkX33IGhRANCAARdt7GQMupvsQkeaJSVm/bK2GgUtpw2Ens6q4I4dGe8mQ8BlsUd077uzl4dpbziwQ4flG0l9WonUxUIQ27fu4j0"), nil), nil, "", "private_key_file", "a kind that is not supported"},
		{"RSASSA-PSS", block("PRIVATE KEY", decoded(t, "MBICAQAwCwYJKoZIhvcNAQEKBAA="), nil), nil, "", "private_key_file", "a kind that is not supported"},
		{"UTF-16", []byte("\xff\xfe-\x00-\x00"), nil, "", "private_key_file", "holds UTF-16"},
		{"P-224", keyText(t, ecKey(t, elliptic.P224()), false), nil, "", "private_key_file", "an EC key of curve P-224, which signs no assertion"},
		{"1024 bits", keyText(t, rsaKey(t, 1024), false), nil, "", "private_key_file", "an RSA key of 1024 bits: at least 2048"},
		{"other algorithm", good, nil, "RS256", "algorithm", "it signs with ES256, not with RS256"},
		{"other certificate", good, one.CertPEM, "", "certificate_file", "is not the certificate of the key in private_key_file"},
		{"no certificate", one.KeyPEM, one.KeyPEM, "", "certificate_file", "holds no certificate"},
		{"expired certificate", expired.KeyPEM, expired.CertPEM, "", "certificate_file", "expired on"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := methodOptions(tokenURL, methodKeyJWT)
			o.PrivateKeyFile, o.Algorithm = filepath.Join(t.TempDir(), "key.pem"), tc.algorithm
			if tc.key != nil {
				write(t, o.PrivateKeyFile, tc.key)
			}
			if tc.cert != nil {
				o.CertificateFile = saved(t, "cert.pem", tc.cert)
			}
			ps := Check("gate", o)
			if len(ps) != 1 || ps[0].Path != tc.path || !strings.Contains(ps[0].Message, tc.want) {
				t.Fatalf("problems %v, want one of %s: %s", ps, tc.path, tc.want)
			}
			if ps[0].Warning { // it is used all the same
				return
			}
			_, err := newSource(t, o).Explain(t.Context())
			f := faultOf(t, err)
			if verdict(f) != "credential/secret_unavailable" || !strings.HasPrefix(f.Message, tc.path+` of credential "gate": `) || f.Hint == "" {
				t.Errorf("%v, hint %q", f, f.Hint)
			}
			if len(tc.key) > 40 && strings.Contains(everyText(t, f), string(tc.key[30:40])) {
				t.Errorf("the key is told: %v", f)
			}
		})
	}
}

func decoded(t *testing.T, text string) []byte {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestFilesBeginWithBOM: some editors put one before every text.
func TestFilesBeginWithBOM(t *testing.T) {
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	c, err := ca.Client(lab.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bom := func(text []byte) []byte { return append([]byte("\xef\xbb\xbf"), text...) }
	o := methodOptions(tokenURL, methodKeyJWT)
	o.PrivateKeyFile, o.CertificateFile = saved(t, "key.pem", bom(c.KeyPEM)), saved(t, "cert.pem", bom(c.CertPEM))
	if ps := Check("gate", o); len(ps) > 0 {
		t.Errorf("key and certificate: %v", ps)
	}
	o = methodOptions(tokenURL, methodFederated)
	o.AssertionFile = saved(t, "token", bom([]byte(jwt(`{"iss":"https://a"}`))))
	if ps := Check("gate", o); len(ps) > 0 {
		t.Errorf("assertion: %v", ps)
	}
}
