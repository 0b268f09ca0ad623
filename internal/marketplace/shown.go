package marketplace

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/chartdiff"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/state"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
	"github.com/ksrelease/ksrelease/internal/packagesize"
	webpage "github.com/ksrelease/ksrelease/internal/page"
	"github.com/ksrelease/ksrelease/internal/page/showing"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/weight"
)

// shownPages are the pages of versions that were looked at, by the digests of the packages in them.
type shownPages struct {
	m   *Marketplace
	mu  sync.Mutex
	all map[string][]byte
}

// mostShown is how many pages are kept.
const mostShown = 64

func (s *shownPages) get(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[key]
}

func (s *shownPages) put(key string, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil || len(s.all) >= mostShown {
		s.all = map[string][]byte{}
	}
	s.all[key] = text
}

// answer shows a version as KubeSphere's console and marketplace do, next to the one that was
// approved last.
func (s *shownPages) answer(w http.ResponseWriter, r *http.Request) error {
	record, err := s.m.state.Find(r.PathValue("extension"))
	if err != nil {
		return err
	}
	snapshot, ok := record.Version(r.PathValue("version"))
	if !ok || !snapshot.Status.Listed() && !(browserReview{s.m}).signedIn(r) { // drafts are for their authors
		return state.NoVersion(record.Name, r.PathValue("version"))
	}
	var other *catalog.Snapshot
	for i := range record.Snapshots {
		if of := &record.Snapshots[i]; of.Status == catalog.Active && of.Version != snapshot.Version {
			other = of
			break
		}
	}
	key := snapshot.Package.Digest
	if other != nil {
		key += " " + other.Package.Digest
	}
	text := s.get(key)
	if text == nil {
		if text, err = s.show(r.Context(), record.Name, snapshot, other); err != nil {
			return err
		}
		s.put(key, text)
	}
	asPage(w, webpage.Policy())
	w.Write(text)
	return nil
}

// show makes the page of a version.
func (s *shownPages) show(ctx context.Context, name string, snapshot, other *catalog.Snapshot) ([]byte, error) {
	select { // a package may unpack to many times its size
	case s.m.inspecting <- struct{}{}:
		defer func() { <-s.m.inspecting }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ext, err := s.packaged(name, snapshot)
	if err != nil {
		return nil, err
	}
	budget, _ := webpage.BudgetOf(1)
	x := results.Extension{Name: name, Version: snapshot.Version, Outcome: results.Exists, AsAsked: true}
	x.Package = &results.Package{Size: snapshot.Package.Size, Limit: s.m.options.SizeLimit, Digest: "sha256:" + snapshot.Package.Digest}
	if sizes, err := weight.Of(ctx, ext, nil, s.m.options.SizeLimit); err == nil { // else the size alone is known
		packagesize.Explain(x.Package, sizes)
		x.Package.Advice = nil // it is for who makes the package
	}
	shown := webpage.Extension{Result: x, Now: showing.Of(ext, budget, s.pictures(ext)), Unlinted: true}
	if other == nil {
		shown.Diff = &chartdiff.Diff{Name: name, Version: snapshot.Version, IsNew: true}
	} else {
		before, err := s.packaged(name, other)
		if err != nil {
			return nil, err
		}
		shown.Published, shown.Against = showing.Of(before, budget, s.pictures(before)), "the published version "+other.Version
		if files, err := compare.Compare(ext, before, nil); err == nil { // else a chart does not load, and nothing is known
			shown.Diff = &chartdiff.Diff{Name: name, Version: snapshot.Version, BaseVersion: other.Version, Against: shown.Against, Files: files, Equal: len(files) == 0}
		}
	}
	document := &results.Document{Command: "marketplace", Tool: results.Tool{Name: "ksrelease"}, Started: snapshot.UpdatedAt, Extensions: []results.Extension{x}}
	return webpage.Bytes(webpage.Page{Result: document, Extensions: []webpage.Extension{shown}, Home: "../../../"})
}

// packaged is the extension in a package that is here.
func (s *shownPages) packaged(name string, snapshot *catalog.Snapshot) (*extension.Extension, error) {
	file, err := s.m.state.Store.OpenPackage(snapshot.Package)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	archive, err := io.ReadAll(io.LimitReader(file, snapshot.Package.Size+1))
	if err != nil {
		return nil, err
	}
	return extension.Read(name+" "+snapshot.Version, archive, extension.Limits{})
}

// mostPicture bounds an uploaded picture that a page shows, and mostPictures all of one version, in bytes:
// one upload may be named by many addresses.
const (
	mostPicture  = 8 << 20
	mostPictures = 64 << 20
)

// pictures are the icon and screenshots of an extension that were uploaded here, by their addresses.
func (s *shownPages) pictures(ext *extension.Extension) map[string][]byte {
	found, left := map[string][]byte{}, int64(mostPictures)
	for _, address := range append([]string{ext.Metadata.Icon}, ext.Metadata.Screenshots...) {
		at, err := url.Parse(address)
		if err != nil || at.Host == "" {
			continue
		}
		// The address may have the path of an external URL before it.
		_, rest, ok := strings.Cut(at.Path, "/"+store.FilesDir+"/")
		file := "/" + store.FilesDir + "/" + rest
		if !ok || strayPath(file) != "" {
			continue
		}
		if data, err := s.m.state.Store.Read(path.Join(store.PublicDir, file), min(mostPicture, left)); err == nil {
			found[address] = data
			left -= int64(len(data))
		}
	}
	return found
}
