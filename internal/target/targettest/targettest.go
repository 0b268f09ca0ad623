// Package targettest is the contract of [target.Target] as a test: what the pipeline relies
// on, checked against any target. Every target runs it in its own tests, and so does the
// target double that the tests of the pipeline use, so that both mean the same.
//
// A target brings a [Fixture]. Abilities that it has are checked; those that it has not are
// skipped, and nothing else is.
package targettest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Fixture is a new and empty place, and what a test does to it from outside.
type Fixture struct {
	Target target.Target
	// Break makes every request of a kind go wrong in a way until Restore is called, and
	// says whether that can happen to this kind of target.
	Break   func(Request, Fault) (possible bool)
	Restore func()
	// Late is how long the index may take to show what was published.
	Late time.Duration
	// BadKey is the same place with a key that it refuses, and NoKey with none. Both are
	// needed for a [target.KeyHolder].
	BadKey, NoKey target.Target
	// Approve and Reject end the review of a submitted version. Both are needed for a
	// [target.Reviewer].
	Approve, Reject func(name, version string) error
}

// Request is a kind of request to a target.
type Request string

// The requests that may go wrong.
const (
	Index    Request = "Index"
	Lookup   Request = "Snapshot"
	Fetch    Request = "Fetch"
	Publish  Request = "Publish"
	Upload   Request = "UploadAssets"
	Submit   Request = "Submit"
	Withdraw Request = "Withdraw"
)

// Fault is a way in which a request goes wrong.
type Fault string

// The faults.
const (
	Fails      Fault = "fails"       // the target answers with an error, and does nothing
	Garbage    Fault = "garbage"     // something else answers in its place, with success
	LosesReply Fault = "loses reply" // the target does what it is asked, and nobody gets the answer
	Hangs      Fault = "hangs"       // there is no answer
)

// Run runs the suite; fixture makes a fixture for each check.
func Run(t *testing.T, fixture func(*testing.T) Fixture) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.check(newPlace(t, fixture(t))) })
	}
}

// RunInFakeTime is Run in the fake time of testing/synctest, for a target within this
// process: waiting and trying again cost nothing.
func RunInFakeTime(t *testing.T, fixture func(*testing.T) Fixture) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.check(newPlace(t, fixture(t))) })
		})
	}
}

// place is a fixture in one check, with the abilities of its target.
type place struct {
	*testing.T
	Fixture
	ctx     context.Context
	keys    target.KeyHolder
	assets  target.AssetStore
	reviews target.Reviewer
}

func newPlace(t *testing.T, f Fixture) *place {
	p := &place{T: t, Fixture: f, ctx: t.Context()}
	p.keys, _ = f.Target.(target.KeyHolder)
	p.assets, _ = f.Target.(target.AssetStore)
	p.reviews, _ = f.Target.(target.Reviewer)
	return p
}

// broken breaks a kind of request, or skips the check where that cannot be.
func (p *place) broken(r Request, f Fault) {
	p.Helper()
	if !p.Break(r, f) {
		p.Skipf("%s never %s here", r, f)
	}
}

// Package is a small extension, packed. content makes it another one of the same version.
func Package(t *testing.T, name, version, content string) *extension.Package {
	t.Helper()
	ext := load(t, name, version, content)
	pkg, err := ext.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

// Folder is the folder of that extension.
func Folder(t *testing.T, name, version, content string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	for file, text := range map[string]string{
		"extension.yaml": fmt.Sprintf("apiVersion: kubesphere.io/v1alpha1\nname: %s\nversion: %s\ndisplayName: {en: %s}\ndescription: {en: An extension}\n"+
			"category: computing\nprovider: {en: {name: Example}}\nicon: ./static/icon.svg\nscreenshots: [\"./static/first view.svg\"]\n", name, version, name),
		"static/icon.svg":       "<svg xmlns='http://www.w3.org/2000/svg'><!-- " + content + " --></svg>",
		"static/first view.svg": "<svg xmlns='http://www.w3.org/2000/svg'><text>" + content + "</text></svg>",
		"values.yaml":           "content: " + content + "\n",
		"README.md":             "# About\n", "CHANGELOG.md": "## " + version + "\n",
		"templates/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t *testing.T, name, version, content string) *extension.Extension {
	t.Helper()
	ext, err := extension.Load(Folder(t, name, version, content), extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ext
}

// publish sends a package, and submits it where there are reviews.
func (p *place) publish(pkg *extension.Package) target.Snapshot {
	p.Helper()
	if checks, ok := p.Target.(target.Checker); ok {
		if err := checks.Fits(p.ctx, pkg); err != nil {
			p.Fatalf("%s would be refused: %v", pkg.Filename, err)
		}
	}
	s, err := p.Target.Publish(p.ctx, pkg)
	if err != nil {
		p.Fatalf("publishing %s: %v", pkg.Filename, err)
	}
	if p.reviews != nil {
		if err := p.reviews.Submit(p.ctx, s.ID, "please"); err != nil {
			p.Fatalf("submitting %s: %v", pkg.Filename, err)
		}
	}
	return s
}

// snapshot asks the target for a version.
func (p *place) snapshot(name, version string) target.Snapshot {
	p.Helper()
	s, err := p.Target.Snapshot(p.ctx, name, version)
	if err != nil {
		p.Fatalf("asking for %s %s: %v", name, version, err)
	}
	return s
}

func (p *place) wantStatus(name, version string, want string) target.Snapshot {
	p.Helper()
	s := p.snapshot(name, version)
	if s.Status != want {
		p.Errorf("%s %s is %q, want %q", name, version, s.Status, want)
	}
	return s
}

// index reads the index.
func (p *place) index() target.Index {
	p.Helper()
	index, err := p.Target.Index(p.ctx)
	if err != nil {
		p.Fatalf("reading the index: %v", err)
	}
	if err := index.Refused(); err != nil {
		p.Fatalf("Helm does not load the index: %v", err)
	}
	return index
}

// listed waits for a version in the index.
func (p *place) listed(name, version string) target.Entry {
	p.Helper()
	for began := time.Now(); ; graceful.Sleep(p.ctx, 100*time.Millisecond) {
		entry, ok, err := p.index().Lookup(p.ctx, name, version)
		switch {
		case err != nil:
			p.Fatalf("looking up %s %s: %v", name, version, err)
		case ok:
			return entry
		case time.Since(began) > p.Late:
			p.Fatalf("%s %s is not in the index", name, version)
		}
	}
}

// absent fails if a version is there.
func (p *place) absent(name, version string) {
	p.Helper()
	if entry, ok, err := p.index().Lookup(p.ctx, name, version); ok || err != nil {
		p.Errorf("the index has %s %q: %+v, %v", name, version, entry, err)
	}
	if s := p.snapshot(name, version); s.Status != target.StatusNone {
		p.Errorf("the target has %s %q: %+v", name, version, s)
	}
}

// holds fails unless the target serves a package byte by byte.
func (p *place) holds(pkg *extension.Package) {
	p.Helper()
	data, err := p.Target.Fetch(p.ctx, p.listed(pkg.Name, pkg.Version))
	if err != nil {
		p.Fatalf("fetching %s: %v", pkg.Filename, err)
	}
	if string(data) != string(pkg.Data) {
		p.Errorf("%s: %d bytes came, and they are not the %d that were sent", pkg.Filename, len(data), len(pkg.Data))
	}
}
