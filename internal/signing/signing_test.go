package signing

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
	"github.com/ksrelease/ksrelease/internal/testutil/keytest"
)

// pgpKey writes a private key, armored, and its public key as helm reads it.
func pgpKey(t *testing.T, passphrase string) (private, public string) {
	t.Helper()
	private, public, err := keytest.PGP(t.TempDir(), "release", passphrase)
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

// A stock helm verifies the provenance file, and refuses it for another package.
func TestHelmVerifiesProvenance(t *testing.T) {
	helm, err := helmtest.Build(t.Context())
	if err != nil {
		t.Skipf("there is no helm: %v", err)
	}
	for _, passphrase := range []string{"", "correct horse"} {
		private, public := pgpKey(t, passphrase)
		keys, err := Load(Options{PGPFile: private, PGPPassphrase: passphrase})
		if err != nil {
			t.Fatal(err)
		}
		pkg := targettest.Package(t, "alc", "1.0.0", "one")
		signed, err := keys.Sign(pkg)
		if err != nil || pkg.Provenance != nil || signed.Signature != nil {
			t.Fatalf("%v", err)
		}
		dir := t.TempDir()
		file := filepath.Join(dir, pkg.Filename)
		write(t, file, pkg.Data)
		write(t, file+".prov", signed.Provenance)
		printed, err := exec.Command(helm, "verify", "--keyring", public, file).CombinedOutput()
		if err != nil || !strings.Contains(string(printed), "Signed by: Example") {
			t.Errorf("%v: %s", err, printed)
		}
		write(t, file, targettest.Package(t, "alc", "1.0.0", "two").Data)
		if printed, err := exec.Command(helm, "verify", "--keyring", public, file).CombinedOutput(); err == nil {
			t.Errorf("another package passes: %s", printed)
		}
	}
}

// openssl verifies what keys sign.
func TestSignatures(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("there is no openssl")
	}
	dir := t.TempDir()
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	file := filepath.Join(dir, "package")
	write(t, file, pkg.Data)
	for name, args := range map[string][]string{
		"ec":      {"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
		"sec1":    {"ecparam", "-name", "prime256v1", "-genkey", "-noout"},
		"rsa":     {"genpkey", "-algorithm", "RSA"},
		"ed25519": {"genpkey", "-algorithm", "ed25519"},
	} {
		key, public := filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".pub")
		run(t, openssl, append(args, "-out", key)...)
		run(t, openssl, "pkey", "-in", key, "-pubout", "-out", public)
		keys, err := Load(Options{File: key})
		if err != nil {
			t.Fatal(err)
		}
		signed, err := keys.Sign(pkg)
		if err != nil || signed.Provenance != nil {
			t.Fatal(err)
		}
		raw, err := base64.StdEncoding.DecodeString(string(signed.Signature))
		if err != nil {
			t.Fatal(err)
		}
		signature := filepath.Join(dir, "signature")
		write(t, signature, raw)
		if name == "ed25519" {
			run(t, openssl, "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", file, "-sigfile", signature)
			continue
		}
		run(t, openssl, "dgst", "-sha256", "-verify", public, "-signature", signature, file)
	}
}

func TestKeysThatCannotBeUsed(t *testing.T) {
	locked, public := pgpKey(t, "correct horse")
	dir := t.TempDir()
	pemOf := func(name, kind string, data []byte) string {
		file := filepath.Join(dir, name)
		write(t, file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}))
		return file
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(edKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Options{File: pemOf("good", "PRIVATE KEY", pkcs8)}); err != nil {
		t.Error(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Options{File: pemOf("pkcs1", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey))}); err != nil {
		t.Error(err)
	}
	text := filepath.Join(dir, "text")
	write(t, text, []byte("no key"))
	for _, test := range []struct {
		name          string
		options       Options
		message, hint string
	}{
		{"none", Options{PGPFile: filepath.Join(dir, "none")}, "reading the OpenPGP key", ""},
		{"text", Options{PGPFile: text}, "is no OpenPGP key", "gpg --armor --export-secret-keys"},
		{"public", Options{PGPFile: public}, "public keys alone", "--export-secret-keys"},
		{"locked", Options{PGPFile: locked}, "has a passphrase", PGPPassphrase},
		{"the wrong passphrase", Options{PGPFile: locked, PGPPassphrase: "wrong"}, "is not that of the OpenPGP key", PGPPassphrase},
		{"no PEM", Options{File: text}, "no key in PEM", "openssl genpkey"},
		{"a public key", Options{File: pemOf("public", "PUBLIC KEY", []byte("x"))}, `holds a "PUBLIC KEY"`, "openssl genpkey"},
		{"a passphrase", Options{File: pemOf("encrypted", "ENCRYPTED PRIVATE KEY", []byte("x"))}, `holds a "ENCRYPTED PRIVATE KEY"`, "a key with a passphrase cannot be used"},
		{"damaged", Options{File: pemOf("damaged", "PRIVATE KEY", pkcs8[:10])}, "reading the key", "openssl genpkey"},
	} {
		_, err := Load(test.options)
		if err == nil || !strings.Contains(err.Error(), test.message) || !strings.Contains(failure.Hint(err), test.hint) {
			t.Errorf("%s: %v: %s", test.name, err, failure.Hint(err))
		}
		if err != nil && strings.Contains(err.Error()+failure.Hint(err), "correct horse") {
			t.Errorf("%s: the passphrase is in the error", test.name)
		}
	}
	if keys, err := Load(Options{}); keys != nil || err != nil {
		t.Errorf("%v, %v", keys, err)
	}
	var none *Keys
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	if signed, err := none.Sign(pkg); signed != pkg || err != nil {
		t.Errorf("%v, %v", signed, err)
	}
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, command string, args ...string) {
	t.Helper()
	if printed, err := exec.Command(command, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %s", command, args, err, printed)
	}
}
