package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
)

// fakeWorld is a marketplace and its Helm repository in memory, for what real
// HTTP cannot show: answers that lie, and time.
type fakeWorld struct {
	mu       sync.Mutex
	versions map[string]*fakeVersion
	assets   map[string][]byte
	writes   []string // in order
	reads    []string

	// fault is asked before each call; done says whether the world does what
	// was asked although the caller gets err.
	fault func(call string) (done bool, err error)
	// serve may change what the index shows, and when.
	serve func(e *Entry, at time.Time) (shown bool)
	// refused is why Helm does not load the index, and cached what a cache did.
	refused func(at time.Time) error
	cached  string
	remarks []string // on the index
	broken  error    // why entries of the index cannot be read
	// snapshot may change what is read of a version.
	snapshot func(s Snapshot) (Snapshot, error)
	// assetBase is where uploaded assets lie; empty is the address that is expected.
	assetBase string
	// archive may change what is downloaded.
	archive func(data []byte) []byte
	started time.Time
	next    int
}

type fakeVersion struct {
	id, status string
	pkg        *extension.Package
	submitted  time.Time
	unmarked   bool // pushed by another tool: no annotation in the index
}

func newFakeWorld() *fakeWorld {
	return &fakeWorld{versions: map[string]*fakeVersion{}, assets: map[string][]byte{}, started: time.Now()}
}

func (w *fakeWorld) call(name string, write bool, do func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if write {
		w.writes = append(w.writes, name)
	} else {
		w.reads = append(w.reads, name)
	}
	if w.fault != nil {
		if done, err := w.fault(name); err != nil {
			if done {
				do()
			}
			return err
		}
	}
	do()
	return nil
}

func (w *fakeWorld) AssetFolder(context.Context) (string, error) {
	return "/files/usr-1", w.call("folder", false, func() {})
}

func (w *fakeWorld) Snapshot(_ context.Context, name, version string) (s Snapshot, err error) {
	err = w.call("snapshot "+name+"@"+version, false, func() {
		if v := w.versions[name+"@"+version]; v != nil {
			s = Snapshot{ID: v.id, Status: v.status}
		}
	})
	if err == nil && w.snapshot != nil {
		return w.snapshot(s)
	}
	return s, err
}

func (w *fakeWorld) UploadAssets(_ context.Context, name, version string, assets []extension.Asset) (urls []string, err error) {
	err = w.call("upload "+name+"@"+version, true, func() {
		base := cmp.Or(w.assetBase, "https://market.example/files/usr-1")
		for _, a := range assets {
			address := base + "/" + name + "/" + version + "/" + url.PathEscape(a.RemoteName)
			w.assets[address] = a.Data
			urls = append(urls, address)
		}
	})
	return urls, err
}

func (w *fakeWorld) PushPackage(_ context.Context, pkg *extension.Package) (s Snapshot, err error) {
	key := pkg.Name + "@" + pkg.Version
	err = w.call("push "+key, true, func() {
		v := w.versions[key]
		if v == nil {
			w.next++
			v = &fakeVersion{id: fmt.Sprintf("5169550822946100%02d", w.next), status: StatusDraft}
			w.versions[key] = v
		}
		if v.status != StatusDraft {
			panic("push over " + v.status)
		}
		v.pkg = pkg
		s = Snapshot{ID: v.id, Status: v.status}
	})
	return s, err
}

func (w *fakeWorld) Submit(_ context.Context, id, _ string) error {
	refused := errors.New("no such draft")
	err := w.call("submit "+id, true, func() {
		for _, v := range w.versions {
			if v.id == id && v.status == StatusDraft {
				v.status, v.submitted, refused = StatusSubmitted, time.Now(), nil
			}
		}
	})
	if err != nil {
		return err
	}
	return refused
}

func (w *fakeWorld) Index(context.Context) (Index, error) {
	shown := fakeEntries{}
	err := w.call("index", false, func() {
		for key, v := range w.versions {
			if v.status != StatusSubmitted && v.status != StatusActive || v.pkg == nil {
				continue
			}
			sum := sha256.Sum256(v.pkg.Data)
			e := Entry{
				Name: v.pkg.Name, Version: v.pkg.Version, Digest: hex.EncodeToString(sum[:]),
				URLs: []string{"charts/" + v.pkg.Filename}, ContentDigest: v.pkg.ContentDigest,
			}
			if v.unmarked {
				e.ContentDigest = ""
			}
			if w.serve == nil || w.serve(&e, time.Now()) {
				shown[key] = e
			}
		}
	})
	return fakeIndex{shown, w.refused, w.cached, w.remarks, w.broken}, err
}

