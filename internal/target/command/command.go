// Package command is a command of the project, or a service at an address, as a target: kind
// exec and kind webhook of the config. Both speak one protocol, which docs/targets.md describes:
// an action and what it is about as JSON, and a JSON object for an answer.
//
// Only the action publish has to be known. Who knows no other one cannot say what it has: then
// what it answered to publish is all that is known.
package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/picture"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Target is a command or a service as a target. It is safe for concurrent use.
type Target struct {
	name string
	who  string // what messages call it
	idle string // why it is not run; empty: it is
	by   carrier
	web  *transport.Client

	mu      sync.Mutex
	unknown map[action]bool
	taken   map[string]*extension.Package // what it has answered to take, by name and version
	doubt   map[string]error              // what it may have taken
}

var (
	_ target.Target = (*Target)(nil)
	_ target.Silent = (*Target)(nil)
)

func newTarget(name, who string, by carrier, web *transport.Client) *Target {
	return &Target{
		name: name, who: who, by: by, web: web,
		unknown: map[action]bool{}, taken: map[string]*extension.Package{}, doubt: map[string]error{},
	}
}

func keyOf(name, version string) string { return name + " " + version }

// ask makes a request, unless its action is known to be unknown.
func (t *Target) ask(ctx context.Context, q request) (answer, error) {
	t.mu.Lock()
	unknown := t.unknown[q.Action]
	t.mu.Unlock()
	if unknown {
		return answer{}, errUnknown
	}
	q.SchemaVersion, q.Target = schemaVersion, t.name
	a, err := t.by.send(ctx, q)
	if errors.Is(err, errUnknown) {
		t.mu.Lock()
		t.unknown[q.Action] = true
		t.mu.Unlock()
	}
	return a, err
}

// Silence is why the command is not run.
func (t *Target) Silence() error {
	if t.idle == "" {
		return nil
	}
	return fmt.Errorf("%s is not run here, so that it is not known what it has: %s", t.who, t.idle)
}

// Publish sends a package, unless there is such a version.
func (t *Target) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	there, err := t.find(ctx, pkg.Name, pkg.Version)
	var unclear *unclearError
	if err != nil && !errors.As(err, &unclear) { // who cannot say what it has is sent it once more
		return target.Snapshot{}, err
	}
	if there.ok {
		if sameDigest(there.entry.Digest, pkg.Digest) || there.entry.ContentDigest != "" && there.entry.ContentDigest == pkg.ContentDigest {
			return target.Snapshot{Status: target.StatusActive}, nil
		}
		return target.Snapshot{}, exists(t.who, pkg, nil)
	}
	q := publishing(pkg)
	a, err := t.ask(ctx, q)
	key := keyOf(pkg.Name, pkg.Version)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.idle != "":
		return target.Snapshot{}, t.Silence()
	case errors.Is(err, errUnknown):
		return target.Snapshot{}, failure.WithHint(fmt.Errorf("%s knows no action publish", t.who), "it has to take at least that one: docs/targets.md has what it gets, and what it answers")
	case errors.Is(err, errExists), err == nil && a.Status == statusExists:
		delete(t.doubt, key)
		return target.Snapshot{}, exists(t.who, pkg, err)
	case failure.InDoubt(err):
		t.doubt[key] = err
		return target.Snapshot{}, err
	case err != nil:
		return target.Snapshot{}, err
	}
	delete(t.doubt, key)
	t.taken[key] = pkg
	return target.Snapshot{Status: target.StatusActive}, nil
}

// Snapshot asks for a version.
func (t *Target) Snapshot(ctx context.Context, name, version string) (target.Snapshot, error) {
	there, err := t.find(ctx, name, version)
	if err != nil || !there.ok {
		return target.Snapshot{}, err
	}
	return target.Snapshot{Status: target.StatusActive}, nil
}

// found is what there is of a version.
type found struct {
	ok    bool
	entry target.Entry
}

// find asks for a version; of who cannot say what it has, what it has taken in this process is
// known, and nothing else.
func (t *Target) find(ctx context.Context, name, version string) (found, error) {
	a, err := t.ask(ctx, request{Action: actionSnapshot, Name: name, Version: version})
	switch {
	case errors.Is(err, errUnknown):
		return t.remembered(name, version)
	case err != nil:
		return found{}, err
	case a.Status == statusNone:
		return found{}, nil
	}
	return found{true, target.Entry{Name: name, Version: version, Digest: a.Digest, ContentDigest: a.ContentDigest, Times: 1}}, nil
}

