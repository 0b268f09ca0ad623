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
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// fakeWorld is a marketplace and its Helm repository in memory, for what real
// HTTP cannot show: answers that lie, and time.
type fakeWorld struct {
	mu       sync.Mutex
	versions map[string]*fakeVersion
	assets   map[string][]byte
	writes   []string // in order
	taken    []string // the writes that made a version be there
	reads    []string

	// fault is asked before each call; done says whether the world does what
	// was asked although the caller gets err.
	fault func(call string) (done bool, err error)
	// hangs says which calls get no answer.
	hangs func(call string) bool
	// serve may change what the index shows, and when.
	serve func(e *target.Entry, at time.Time) (shown bool)
	// refused is why Helm does not load the index, and cached what a cache did.
	refused func(at time.Time) error
	cached  string
	remarks []string // on the index
	broken  error    // why entries of the index cannot be read
	// snapshot may change what is read of a version.
	snapshot func(s target.Snapshot) (target.Snapshot, error)
	// refusesOverwriting refuses a package for what is more than a draft, instead of failing the test.
	refusesOverwriting bool
	certain            bool // the addresses of assets are certain
	// assetBase is where uploaded assets lie; empty is the address that is expected.
	assetBase string
	// archive may change what is downloaded.
	archive func(data []byte) []byte
	started time.Time
	next    int
}

var (
	_ target.Target     = (*fakeWorld)(nil)
	_ target.KeyHolder  = (*fakeWorld)(nil)
	_ target.AssetStore = (*fakeWorld)(nil)
	_ target.Reviewer   = (*fakeWorld)(nil)
)

type fakeVersion struct {
	id, status string
	message    string // what the reviewer said
	pkg        *extension.Package
	submitted  time.Time
	unmarked   bool // pushed by another tool: no annotation in the index
}

func newFakeWorld() *fakeWorld {
	return &fakeWorld{versions: map[string]*fakeVersion{}, assets: map[string][]byte{}, started: time.Now()}
}

