package image_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/signing"
	"github.com/ksrelease/ksrelease/internal/target/image"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
	"github.com/ksrelease/ksrelease/internal/testutil/keytest"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
)

// What signs packages lies next to them in the image, also when others come into their layer: where
// ChartMuseum serves it, and helm verifies it.
func TestSignedPackages(t *testing.T) {
	helm := helmtest.Binary(t)
	dir := t.TempDir()
	pgp, ring, err := keytest.PGP(dir, "release", "")
	must(t, err)
	key, _, err := keytest.PEM(dir, "release")
	must(t, err)
	keys, err := signing.Load(signing.Options{PGPFile: pgp, File: key})
	must(t, err)
	home := registrytest.Start(t, registrytest.Options{})
	base := parse(t, home.Host+"/helm/chartmuseum:v1")
	baseImage(t, base, platforms...)
	at := parse(t, home.Host+"/museum:latest")
	to, err := image.New(image.Options{Registry: client(t), Images: []registry.Reference{at}, Base: &base, Platforms: platforms, Settle: settle})
	must(t, err)
	signed := map[string]*extension.Package{}
	for _, version := range []string{"1.0.0", "1.1.0"} {
		signed[version], err = keys.Sign(targettest.Package(t, "alc", version, version))
		must(t, err)
		publishAll(t, to, signed[version])
	}
	publishAll(t, to, targettest.Package(t, "alc", "1.2.0", "unsigned"))
	again, err := keys.Sign(targettest.Package(t, "alc", "1.0.0", "1.0.0"))
	must(t, err)
	publishAll(t, to, again) // it is there, and stays

	_, files := unpacked(t, at, "linux/arm64")
	if n := len(files); n != 8 {
		t.Errorf("there are %d files in the image", n)
	}
	for version, pkg := range signed {
		for ending, want := range map[string][]byte{"": pkg.Data, ".prov": pkg.Provenance, ".sig": pkg.Signature} {
			name := "charts/" + pkg.Filename + ending
			if string(files[name]) != string(want) {
				t.Errorf("%s is not what was published", name)
			}
			must(t, os.WriteFile(filepath.Join(dir, pkg.Filename+ending), files[name], 0o644))
		}
		if out, err := exec.Command(helm, "verify", "--keyring", ring, filepath.Join(dir, pkg.Filename)).CombinedOutput(); err != nil || !strings.Contains(string(out), "Signed by: Example") {
			t.Errorf("%v: %s", err, out)
		}
		found, err := to.Signatures(t.Context(), "alc", version)
		if err != nil || string(found.Provenance) != string(pkg.Provenance) || len(found.Signatures) != 1 || string(found.Signatures[0].Value) != string(pkg.Signature) {
			t.Errorf("%+v, %v", found, err)
		}
	}
	for _, version := range []string{"1.2.0", "9.0.0"} {
		if found, err := to.Signatures(t.Context(), "alc", version); err != nil || found.Provenance != nil || found.Signatures != nil {
			t.Errorf("%+v, %v", found, err)
		}
	}
}