func (t *Target) remembered(name, version string) (found, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := keyOf(name, version)
	if pkg := t.taken[key]; pkg != nil {
		return found{true, target.Entry{Name: name, Version: version, Digest: pkg.Digest, ContentDigest: pkg.ContentDigest, Times: 1}}, nil
	}
	if why := t.doubt[key]; why != nil {
		return found{}, &unclearError{t.who, name, version}
	}
	return found{}, nil
}

// Index asks for all versions, or knows that there is no list of them: then versions are asked
// for when they are looked up.
func (t *Target) Index(ctx context.Context) (target.Index, error) {
	a, err := t.ask(ctx, request{Action: actionIndex})
	switch {
	case errors.Is(err, errUnknown):
		return &unlisted{of: t, known: map[string]found{}}, nil
	case err != nil:
		return nil, err
	}
	return listed(*a.Versions), nil
}

// Fetch downloads a package; what was sent by this process is known.
func (t *Target) Fetch(ctx context.Context, e target.Entry) ([]byte, error) {
	a, err := t.ask(ctx, request{Action: actionFetch, Name: e.Name, Version: e.Version, Filename: e.Name + "-" + e.Version + ".tgz", Digest: e.Digest})
	switch {
	case errors.Is(err, errUnknown):
		t.mu.Lock()
		pkg := t.taken[keyOf(e.Name, e.Version)]
		t.mu.Unlock()
		if pkg != nil && (e.Digest == "" || sameDigest(e.Digest, pkg.Digest)) {
			return pkg.Data, nil
		}
		return nil, failure.WithHint(fmt.Errorf("%s has %s %s, and knows no action fetch, so that what it has cannot be compared", t.who, e.Name, e.Version),
			"let its answers to snapshot have the content_digest that it got with publish, or let it know fetch")
	case err != nil:
		return nil, err
	case !isPackage(a.Package):
		return nil, fmt.Errorf("%s: fetch %s %s: what came is no package", t.who, e.Name, e.Version)
	}
	return a.Package, nil
}

// FetchAsset downloads a picture of a package that has its address: a command keeps none.
func (t *Target) FetchAsset(ctx context.Context, address string) ([]byte, error) {
	return picture.Download(ctx, t.web, address, nil)
}

// listed is the answer to index.
type listed []version

var _ target.Index = listed(nil)

func (l listed) Lookup(_ context.Context, name, version string) (target.Entry, bool, error) {
	var e target.Entry
	for _, v := range l {
		if v.Name == name && v.Version == version {
			e = target.Entry{Name: name, Version: version, Digest: v.Digest, ContentDigest: v.ContentDigest, Times: e.Times + 1}
		}
	}
	return e, e.Times > 0, nil
}

func (l listed) Versions(_ context.Context, name string) (versions []string, err error) {
	for _, v := range l {
		if v.Name == name && !slices.Contains(versions, v.Version) {
			versions = append(versions, v.Version)
		}
	}
	return versions, nil
}

func (listed) Refused() error    { return nil }
func (listed) Cached() string    { return "" }
func (listed) Remarks() []string { return nil }

// unlisted is the index of who has no list. It keeps answers, so that it is one state.
type unlisted struct {
	of    *Target
	mu    sync.Mutex
	known map[string]found
}

var _ target.Index = (*unlisted)(nil)

func (u *unlisted) Lookup(ctx context.Context, name, version string) (target.Entry, bool, error) {
	key := keyOf(name, version)
	u.mu.Lock()
	there, known := u.known[key]
	u.mu.Unlock()
	if known {
		return there.entry, there.ok, nil
	}
	there, err := u.of.find(ctx, name, version)
	if err != nil {
		return target.Entry{}, false, err
	}
	u.mu.Lock()
	u.known[key] = there
	u.mu.Unlock()
	return there.entry, there.ok, nil
}

// Versions are those that were taken by this process: there is no list of the others.
func (u *unlisted) Versions(_ context.Context, name string) (versions []string, err error) {
	u.of.mu.Lock()
	defer u.of.mu.Unlock()
	for _, pkg := range u.of.taken {
		if pkg.Name == name {
			versions = append(versions, pkg.Version)
		}
	}
	slices.Sort(versions)
	return versions, nil
}

func (*unlisted) Refused() error { return nil }
func (*unlisted) Cached() string { return "" }

// Remarks says what cannot be known.
func (u *unlisted) Remarks() []string {
	u.of.mu.Lock()
	defer u.of.mu.Unlock()
	if silence := u.of.Silence(); silence != nil {
		return []string{silence.Error()}
	}
	if u.of.unknown[actionSnapshot] {
		return []string{u.of.who + " knows no action snapshot, so that it cannot say what it has: its answer to publish counts, and each run sends it every version again"}
	}
	return []string{u.of.who + " knows no action index, so that it is not known which versions it has besides those that are asked for: what an extension requires is not found there"}
}