// call is a request: it ends with its context, and does nothing where that has ended.
func (w *fakeWorld) call(ctx context.Context, name string, write bool, do func()) error {
	if w.hangs != nil && w.hangs(name) {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
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

// keyless is a fakeWorld without an API key.
type keyless struct{ *fakeWorld }

func (w *fakeWorld) withoutKey() keyless { return keyless{w} }

func (keyless) HasKey() bool { return false }

func (k keyless) AssetURLs(ctx context.Context, name, version string, assets []extension.Asset) ([]string, bool, error) {
	urls, _, err := k.fakeWorld.AssetURLs(ctx, name, version, assets)
	return urls, false, err
}

func (keyless) CheckKey(context.Context) error { return target.ErrNoToken }

func (keyless) Snapshot(context.Context, string, string) (target.Snapshot, error) {
	return target.Snapshot{}, target.ErrNoToken
}

func (keyless) UploadAssets(context.Context, string, string, []extension.Asset) ([]string, error) {
	return nil, target.ErrNoToken
}

func (keyless) Publish(context.Context, *extension.Package) (target.Snapshot, error) {
	return target.Snapshot{}, target.ErrNoToken
}

func (keyless) Submit(context.Context, string, string) error { return target.ErrNoToken }

// badKey is a fakeWorld that refuses the API key.
type badKey struct{ *fakeWorld }

var errBadKey = &fakeError{text: "401 Unauthorized", unauthed: true}

func (badKey) CheckKey(context.Context) error { return errBadKey }

func (badKey) Snapshot(context.Context, string, string) (target.Snapshot, error) {
	return target.Snapshot{}, errBadKey
}

func (badKey) UploadAssets(context.Context, string, string, []extension.Asset) ([]string, error) {
	return nil, errBadKey
}

func (badKey) Publish(context.Context, *extension.Package) (target.Snapshot, error) {
	return target.Snapshot{}, errBadKey
}

func (badKey) Submit(context.Context, string, string) error { return errBadKey }

func (w *fakeWorld) HasKey() bool { return true }

func (w *fakeWorld) CheckKey(ctx context.Context) error {
	return w.call(ctx, "folder", false, func() {})
}

// assetURL is where an asset lies below base.
func assetURL(base, name, version string, a extension.Asset) string {
	return base + "/" + name + "/" + version + "/" + url.PathEscape(a.RemoteName)
}

// usualBase is where assets are expected.
const usualBase = "https://market.example/files/usr-1"

func (w *fakeWorld) AssetURLs(_ context.Context, name, version string, assets []extension.Asset) (urls []string, certain bool, err error) {
	for _, a := range assets {
		urls = append(urls, assetURL(usualBase, name, version, a))
	}
	return urls, w.certain, nil
}

func (w *fakeWorld) Snapshot(ctx context.Context, name, version string) (s target.Snapshot, err error) {
	err = w.call(ctx, "snapshot "+name+"@"+version, false, func() {
		if v := w.versions[name+"@"+version]; v != nil {
			s = target.Snapshot{ID: v.id, Status: v.status, Message: v.message}
		}
	})
	if err == nil && w.snapshot != nil {
		return w.snapshot(s)
	}
	return s, err
}

func (w *fakeWorld) UploadAssets(ctx context.Context, name, version string, assets []extension.Asset) (urls []string, err error) {
	err = w.call(ctx, "upload "+name+"@"+version, true, func() {
		base := cmp.Or(w.assetBase, usualBase)
		for _, a := range assets {
			address := assetURL(base, name, version, a)
			w.assets[address] = a.Data
			urls = append(urls, address)
		}
	})
	return urls, err
}

func (w *fakeWorld) Publish(ctx context.Context, pkg *extension.Package) (s target.Snapshot, err error) {
	key := pkg.Name + "@" + pkg.Version
	var refused error
	err = w.call(ctx, "push "+key, true, func() {
		v := w.versions[key]
		if v == nil {
			w.next++
			v = &fakeVersion{id: fmt.Sprintf("5169550822946100%02d", w.next), status: target.StatusDraft}
			w.versions[key] = v
		}
		if v.status != target.StatusDraft {
			if w.refusesOverwriting {
				refused = fmt.Errorf("%s is %s", key, v.status)
				return
			}
			panic("push over " + v.status)
		}
		v.pkg = pkg
		s = target.Snapshot{ID: v.id, Status: v.status}
	})
	return s, cmp.Or(err, refused)
}

func (w *fakeWorld) Submit(ctx context.Context, id, _ string) error {
	refused := errors.New("no such draft")
	err := w.call(ctx, "submit "+id, true, func() {
		for _, v := range w.versions {
			if v.id == id && v.status == target.StatusDraft {
				v.status, v.submitted, refused = target.StatusSubmitted, time.Now(), nil
				w.taken = append(w.taken, "submit "+v.pkg.Name+"@"+v.pkg.Version)
			}
		}
	})
	if err != nil {
		return err
	}
	return refused
}

func (w *fakeWorld) Index(ctx context.Context) (target.Index, error) {
	shown := fakeEntries{}
	err := w.call(ctx, "index", false, func() {
		for key, v := range w.versions {
			if v.status != target.StatusSubmitted && v.status != target.StatusActive || v.pkg == nil {
				continue
			}
			sum := sha256.Sum256(v.pkg.Data)
			e := target.Entry{
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

func (w *fakeWorld) Fetch(ctx context.Context, e target.Entry) (data []byte, err error) {
	err = w.call(ctx, "fetch "+e.Name+"@"+e.Version, false, func() {
		v := w.versions[e.Name+"@"+e.Version]
		if v == nil || v.pkg == nil {
			return
		}
		data = v.pkg.Data
		if w.archive != nil {
			data = w.archive(slices.Clone(data))
		}
	})
	if err == nil && data == nil {
		err = fmt.Errorf("no package %s %s", e.Name, e.Version)
	}
	return data, err
}

func (w *fakeWorld) FetchAsset(ctx context.Context, url string) (data []byte, err error) {
	err = w.call(ctx, "asset "+url, false, func() { data = w.assets[url] })
	if err == nil && data == nil {
		err = fmt.Errorf("no asset %s", url)
	}
	return data, err
}

type fakeEntries map[string]target.Entry

type fakeIndex struct {
	fakeEntries
	refused func(at time.Time) error
	cached  string
	remarks []string
	broken  error
}

func (i fakeIndex) Lookup(_ context.Context, name, version string) (target.Entry, bool, error) {
	e, ok := i.fakeEntries[name+"@"+version]
	if ok {
		return e, true, nil
	}
	return target.Entry{}, false, i.broken
}

func (i fakeIndex) Refused() error {
	if i.refused == nil {
		return nil
	}
	return i.refused(time.Now())
}

func (i fakeIndex) Cached() string    { return i.cached }
func (i fakeIndex) Remarks() []string { return i.remarks }

func (i fakeIndex) Versions(_ context.Context, name string) (versions []string, err error) {
	for _, e := range i.fakeEntries {
		if e.Name == name {
			versions = append(versions, e.Version)
		}
	}
	return versions, nil
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

// otherContent is the error of a target that has the version with other content.
type otherContent struct{ fakeError }

func (*otherContent) HasOther() bool { return true }

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
func do(t *testing.T, w *fakeWorld, options Options) *results.Document {
	t.Helper()
	return doUnder(t, t.Context(), w, options)
}

// to is what a run releases to that has one target.
func to(t target.Target) []target.Place { return []target.Place{target.Marketplace(t)} }

// doUnder is do with a context for which the end of stop is the first step.
func doUnder(t *testing.T, stop context.Context, w *fakeWorld, options Options) *results.Document {
	t.Helper()
	ctx, done := graceful.With(stop, t.Context())
	defer done()
	if options.Targets == nil {
		options.Targets = to(w)
	}
	options.Parallelism = 4
	result, err := New(options).Do(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range result.Extensions {
		for _, f := range x.Findings {
			if !codes[f.Code] || f.Rule != diagnostic.Rule(f.Code) || f.Severity == "" || f.Fingerprint == "" {
				t.Errorf("%s: a finding without a code of the tables: %+v", x.Path, f)
			}
		}
	}
	return result
}

// codes are all codes that a finding may have, by the tables of the rules.
var codes = func() map[string]bool {
	known := map[string]bool{}
	for _, r := range lint.Rules() {
		known[r.CodeOf(rule.InternalError)] = true
		for _, c := range r.Codes {
			known[r.CodeOf(c.Name)] = true
		}
	}
	for _, r := range results.OtherRules() {
		for _, c := range r.Codes {
			known[r.Name+"/"+c.Name] = true
		}
	}
	for _, c := range config.Codes() {
		known[config.Rule+"/"+c.Name] = true
	}
	return known
}()

func outcomesOf(r *results.Document) map[string]results.Outcome {
	m := map[string]results.Outcome{}
	for _, x := range r.Extensions {
		m[x.Name] = x.Outcome
	}
	return m
}

func wantOutcomes(t *testing.T, r *results.Document, want map[string]results.Outcome) {
	t.Helper()
	if got := outcomesOf(r); !maps.Equal(got, want) {
		for _, x := range r.Extensions {
			t.Logf("%s %s: %s %q %+v", x.Name, x.Version, x.Outcome, x.Reason, x.Error)
		}
		t.Fatalf("outcomes: got %v, want %v", got, want)
	}
}
