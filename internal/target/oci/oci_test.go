package oci_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/oci"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

func TestAddresses(t *testing.T) {
	options := func(address string) oci.Options {
		web := transport.New(transport.Options{})
		return oci.Options{Address: address, Registry: registry.New(registry.Options{Transport: web}), Transport: web}
	}
	for address, good := range map[string]bool{
		"oci://registry.example/charts": true, "oci://registry.example": true, "oci://127.0.0.1:5000/a/b/": true,
		"registry.example/charts": false, "https://registry.example/charts": false, "oci://registry.example/Charts": false,
		"oci://registry.example/charts:1": false, "oci://": false, "": false, "oci://u:p@registry.example/charts": false,
	} {
		if _, err := oci.New(options(address)); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func publish(t *testing.T, to target.Target, pkg *extension.Package) target.Snapshot {
	t.Helper()
	s, err := to.Publish(t.Context(), pkg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The manifest is the same whenever and by whomever a package is pushed.
func TestManifestIsReproducible(t *testing.T) {
	one, two := registrytest.Start(t, registrytest.Options{}), registrytest.Start(t, registrytest.Options{})
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	first := publish(t, newTarget(t, one.Host+"/charts", transport.Options{}), pkg)
	if second := publish(t, newTarget(t, two.Host+"/charts", transport.Options{}), pkg); first.ID == "" || first != second {
		t.Errorf("%+v and %+v", first, second)
	}
}

// What a push costs in requests, and a look-up.
func TestRequests(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	front := newFront(t, r)
	to := newTarget(t, front.host+"/charts", transport.Options{})
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	expect := func(what string, want ...string) {
		t.Helper()
		got := front.requested()
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q", what, got)
		}
	}
	publish(t, to, pkg)
	expect("a push", "GET manifests", "HEAD manifests", "POST upload", "POST upload", "PUT manifests", "PUT upload", "PUT upload")
	index, err := to.Index(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expect("an index")
	var entry target.Entry
	for range 3 {
		if entry, _, err = index.Lookup(t.Context(), "alc", "1.0.0"); err != nil {
			t.Fatal(err)
		}
	}
	expect("three look-ups", "GET manifests")
	if _, err := to.Fetch(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	expect("a package", "GET blobs")
	if _, err := index.Versions(t.Context(), "alc"); err != nil {
		t.Fatal(err)
	}
	expect("versions", "GET tags")
}

// A tag is a version with _ for +; what a tag with _ means is read.
func TestPlusSigns(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	to := newTarget(t, r.Host+"/charts", transport.Options{})
	built := targettest.Package(t, "alc", "1.0.0", "one")
	other := *built
	publish(t, to, built)
	for _, tag := range []string{"latest", "sha256-" + strings.Repeat("a", 64) + ".sig"} {
		retag(t, r.Host, "1.0.0", tag)
	}
	retag(t, r.Host, "1.0.0", "2.0.0_b")
	index, err := to.Index(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if versions, err := index.Versions(t.Context(), "alc"); err != nil || !slices.Equal(versions, []string{"1.0.0"}) {
		t.Errorf("versions: %q, %v", versions, err)
	}
	// A tag that holds another version is not this version, and is not overwritten.
	if _, there, err := index.Lookup(t.Context(), "alc", "2.0.0+b"); there || err != nil {
		t.Errorf("%t, %v", there, err)
	}
	other.Version = "2.0.0+b"
	if _, err := to.Publish(t.Context(), &other); err == nil || failure.InDoubt(err) || !strings.Contains(err.Error(), "a registry writes + as _") {
		t.Errorf("published over another version: %v", err)
	}
}

// retag gives what a tag holds another tag, as anybody can.
func retag(t *testing.T, host, from, to string) {
	t.Helper()
	c := registry.New(registry.Options{Transport: transport.New(transport.Options{})})
	at := registry.Reference{Host: host, Repository: "charts/alc", Tag: from}
	m, there, err := c.Manifest(t.Context(), at)
	if err != nil || !there {
		t.Fatal(there, err)
	}
	if _, err := c.PushManifest(t.Context(), at.WithTag(to), m.MediaType, m.Data); err != nil {
		t.Fatal(err)
	}
}

// A tag that holds something else is an error: neither absent, nor overwritten.
func TestWhatIsNoChart(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	to := newTarget(t, r.Host+"/charts", transport.Options{})
	registrytest.PushImage(t, registry.New(registry.Options{Transport: transport.New(transport.Options{})}), r.Host+"/charts/alc:1.0.0", "an image", "linux/amd64")
	for what, err := range map[string]error{
		"look-up": func() error { _, err := to.Snapshot(t.Context(), "alc", "1.0.0"); return err }(),
		"publish": func() error {
			_, err := to.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one"))
			return err
		}(),
	} {
		if err == nil || !strings.Contains(err.Error(), "no chart of Helm") || failure.Hint(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Somebody who pushes between the look before a push and the push itself is found out by
// the look after it.
func TestOthersAtTheSameTime(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	mine, others := targettest.Package(t, "alc", "1.0.0", "one"), targettest.Package(t, "alc", "1.0.0", "two")
	direct := newTarget(t, r.Host+"/charts", transport.Options{})
	front := newFront(t, r)
	var puts atomic.Int32
	front.handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		front.next.ServeHTTP(w, q)
		if q.Method == "PUT" && strings.Contains(q.URL.Path, "/manifests/") && puts.Add(1) == 1 {
			publish(t, newTarget(t, r.Host+"/elsewhere", transport.Options{}), others)
			move(t, r.Host, "elsewhere/alc", "charts/alc", "1.0.0")
		}
	})
	_, err := newTarget(t, front.host+"/charts", transport.Options{FirstWait: time.Millisecond}).Publish(t.Context(), mine)
	if !failure.InDoubt(err) || !strings.Contains(err.Error(), "somebody else has pushed it at the same time") {
		t.Errorf("a push that was overwritten: %v", err)
	}
	index, err := direct.Index(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e, there, err := index.Lookup(t.Context(), "alc", "1.0.0"); err != nil || !there || e.Digest != others.Digest {
		t.Errorf("there is %+v, %v", e, err)
	}
}

// move copies a version to another repository, over what is there.
func move(t *testing.T, host, from, to, tag string) {
	t.Helper()
	c := registry.New(registry.Options{Transport: transport.New(transport.Options{})})
	at := registry.Reference{Host: host, Repository: from, Tag: tag}
	m, _, err := c.Manifest(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	var chart ocispec.Manifest
	if err := json.Unmarshal(m.Data, &chart); err != nil {
		t.Fatal(err)
	}
	at.Repository = to
	for _, blob := range append(chart.Layers, chart.Config) {
		if mounted, err := c.Mount(t.Context(), at, blob, from); !mounted || err != nil {
			t.Fatal(mounted, err)
		}
	}
	if _, err := c.PushManifest(t.Context(), at, m.MediaType, m.Data); err != nil {
		t.Fatal(err)
	}
}
