package directory_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/signing"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
	"github.com/ksrelease/ksrelease/internal/testutil/keytest"
)

// signer signs with two keys, whose public ones are in files.
func signer(t *testing.T) (sign func(*extension.Package) *extension.Package, ring, public string) {
	t.Helper()
	dir := t.TempDir()
	pgp, ring, err := keytest.PGP(dir, "release", "")
	must(t, err)
	key, public, err := keytest.PEM(dir, "release")
	must(t, err)
	keys, err := signing.Load(signing.Options{PGPFile: pgp, File: key})
	must(t, err)
	return func(pkg *extension.Package) *extension.Package {
		t.Helper()
		signed, err := keys.Sign(pkg)
		must(t, err)
		return signed
	}, ring, public
}

// What signs a package lies next to it, and a stock helm verifies it where it is served.
func TestHelmVerifiesWhatIsPublished(t *testing.T) {
	helm := helmtest.Binary(t)
	sign, ring, public := signer(t)
	dir, home := t.TempDir(), t.TempDir()
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	d := open(t, dir, "")
	publish(t, d, sign(targettest.Package(t, "alc", "1.0.0", "one")))
	publish(t, d, targettest.Package(t, "alc", "1.1.0", "two"))
	pull := func(version string) (string, error) {
		command := exec.Command(helm, "pull", "alc", "--repo", server.URL, "--version", version, "--verify", "--keyring", ring)
		command.Dir = home
		command.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
		out, err := command.CombinedOutput()
		return string(out), err
	}
	if out, err := pull("1.0.0"); err != nil || !strings.Contains(out, "Signed by: Example") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := pull("1.1.0"); err == nil {
		t.Errorf("a package that nobody has signed: %s", out)
	}
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("there is no openssl")
	}
	text, err := os.ReadFile(filepath.Join(dir, "alc-1.0.0.tgz.sig"))
	must(t, err)
	raw, err := base64.StdEncoding.DecodeString(string(text))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(home, "raw"), raw, 0o644))
	out, err := exec.Command(openssl, "dgst", "-sha256", "-verify", public, "-signature", filepath.Join(home, "raw"), filepath.Join(dir, "alc-1.0.0.tgz")).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// A run that is killed leaves a package without what signs it, or with it, and without an entry:
// nobody finds it, and the next run goes on. What is listed is left as it is.
func TestSignedAfterAKill(t *testing.T) {
	sign, _, _ := signer(t)
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	killed := sign(pkg)
	for name, left := range map[string]map[string][]byte{
		"the package":                       {pkg.Filename: pkg.Data},
		"the package and its provenance":    {pkg.Filename: pkg.Data, pkg.Filename + ".prov": killed.Provenance},
		"all but the entry":                 {pkg.Filename: pkg.Data, pkg.Filename + ".prov": killed.Provenance, pkg.Filename + ".sig": killed.Signature},
		"what signs, and nothing to sign":   {pkg.Filename + ".prov": killed.Provenance},
		"a package of the same content":     {pkg.Filename: otherCommit(t).Data},
		"one of the same content, unsigned": {pkg.Filename: otherCommit(t).Data, pkg.Filename + ".prov": killed.Provenance},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			d := open(t, dir, "")
			publish(t, d, targettest.Package(t, "other", "1.0.0", "one")) // there is an index
			for file, data := range left {
				must(t, os.WriteFile(filepath.Join(dir, file), data, 0o644))
			}
			signed := sign(pkg)
			publish(t, d, signed)
			want := map[string][]byte{pkg.Filename: pkg.Data, pkg.Filename + ".prov": signed.Provenance, pkg.Filename + ".sig": signed.Signature}
			for file, data := range want {
				if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(got) != string(data) {
					t.Errorf("%s is not that of the run: %v", file, err)
				}
			}
			publish(t, d, sign(pkg)) // which is there by now
			if got, _ := os.ReadFile(filepath.Join(dir, pkg.Filename+".prov")); string(got) != string(signed.Provenance) {
				t.Error("what is there is signed anew")
			}
		})
	}
}

// otherCommit is the package of alc 1.0.0 as another commit makes it, with the same content.
func otherCommit(t *testing.T) *extension.Package {
	t.Helper()
	ext, err := extension.Load(targettest.Folder(t, "alc", "1.0.0", "one"), extension.Options{})
	must(t, err)
	pkg, err := extension.WithOrigin(ext, extension.Origin{Revision: strings.Repeat("a", 40)}).Pack(nil)
	must(t, err)
	return pkg
}
