package signing

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/keytest"
)

// What is signed verifies with keys of each kind, and nothing else does.
func TestVerify(t *testing.T) {
	data := []byte("a package")
	for name, file := range pemKeys(t) {
		keys, err := Load(Options{File: file.private})
		if err != nil {
			t.Fatal(err)
		}
		public, err := ReadPublic(file.public)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		signature, err := keys.SignData(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify(public, data, append(signature, '\n')); err != nil || !keys.Verifies(data, signature) {
			t.Errorf("%s: %v", name, err)
		}
		for what, wrong := range map[string]struct{ data, signature []byte }{
			"other data":   {[]byte("another package"), signature},
			"no base64":    {data, []byte("§")},
			"no signature": {data, nil},
			"noise":        {data, []byte(base64.StdEncoding.EncodeToString([]byte("noise")))},
		} {
			if err := Verify(public, wrong.data, wrong.signature); err == nil || keys.Verifies(wrong.data, wrong.signature) {
				t.Errorf("%s: %s verifies", name, what)
			}
		}
		for other, file := range pemKeys(t) {
			key, err := ReadPublic(file.public)
			if err != nil {
				t.Fatal(err)
			}
			if Verify(key, data, signature) == nil {
				t.Errorf("a signature of %s verifies with another key, of %s", name, other)
			}
		}
	}
	if err := Verify("no key", data, []byte("eA==")); err == nil {
		t.Error("something else is taken for a key")
	}
	var none *Keys
	if none.SignsData() || none.Verifies(data, nil) {
		t.Error("no keys sign something")
	}
}

func TestPublicKeysThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	private, _, err := keytest.PEM(dir, "release")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "text"), []byte("no key"))
	write(t, filepath.Join(dir, "damaged"), []byte("-----BEGIN PUBLIC KEY-----\neA==\n-----END PUBLIC KEY-----\n"))
	for file, want := range map[string]string{
		filepath.Join(dir, "nothing"): "reading the public key", filepath.Join(dir, "text"): "no public key in PEM",
		private: "no public key in PEM", filepath.Join(dir, "damaged"): "reading the public key",
	} {
		_, err := ReadPublic(file)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v: %s", file, err, failure.Hint(err))
		}
	}
}

// A provenance file verifies for its package and its key alone.
func TestVerifyProvenance(t *testing.T) {
	private, public := pgpKey(t, "")
	_, other := pgpKey(t, "")
	keys, err := Load(Options{PGPFile: private})
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := keys.Sign(targettest.Package(t, "alc", "1.0.0", "one"))
	if err != nil {
		t.Fatal(err)
	}
	by, err := VerifyProvenance(public, pkg.Filename, pkg.Data, pkg.Provenance)
	if err != nil || !strings.HasPrefix(by, "Example <release@example.com> ") {
		t.Errorf("%q, %v", by, err)
	}
	for name, wrong := range map[string]struct {
		ring, file string
		data, prov []byte
	}{
		"another key":     {other, pkg.Filename, pkg.Data, pkg.Provenance},
		"another package": {public, pkg.Filename, targettest.Package(t, "alc", "1.0.0", "two").Data, pkg.Provenance},
		"another name":    {public, "oss-1.0.0.tgz", pkg.Data, pkg.Provenance},
		"a path":          {public, "../../alc-1.0.1.tgz", pkg.Data, pkg.Provenance},
		"no provenance":   {public, pkg.Filename, pkg.Data, []byte("hello")},
		"no keyring":      {filepath.Join(t.TempDir(), "none"), pkg.Filename, pkg.Data, pkg.Provenance},
		"changed text":    {public, pkg.Filename, pkg.Data, []byte(strings.Replace(string(pkg.Provenance), "category: computing", "category: x", 1))},
	} {
		if name == "changed text" && string(wrong.prov) == string(pkg.Provenance) {
			wrong.prov = []byte(strings.Replace(string(pkg.Provenance), "version: 1.0.0", "version: 1.0.1", 1))
		}
		if by, err := VerifyProvenance(wrong.ring, wrong.file, wrong.data, wrong.prov); err == nil {
			t.Errorf("%s: signed by %s", name, by)
		}
	}
}

// An envelope is signed as DSSE says, which has this example.
func TestEnvelope(t *testing.T) {
	if got, want := string(preAuthentication("http://example.com/HelloWorld", []byte("hello world"))), "DSSEv1 29 http://example.com/HelloWorld 11 hello world"; got != want {
		t.Errorf("%q", got)
	}
	for name, file := range pemKeys(t) {
		keys, err := Load(Options{File: file.private})
		if err != nil {
			t.Fatal(err)
		}
		line, err := keys.Envelope("application/x", []byte("text"))
		if err != nil || strings.Contains(string(line), "\n") {
			t.Fatalf("%q, %v", line, err)
		}
		var e struct {
			PayloadType string
			Payload     []byte
			Signatures  []struct{ KeyID, Sig string }
		}
		if err := json.Unmarshal(line, &e); err != nil || e.PayloadType != "application/x" || string(e.Payload) != "text" || len(e.Signatures) != 1 || len(e.Signatures[0].KeyID) != 64 {
			t.Fatalf("%s: %s, %v", name, line, err)
		}
		public, err := ReadPublic(file.public)
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify(public, fmt.Appendf(nil, "DSSEv1 13 application/x 4 text"), []byte(e.Signatures[0].Sig)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type pemKey struct{ private, public string }

// pemKeys are new keys of each kind, by their kinds.
func pemKeys(t *testing.T) map[string]pemKey {
	t.Helper()
	dir := t.TempDir()
	all := map[string]pemKey{}
	kinds, err := keytest.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	for kind, key := range kinds {
		private, public, err := keytest.WritePEM(dir, kind, key)
		if err != nil {
			t.Fatal(err)
		}
		all[kind] = pemKey{private, public}
	}
	return all
}
