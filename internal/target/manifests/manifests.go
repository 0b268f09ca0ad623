// Package manifests is a folder of Kubernetes manifests as a target: for each extension an
// Extension, and for each of its versions an ExtensionVersion and a ConfigMap with the package,
// as `ksbuilder publish` and KubeSphere's controllers make them. They are for `kubectl apply
// --server-side` and GitOps.
//
// All documents of an extension are in one file, so that a version is there as a whole or not at
// all. What else is in the file stays as it is.
package manifests

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/sharedfiles"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/together"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// Options of a [Target].
type Options struct {
	// Store holds the files. The target closes it.
	Store sharedfiles.Store
	// Shown is what messages call the place.
	Shown string
	// One puts all extensions into one file (extensions.yaml), in place of a file for each
	// (NAME.yaml).
	One bool
	// Message is the title of a change where changes have one; empty makes one of the versions.
	Message string
}

// Target is a folder of manifests. It is safe for concurrent use, and so is one folder by several
// processes.
type Target struct {
	store   sharedfiles.Store
	shown   string
	one     bool
	message string

	publications *together.Batches[*extension.Package]
	views        *together.Shared[sharedfiles.View]

	mu    sync.Mutex
	known map[string]parsed // by file: the last content, and what is in it
}

type parsed struct {
	sum  [sha256.Size]byte
	file *file
}

var (
	_ target.Target  = (*Target)(nil)
	_ target.Checker = (*Target)(nil)
)

// FileOfAll is the one file where there is one.
const FileOfAll = "extensions.yaml"

// fileLimit is the size of a file that is read, in bytes: a version takes 1.4 MB at most.
const fileLimit = 512 << 20

// New makes the target; nothing is read or written yet.
func New(options Options) *Target {
	t := &Target{store: options.Store, shown: options.Shown, one: options.One, message: options.Message, known: map[string]parsed{}}
	t.publications = together.NewBatches(t.publishAll)
	t.views = together.NewShared(t.store.View)
	return t
}

// Close frees what the target takes.
func (t *Target) Close() error { return t.store.Close() }

// fileOf is the file of an extension.
func (t *Target) fileOf(name string) string {
	if t.one {
		return FileOfAll
	}
	return name + ".yaml"
}

// read reads a file; one that is not there has no documents.
func (t *Target) read(ctx context.Context, view sharedfiles.View, name string) (*file, error) {
	data, err := view.Read(ctx, name, fileLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return &file{}, nil
	}
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	t.mu.Lock()
	known := t.known[name]
	t.mu.Unlock()
	if known.file != nil && known.sum == sum {
		return known.file, nil
	}
	read, err := parse(data)
	if err != nil {
		return nil, failure.WithHint(fmt.Errorf("reading %s of %s: %w", name, t.shown, err), "correct it, or put back an earlier one; it is not overwritten")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[name] = parsed{sum, read}
	return read, nil
}

// Index is the folder as it is now: a file is read when a name is looked up.
func (t *Target) Index(ctx context.Context) (target.Index, error) {
	view, err := t.views.Get(ctx)
	if err != nil {
		return nil, err
	}
	return &index{target: t, view: view, files: map[string]*file{}}, nil
}

// index keeps what was read.
type index struct {
	target *Target
	view   sharedfiles.View

	mu    sync.Mutex
	files map[string]*file
}

func (i *index) file(ctx context.Context, name string) (*file, error) {
	if !isFileName(name) {
		return &file{}, nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	at := i.target.fileOf(name)
	if known := i.files[at]; known != nil {
		return known, nil
	}
	read, err := i.target.read(ctx, i.view, at)
	if err != nil {
		return nil, err
	}
	i.files[at] = read
	return read, nil
}

// isFileName says that a name can be one of an extension, and so of a file.
func isFileName(name string) bool { return name != "" && !strings.ContainsAny(name, "/\\\x00") }

func (i *index) Lookup(ctx context.Context, name, version string) (target.Entry, bool, error) {
	f, err := i.file(ctx, name)
	if err != nil {
		return target.Entry{}, false, err
	}
	found := f.versionsOf(name, version)
	if len(found) == 0 {
		return target.Entry{}, false, nil
	}
	last := found[len(found)-1] // which is what kubectl leaves in the cluster
	return target.Entry{
		Name: name, Version: version, Digest: last.Spec.Digest, URLs: []string{last.address()}, Times: len(found),
		ContentDigest: last.Metadata.Annotations[extension.ContentDigestAnnotation],
	}, true, nil
}

func (i *index) Versions(ctx context.Context, name string) ([]string, error) {
	f, err := i.file(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, d := range f.versionsOf(name, "") {
		if !slices.Contains(all, d.Spec.Version) {
			all = append(all, d.Spec.Version)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return versions.Compare(b, a) })
	return all, nil
}

func (*index) Refused() error    { return nil }
func (*index) Cached() string    { return "" }
func (*index) Remarks() []string { return nil }

// Snapshot says whether there is an ExtensionVersion.
func (t *Target) Snapshot(ctx context.Context, name, version string) (target.Snapshot, error) {
	index, err := t.Index(ctx)
	if err != nil {
		return target.Snapshot{}, err
	}
	if _, there, err := index.Lookup(ctx, name, version); err != nil || !there {
		return target.Snapshot{}, err
	}
	return target.Snapshot{Status: target.StatusActive}, nil
}

// Fetch takes a package out of the ConfigMap of its version.
func (t *Target) Fetch(ctx context.Context, e target.Entry) ([]byte, error) {
	what := fmt.Sprintf("reading package %s %s", e.Name, e.Version)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	view, err := t.store.View(ctx)
	if err != nil {
		return nil, err
	}
	if !isFileName(e.Name) {
		return nil, fmt.Errorf("%s: there is no such extension", what)
	}
	f, err := t.read(ctx, view, t.fileOf(e.Name))
	if err != nil {
		return nil, err
	}
	found := f.versionsOf(e.Name, e.Version)
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: %s has no ExtensionVersion of it", what, t.shown)
	}
	ref := found[len(found)-1].Spec.ChartDataRef
	if ref == nil {
		return nil, failure.WithHint(fmt.Errorf("%s: its ExtensionVersion has no chartDataRef", what), "its package is not among the manifests, but at %q", found[len(found)-1].address())
	}
	data := f.chart(ref)
	if data == nil {
		return nil, failure.WithHint(fmt.Errorf("%s: %s has no ConfigMap %s of the namespace %s with %s in its binaryData", what, t.fileOf(e.Name), ref.Name, ref.Namespace, ref.Key),
			"put the ConfigMap back: KubeSphere cannot install the version without it")
	}
	return data, nil
}

// FetchAsset has nothing to give: packages hold their assets.
func (t *Target) FetchAsset(context.Context, string) ([]byte, error) {
	return nil, errors.New("manifests keep no icons and screenshots apart from packages")
}
