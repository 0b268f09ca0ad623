// Package directory is a static Helm repository as a target: packages and index.yaml in a folder,
// or on a branch of a git repository, for web servers, GitHub Pages and object storage that is
// mounted.
//
// Packages lie next to index.yaml, as `helm repo index` and chart-releaser expect them, and as
// ChartMuseum reads a local folder. The index is changed as a text (internal/indexedit): what
// others wrote there stays. A package comes first and its entry afterwards, in one replacement
// of index.yaml, so that no entry is ever without its package (internal/sharedfiles).
package directory

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/sharedfiles"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/repoindex"
	"github.com/ksrelease/ksrelease/internal/together"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Options of a [Target].
type Options struct {
	// Store holds the files. The target closes it.
	Store sharedfiles.Store
	// Shown is what messages call the place: a folder, or a branch.
	Shown string
	// URL is the address at which others see the folder, for the URLs of the index: http:// or
	// https://, or the path of it on its host alone ("/charts"). Empty makes relative ones.
	//
	// Helm resolves a relative URL against that of index.yaml, KubeSphere against the host
	// alone: so a repository that is not at the root of its host needs one.
	URL string
	// Message is the title of a change where changes have one; empty makes one of the versions.
	Message string
	// Transport is for packages that entries of others have at another address; nil does
	// without them.
	Transport *transport.Client
}

// Target is a static Helm repository. It is safe for concurrent use, and so is one repository by
// several processes.
type Target struct {
	store   sharedfiles.Store
	shown   string
	url     string // without a slash at the end
	message string
	web     *transport.Client
	now     func() time.Time

	publications *together.Batches[*extension.Package]
	states       *together.Shared[*state]

	mu     sync.Mutex
	parsed *parsed // the last index that was read
}

var _ target.Target = (*Target)(nil)

// IndexFile is the name of the index.
const IndexFile = "index.yaml"

// New makes the target; nothing is read or written yet. The error says what is wrong with URL.
func New(options Options) (*Target, error) {
	if u := options.URL; u != "" && !strings.HasPrefix(u, "/") {
		if _, err := transport.ParseServer("url", u); err != nil {
			return nil, err
		}
	}
	t := &Target{
		store: options.Store, shown: options.Shown, url: strings.TrimRight(options.URL, "/"), message: options.Message,
		web: options.Transport, now: time.Now,
	}
	if options.URL != "" && t.url == "" { // the root of a host
		t.url = "/"
	}
	t.publications = together.NewBatches(t.publishAll)
	t.states = together.NewShared(t.read)
	return t, nil
}

// Close frees what the target takes.
func (t *Target) Close() error { return t.store.Close() }

// state is what the folder has at one moment.
type state struct {
	view  sharedfiles.View
	index *helmrepo.Index
}

// read reads the index as it is now. One that is not there has no entries.
func (t *Target) read(ctx context.Context) (*state, error) {
	view, err := t.store.View(ctx)
	if err != nil {
		return nil, err
	}
	_, index, err := t.indexOf(ctx, view)
	if err != nil {
		return nil, err
	}
	return &state{view, index}, nil
}

// parsed is an index that was read, known by its bytes.
type parsed struct {
	sum   [sha256.Size]byte
	index *helmrepo.Index
}

// noIndex is what is read where there is none.
var noIndex = sync.OnceValue(func() *helmrepo.Index {
	index, err := helmrepo.Parse([]byte("apiVersion: v1\nentries: {}\n"))
	if err != nil {
		panic(err)
	}
	return index
})

// indexOf reads the index: its text, which is nil where there is none, and what is in it. One that
// is as it was at the last time is not read again: a large one takes a while.
func (t *Target) indexOf(ctx context.Context, view sharedfiles.View) ([]byte, *helmrepo.Index, error) {
	data, err := view.Read(ctx, IndexFile, helmrepo.IndexLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noIndex(), nil
	}
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(data)
	t.mu.Lock()
	known := t.parsed
	t.mu.Unlock()
	if known != nil && known.sum == sum {
		return data, known.index, nil
	}
	index, err := helmrepo.Parse(data)
	if err != nil {
		return nil, nil, t.damaged(err)
	}
	t.remember(data, index)
	return data, index, nil
}

