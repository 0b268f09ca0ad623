package oci_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/signing"
	"github.com/ksrelease/ksrelease/internal/target/oci"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/keytest"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// keys are two keys, whose public ones are in files.
func keys(t *testing.T) (both *signing.Keys, ring, public string) {
	t.Helper()
	dir := t.TempDir()
	pgp, ring, err := keytest.PGP(dir, "release", "")
	if err != nil {
		t.Fatal(err)
	}
	key, public, err := keytest.PEM(dir, "release")
	if err != nil {
		t.Fatal(err)
	}
	both, err = signing.Load(signing.Options{PGPFile: pgp, File: key})
	if err != nil {
		t.Fatal(err)
	}
	return both, ring, public
}

// signingTarget is a target that signs what is pushed.
func signingTarget(t *testing.T, address string, signer oci.Signer) *oci.Target {
	t.Helper()
	client := transport.New(transport.Options{Attempts: 1})
	t.Cleanup(client.Close)
	to, err := oci.New(oci.Options{Address: "oci://" + address, Registry: registry.New(registry.Options{Transport: client}), Transport: client, Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func signed(t *testing.T, by *signing.Keys, pkg *extension.Package) *extension.Package {
	t.Helper()
	s, err := by.Sign(pkg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A package is pushed with its provenance file, which a stock helm verifies, and with a signature
// of its manifest, which is of the form of cosign and verified by openssl.
func TestSignedPackages(t *testing.T) {
	helms := stockHelms(t)
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("there is no openssl")
	}
	for _, implementation := range registrytest.Implementations {
		t.Run(implementation.Name, func(t *testing.T) {
			r := implementation.Start(t, registrytest.Options{})
			by, ring, public := keys(t)
			to := signingTarget(t, r.Host+"/charts", by)
			pkg := signed(t, by, targettest.Package(t, "alc", "1.0.0", "one"))
			publish(t, to, pkg)
			publish(t, newTarget(t, r.Host+"/charts", transport.Options{}), targettest.Package(t, "alc", "1.1.0", "two"))
			for name, helm := range helms {
				pull := func(version string) (string, error) {
					return helm("pull", "oci://"+r.Host+"/charts/alc", "--version", version, "-d", t.TempDir(), "--plain-http", "--verify", "--keyring", ring)
				}
				if out, err := pull("1.0.0"); err != nil || !strings.Contains(out, "Signed by: Example") {
					t.Errorf("helm %s: %v: %s", name, err, out)
				}
				if out, err := pull("1.1.0"); err == nil {
					t.Errorf("helm %s verifies what nobody has signed: %s", name, out)
				}
			}

			// As cosign reads it: a tag of the digest of the manifest.
			c := registry.New(registry.Options{Transport: transport.New(transport.Options{})})
			at := registry.Reference{Host: r.Host, Repository: "charts/alc", Tag: "1.0.0"}
			m, _, err := c.Manifest(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			s, there, err := c.Manifest(t.Context(), at.WithTag(strings.Replace(m.Digest.String(), ":", "-", 1)+".sig"))
			if err != nil || !there {
				t.Fatal(there, err)
			}
			var manifest ocispec.Manifest
			if err := json.Unmarshal(s.Data, &manifest); err != nil || len(manifest.Layers) != 1 {
				t.Fatalf("%v: %s", err, s.Data)
			}
			layer := manifest.Layers[0]
			text, err := c.Blob(t.Context(), at, layer, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			want := `{"critical":{"identity":{"docker-reference":"` + r.Host + `/charts/alc"},"image":{"docker-manifest-digest":"` + m.Digest.String() + `"},"type":"cosign container image signature"},"optional":null}`
			if string(text) != want || layer.MediaType != "application/vnd.dev.cosign.simplesigning.v1+json" {
				t.Errorf("%s: %s", layer.MediaType, text)
			}
			raw, err := base64.StdEncoding.DecodeString(layer.Annotations["dev.cosignproject.cosign/signature"])
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			write(t, filepath.Join(dir, "payload"), text)
			write(t, filepath.Join(dir, "signature"), raw)
			if out, err := exec.Command(openssl, "dgst", "-sha256", "-verify", public, "-signature", filepath.Join(dir, "signature"), filepath.Join(dir, "payload")).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}

			all, err := to.Signatures(t.Context(), "alc", "1.0.0")
			if err != nil || string(all.Provenance) != string(pkg.Provenance) || len(all.Signatures) != 1 || all.Signatures[0].Package != pkg.Digest || !by.Verifies(all.Signatures[0].Of, all.Signatures[0].Value) {
				t.Errorf("%+v, %v", all, err)
			}
			if all, err := to.Signatures(t.Context(), "alc", "1.1.0"); err != nil || all.Provenance != nil || all.Signatures != nil {
				t.Errorf("%+v, %v", all, err)
			}
			if all, err := to.Signatures(t.Context(), "alc", "9.0.0"); err != nil || all.Provenance != nil || all.Signatures != nil {
				t.Errorf("%+v, %v", all, err)
			}
		})
	}
}

// A run that is killed before the tag is pushed leaves what signs a version that is not there: the
// next run goes on. What is there is signed by nobody again.
func TestSignedAfterAKill(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	front := newFront(t, r)
	by, _, _ := keys(t)
	unsigned := targettest.Package(t, "alc", "1.0.0", "one")
	for folder, pkg := range map[string]*extension.Package{"both": signed(t, by, unsigned), "key": unsigned} {
		to := signingTarget(t, front.host+"/"+folder, by)
		front.breaks(t, "PUT /v2/"+folder+"/alc/manifests/1.0.0 * before status 500")
		if _, err := to.Publish(t.Context(), pkg); err == nil {
			t.Fatal("the tag was pushed")
		}
		front.breaks(t, "")
		if s, err := to.Snapshot(t.Context(), "alc", "1.0.0"); err != nil || s.Status != "" {
			t.Fatalf("%+v, %v", s, err)
		}
		again := pkg
		if pkg.Provenance != nil {
			again = signed(t, by, unsigned) // with another time in it
		}
		publish(t, to, again)
		all, err := to.Signatures(t.Context(), "alc", "1.0.0")
		if err != nil || string(all.Provenance) != string(again.Provenance) || len(all.Signatures) != 1 {
			t.Errorf("%s: %d signatures, %v", folder, len(all.Signatures), err)
		}
		other, _, _ := keys(t)
		publish(t, signingTarget(t, front.host+"/"+folder, other), signed(t, other, unsigned))
		after, err := to.Signatures(t.Context(), "alc", "1.0.0")
		if err != nil || string(after.Provenance) != string(all.Provenance) || len(after.Signatures) != 1 {
			t.Errorf("%s: signed again: %v", folder, err)
		}
	}
}

// The signatures of others stay where one is added.
func TestSignaturesOfOthersStay(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	front := newFront(t, r)
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	one, _, _ := keys(t)
	two, _, _ := keys(t)
	front.breaks(t, "PUT /v2/x/alc/manifests/1.0.0 * before status 500")
	if _, err := signingTarget(t, front.host+"/x", one).Publish(t.Context(), pkg); err == nil {
		t.Fatal("the tag was pushed")
	}
	front.breaks(t, "")
	to := signingTarget(t, front.host+"/x", two)
	publish(t, to, pkg)
	all, err := to.Signatures(t.Context(), "alc", "1.0.0")
	if err != nil || len(all.Signatures) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	for i, by := range []*signing.Keys{one, two} {
		if s := all.Signatures[i]; !by.Verifies(s.Of, s.Value) {
			t.Errorf("signature %d is another one's", i)
		}
	}
}

// Everybody who may push can add signatures: only some of them are read.
func TestManySignatures(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	front := newFront(t, r)
	by, _, _ := keys(t)
	to := signingTarget(t, front.host+"/x", by)
	publish(t, to, targettest.Package(t, "alc", "1.0.0", "one"))
	c := registry.New(registry.Options{Transport: transport.New(transport.Options{})})
	at := registry.Reference{Host: r.Host, Repository: "x/alc", Tag: "1.0.0"}
	m, _, err := c.Manifest(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	tag := at.WithTag(strings.Replace(m.Digest.String(), ":", "-", 1) + ".sig")
	s, _, err := c.Manifest(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	var many ocispec.Manifest
	if err := json.Unmarshal(s.Data, &many); err != nil {
		t.Fatal(err)
	}
	for range 70 {
		many.Layers = append(many.Layers, many.Layers[0])
	}
	data, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SettleManifest(t.Context(), tag, s.MediaType, data); err != nil {
		t.Fatal(err)
	}
	front.requested()
	if all, err := to.Signatures(t.Context(), "alc", "1.0.0"); err != nil || len(all.Signatures) != 50 {
		t.Errorf("%d, %v", len(all.Signatures), err)
	}
	if n := len(front.requested()); n > 53 {
		t.Errorf("%d requests", n)
	}
}

// A signature that cannot be pushed keeps the version from being published.
func TestSignatureThatFails(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	front := newFront(t, r)
	by, _, _ := keys(t)
	to := signingTarget(t, front.host+"/x", by)
	front.breaks(t, "PUT /v2/x/alc/manifests/sha256-* * before status 403")
	_, err := to.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one"))
	if err == nil || !strings.Contains(err.Error(), "the signature of alc 1.0.0") || failure.Hint(err) == "" {
		t.Errorf("%v: %s", err, failure.Hint(err))
	}
	if s, err := to.Snapshot(t.Context(), "alc", "1.0.0"); err != nil || s.Status != "" {
		t.Errorf("%+v, %v", s, err)
	}
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