func (w *fakeWorld) Fetch(_ context.Context, e Entry) (data []byte, err error) {
	err = w.call("fetch "+e.Name+"@"+e.Version, false, func() {
		data = w.versions[e.Name+"@"+e.Version].pkg.Data
		if w.archive != nil {
			data = w.archive(slices.Clone(data))
		}
	})
	return data, err
}

func (w *fakeWorld) FetchAsset(_ context.Context, url string) (data []byte, err error) {
	err = w.call("asset "+url, false, func() { data = w.assets[url] })
	if err == nil && data == nil {
		err = fmt.Errorf("no asset %s", url)
	}
	return data, err
}

type fakeEntries map[string]Entry

type fakeIndex struct {
	fakeEntries
	refused func(at time.Time) error
	cached  string
	remarks []string
	broken  error
}

func (i fakeIndex) Lookup(name, version string) (Entry, bool, error) {
	e, ok := i.fakeEntries[name+"@"+version]
	if ok {
		return e, true, nil
	}
	return Entry{}, false, i.broken
}

func (i fakeIndex) Refused() error {
	if i.refused == nil {
		return nil
	}
	return i.refused(time.Now())
}

func (i fakeIndex) Cached() string    { return i.cached }
func (i fakeIndex) Remarks() []string { return i.remarks }

func (i fakeIndex) Versions(name string) (versions []string) {
	for _, e := range i.fakeEntries {
		if e.Name == name {
			versions = append(versions, e.Version)
		}
	}
	return versions
}

// fakeError is an error of a client, with what it says of itself.
type fakeError struct {
	text                             string
	temporary, doubt, unauthed, slow bool
}

func (e *fakeError) Error() string      { return e.text }
func (e *fakeError) Temporary() bool    { return e.temporary }
func (e *fakeError) InDoubt() bool      { return e.doubt }
func (e *fakeError) Unauthorized() bool { return e.unauthed }
func (e *fakeError) SlowDown() bool     { return e.slow }

// sourceOf writes a small extension and declares it with the default settings.
func sourceOf(t *testing.T, name, version string, needs ...string) config.Source {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	yaml := fmt.Sprintf(`apiVersion: kubesphere.io/v1alpha1
name: %s
version: %s
displayName: {en: %s}
description: {en: An extension}
category: computing
provider: {en: {name: Example}}
icon: ./static/icon.svg
externalDependencies:
`, name, version, name)
	for _, n := range needs {
		yaml += fmt.Sprintf("  - {name: %s, type: extension, version: '*', required: true}\n", n)
	}
	if len(needs) == 0 {
		yaml = yaml[:len(yaml)-len("externalDependencies:\n")]
	}
	write(t, filepath.Join(dir, "extension.yaml"), yaml)
	write(t, filepath.Join(dir, "static", "icon.svg"), `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>`)
	write(t, filepath.Join(dir, "values.yaml"), "global: {}\n")
	write(t, filepath.Join(dir, "README.md"), "# About\n")
	write(t, filepath.Join(dir, "CHANGELOG.md"), "## "+version+"\n")
	write(t, filepath.Join(dir, "templates", "config.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {level: info}\n")
	settings := config.Default(t.TempDir()).Defaults
	return config.Source{Path: dir, Display: name, Settings: settings}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// do runs the pipeline and fails the test on an error of usage.
func do(t *testing.T, w *fakeWorld, options Options) *Result {
	t.Helper()
	if options.Repository == nil {
		options.Repository = w
	}
	if options.Marketplace == nil {
		options.Marketplace = w
	}
	options.AssetHost = "https://market.example"
	options.Parallelism = 4
	result, err := New(options).Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func outcomesOf(r *Result) map[string]Outcome {
	m := map[string]Outcome{}
	for _, x := range r.Extensions {
		m[x.Name] = x.Outcome
	}
	return m
}

func wantOutcomes(t *testing.T, r *Result, want map[string]Outcome) {
	t.Helper()
	if got := outcomesOf(r); !maps.Equal(got, want) {
		for _, x := range r.Extensions {
			t.Logf("%s %s: %s %q %+v", x.Name, x.Version, x.Outcome, x.Reason, x.Error)
		}
		t.Fatalf("outcomes: got %v, want %v", got, want)
	}
}
