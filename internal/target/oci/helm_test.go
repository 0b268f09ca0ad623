package oci_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// stockHelms are the helm commands that have to get on with what is pushed.
func stockHelms(t *testing.T) map[string]func(args ...string) (string, error) {
	helms := map[string]func(...string) (string, error){}
	for name, binary := range map[string]string{"3": helmtest.Binary(t), "4": helmtest.BinaryOf(t, helmtest.Helm4)} {
		home := t.TempDir()
		helms[name] = func(args ...string) (string, error) {
			cmd := exec.CommandContext(t.Context(), binary, args...)
			cmd.Dir = home
			cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TZ=Asia/Shanghai"}
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
	}
	return helms
}

// What was pushed is pulled, shown and installed by a stock helm, byte by byte.
func TestHelmReadsWhatWasPushed(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	to := newTarget(t, r.Host+"/charts", transport.Options{})
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	publish(t, to, pkg)
	signed := targettest.Package(t, "alc", "1.1.0", "two")
	signed.Provenance = []byte("not checked here")
	publish(t, to, signed)
	chart := "oci://" + r.Host + "/charts/alc"
	for name, helm := range stockHelms(t) {
		t.Run("helm "+name, func(t *testing.T) {
			dir := t.TempDir()
			for _, args := range [][]string{
				{"pull", chart, "--version", "1.0.0", "-d", dir, "--plain-http"},
				{"pull", chart, "--version", "1.1.0", "-d", dir, "--plain-http", "--prov"},
				{"pull", chart, "--version", "~1.0.0", "-d", t.TempDir(), "--plain-http"},
				{"show", "chart", chart, "--version", "1.0.0", "--plain-http"},
				{"template", "x", chart, "--version", "1.0.0", "--plain-http"},
				{"install", "x", chart, "--version", "1.0.0", "--plain-http", "--dry-run=client"},
			} {
				if name == "3" && args[0] == "install" {
					continue // helm 3 asks a cluster for its version even then
				}
				if out, err := helm(args...); err != nil {
					t.Errorf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
				}
			}
			for file, want := range map[string]string{
				"alc-1.0.0.tgz": string(pkg.Data), "alc-1.1.0.tgz": string(signed.Data), "alc-1.1.0.tgz.prov": "not checked here",
			} {
				if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(got) != want {
					t.Errorf("%s has %d bytes, want %d: %v", file, len(got), len(want), err)
				}
			}
		})
	}
}

// What helm pushed is found, the manifest is ours but for the time, and the same package is
// no second version.
func TestWhatHelmPushed(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	c := registry.New(registry.Options{Transport: transport.New(transport.Options{})})
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	file := filepath.Join(t.TempDir(), pkg.Filename)
	if err := os.WriteFile(file, pkg.Data, 0o644); err != nil {
		t.Fatal(err)
	}
	publish(t, newTarget(t, r.Host+"/ours", transport.Options{}), pkg)
	for name, helm := range stockHelms(t) {
		t.Run("helm "+name, func(t *testing.T) {
			folder := "helm" + name
			if out, err := helm("push", file, "oci://"+r.Host+"/"+folder, "--plain-http"); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			to := newTarget(t, r.Host+"/"+folder, transport.Options{})
			index, err := to.Index(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			e, there, err := index.Lookup(t.Context(), "alc", "1.0.0")
			if err != nil || !there || e.Digest != pkg.Digest || e.ContentDigest != pkg.ContentDigest {
				t.Errorf("%+v, %t, %v", e, there, err)
			}
			before := manifest(t, c, r.Host, folder)
			publish(t, to, pkg) // the same package
			if after := manifest(t, c, r.Host, folder); after.Digest != before.Digest {
				t.Error("the tag was moved")
			}
			if _, err := to.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "two")); err == nil {
				t.Error("the version was overwritten")
			}
			var theirs, ours ocispec.Manifest
			for m, into := range map[string]*ocispec.Manifest{folder: &theirs, "ours": &ours} {
				if err := json.Unmarshal(manifest(t, c, r.Host, m).Data, into); err != nil {
					t.Fatal(err)
				}
			}
			if theirs.Annotations[ocispec.AnnotationCreated] == "" {
				t.Error("helm writes no time any more: the docs say that it does")
			}
			delete(theirs.Annotations, ocispec.AnnotationCreated)
			if !maps.Equal(theirs.Annotations, ours.Annotations) || theirs.Config.MediaType != ours.Config.MediaType || theirs.Layers[0].Digest != ours.Layers[0].Digest || theirs.MediaType != ours.MediaType {
				t.Errorf("helm makes\n%+v\nand we make\n%+v", theirs, ours)
			}
			if name == "3" && theirs.Config.Digest != ours.Config.Digest {
				t.Error("the configuration is another one")
			}
		})
	}
}

func manifest(t *testing.T, c *registry.Client, host, folder string) registry.Manifest {
	t.Helper()
	m, there, err := c.Manifest(t.Context(), registry.Reference{Host: host, Repository: folder + "/alc", Tag: "1.0.0"})
	if err != nil || !there {
		t.Fatal(there, err)
	}
	return m
}