func (t *Target) remember(data []byte, index *helmrepo.Index) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.parsed = &parsed{sha256.Sum256(data), index}
}

// damaged is an index that cannot be read.
func (t *Target) damaged(err error) error {
	return failure.WithHint(fmt.Errorf("reading %s of %s: %w", IndexFile, t.shown, err),
		"correct it, or put back an earlier one; it is not overwritten. Where it is lost, remove it: it is made anew of the packages that are there")
}

// Index reads index.yaml as it is now.
func (t *Target) Index(ctx context.Context) (target.Index, error) {
	now, err := t.states.Get(ctx)
	if err != nil {
		return nil, err
	}
	return repoindex.Index{Index: now.index}, nil
}

// Snapshot says whether the index lists a version: a package alone, which nobody can find, is
// what a run that was killed leaves behind.
func (t *Target) Snapshot(ctx context.Context, name, version string) (target.Snapshot, error) {
	now, err := t.states.Get(ctx)
	if err != nil {
		return target.Snapshot{}, err
	}
	if _, there := now.index.Version(name, version); there {
		return target.Snapshot{Status: target.StatusActive}, nil
	}
	return target.Snapshot{}, now.index.Unreadable(name)
}

// Fetch reads the package of an entry: a file of the folder, or what is at the address that an
// entry of others has.
func (t *Target) Fetch(ctx context.Context, e target.Entry) ([]byte, error) {
	what := "reading package " + e.Name + " " + e.Version
	if len(e.URLs) == 0 || e.URLs[0] == "" {
		return nil, fmt.Errorf("%s: its entry in the index has no URL", what)
	}
	view, err := t.store.View(ctx)
	if err != nil {
		return nil, err
	}
	file, ours := t.fileOf(e.URLs[0])
	if !ours {
		// Of a folder that has moved, or has another address for some, the files are here.
		if data, err := view.Read(ctx, path.Base(file), helmrepo.PackageLimit); err == nil && e.Digest != "" && digestOf(data) == strings.TrimPrefix(e.Digest, "sha256:") {
			return data, nil
		}
		return t.download(ctx, what, e.URLs[0])
	}
	data, err := view.Read(ctx, file, helmrepo.PackageLimit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if len(data) < 2 || data[0] != 0x1f || data[1] != 0x8b {
		return nil, fmt.Errorf("%s: %s is no package", what, file)
	}
	return data, nil
}

// fileOf is the file of the folder that is at an address; ours is false where that leads elsewhere.
func (t *Target) fileOf(address string) (file string, ours bool) {
	u, err := url.Parse(address)
	if err != nil {
		return "", false
	}
	base, err := url.Parse(t.url)
	if err != nil || u.Host != "" && (u.Host != base.Host || u.Scheme != base.Scheme) {
		return u.Path, false
	}
	if u.Host == "" && !strings.HasPrefix(u.Path, "/") {
		return path.Clean(u.Path), true
	}
	below, found := strings.CutPrefix(u.Path, strings.TrimSuffix(base.Path, "/")+"/")
	return path.Clean(below), found && below != ""
}

// download asks another server, as nobody.
func (t *Target) download(ctx context.Context, what, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || t.web == nil {
		return nil, failure.WithHint(fmt.Errorf("%s: its URL %q leads to no file of %s", what, redact.URL(address), t.shown),
			"compare the URL in index.yaml with the address of the folder (url of the target)")
	}
	repository, err := helmrepo.New(helmrepo.Options{URL: u.Scheme + "://" + u.Host, Transport: t.web, Describe: true})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	data, err := repository.Fetch(ctx, helmrepo.Entry{URLs: []string{address}})
	if err != nil {
		return nil, fmt.Errorf("%s from where its entry leads: %w", what, err)
	}
	return data, nil
}

// FetchAsset has nothing to give: packages hold their assets.
func (t *Target) FetchAsset(context.Context, string) ([]byte, error) {
	return nil, errors.New("a static Helm repository keeps no icons and screenshots apart from packages")
}
