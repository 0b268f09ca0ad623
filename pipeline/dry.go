package pipeline

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// imagined is the one place in which a dry run is made: reads are real, writes
// are remembered, and the repository shows what was remembered. No stage knows
// which of the two worlds it runs in.
//
// It embeds the reader alone: a method added to MarketplaceWriter does not
// compile until it has been said here what it means dry.
type imagined struct {
	MarketplaceReader
	assetHost *url.URL

	mu     sync.Mutex
	drafts map[string]*extension.Package // by snapshot id
	shown  map[string]*extension.Package // by name@version
}

var _ Marketplace = (*imagined)(nil)

// imagine wraps the reader of a marketplace; nil stands for one that cannot be
// asked because there is no API key. assetHost is the scheme and host of the
// URLs that the marketplace gives to uploaded files.
func imagine(reader MarketplaceReader, assetHost string) *imagined {
	if reader == nil {
		reader = unasked{}
	}
	host, err := url.Parse(strings.TrimSuffix(assetHost, "/"))
	if err != nil {
		host = &url.URL{} // no such server: whoever asks it will tell
	}
	return &imagined{
		MarketplaceReader: reader,
		assetHost:         host,
		drafts:            map[string]*extension.Package{},
		shown:             map[string]*extension.Package{},
	}
}

// UploadAssets answers with URLs of the real form, escaped as a server does it,
// so that the size forecast is that of the real package.
func (m *imagined) UploadAssets(ctx context.Context, name, version string, assets []extension.Asset) ([]string, error) {
	folder, err := m.AssetFolder(ctx)
	if err != nil {
		return nil, err
	}
	urls := make([]string, len(assets))
	for i, a := range assets {
		address := *m.assetHost
		address.Path += path.Join("/", folder, name, version, a.RemoteName)
		address.RawPath = ""
		urls[i] = address.String()
	}
	return urls, nil
}

// PushPackage remembers the package as a draft.
func (m *imagined) PushPackage(_ context.Context, pkg *extension.Package) (Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := "imagined " + pkg.Name + "@" + pkg.Version
	m.drafts[id] = pkg
	return Snapshot{ID: id, Status: StatusDraft, Imagined: true}, nil
}

// Submit shows the draft in the imagined repository, approved at once.
func (m *imagined) Submit(_ context.Context, snapshotID, _ string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	pkg, ok := m.drafts[snapshotID]
	if !ok {
		return fmt.Errorf("submitting snapshot %s: no such snapshot", snapshotID)
	}
	m.shown[pkg.Name+"@"+pkg.Version] = pkg
	return nil
}

// Snapshot shows imagined versions as active and asks for all others.
func (m *imagined) Snapshot(ctx context.Context, name, version string) (Snapshot, error) {
	if _, ok := m.submitted(name, version); ok {
		return Snapshot{ID: "imagined " + name + "@" + version, Status: StatusActive, Imagined: true}, nil
	}
	return m.MarketplaceReader.Snapshot(ctx, name, version)
}

func (m *imagined) submitted(name, version string) (*extension.Package, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	pkg, ok := m.shown[name+"@"+version]
	return pkg, ok
}

// imaginedRepository lays what was submitted in imagination over the index.
// Each push would be seen by a new download; an imagined one costs none.
type imaginedRepository struct {
	*watchedRepository
	market *imagined
}

var _ indexSource = (*imaginedRepository)(nil)

func (r *imaginedRepository) since(ctx context.Context, _ time.Time) (*reading, error) {
	real, err := r.watchedRepository.since(ctx, time.Time{})
	if err != nil || real.err != nil {
		return real, err
	}
	return &reading{index: imaginedIndex{Index: real.index, market: r.market}, asked: real.asked}, nil
}

// after has nothing to wait for: what does not show at once in imagination
// never will.
func (r *imaginedRepository) after(context.Context, *reading, time.Duration) (*reading, error) {
	return nil, errUnchanging
}

func (r *imaginedRepository) Fetch(ctx context.Context, entry Entry) ([]byte, error) {
	if pkg, ok := r.market.submitted(entry.Name, entry.Version); ok {
		return pkg.Data, nil
	}
	return r.watchedRepository.Fetch(ctx, entry)
}

type imaginedIndex struct {
	Index
	market *imagined
}

// Refused is nil: the plan warns of it by itself, and until it is released the
// index may be well again.
func (i imaginedIndex) Refused() error { return nil }

func (i imaginedIndex) Lookup(name, version string) (Entry, bool, error) {
	if pkg, ok := i.market.submitted(name, version); ok {
		return Entry{
			Name: name, Version: version, Digest: pkg.Digest,
			URLs: []string{"charts/" + pkg.Filename}, ContentDigest: pkg.ContentDigest,
		}, true, nil
	}
	return i.Index.Lookup(name, version)
}

// unasked stands in for a marketplace that cannot be asked without an API
// key: nothing is known to be there, and the folder looks like a real one. (It
// should compress like one, too, so its name is no row of zeros.)
type unasked struct{}

func (unasked) AssetFolder(context.Context) (string, error) {
	return "/files/usr-3f9a2c81", nil
}

func (unasked) Snapshot(context.Context, string, string) (Snapshot, error) {
	return Snapshot{}, nil
}
