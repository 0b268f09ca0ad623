// Package helmindex makes the index.yaml of a local marketplace from its catalog, and serves
// it. What Helm and KubeSphere read of it is in helm.sh/helm/v3/pkg/repo.
package helmindex

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/indexedit"
	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
)

// Index is what the Helm repository shows at one moment.
type Index struct {
	Generation uint64
	base       string                      // of the addresses of packages; "" for relative ones
	Packages   map[string]*catalog.Package // by file name
	Index      []byte                      // index.yaml
	etag       string
	modified   time.Time                   // when the list last changed
	compressed func() ([]byte, error)      // index, gzipped; made once
	entries    map[*catalog.Package][]byte // of the index
}

// renderEntry is the entry of a package as an item of a list that stands below the name
// of the extension. Where the marketplace has an external URL, the address of the package
// is an absolute one below it: KubeSphere resolves a relative URL against scheme and host
// alone, and would lose the path of the repository. Without one it is relative, so that
// the directory can be served at the root of any host.
func renderEntry(p *catalog.Package, base string) ([]byte, error) {
	address := path.Join(catalog.ChartsDir, p.Filename)
	if base != "" {
		address = base + "/" + path.Join(catalog.ChartsDir, url.PathEscape(p.Filename))
	}
	return indexedit.Render(indexedit.Entry{Chart: p.Chart, URLs: []string{address}, Created: p.UploadedAt, Digest: p.Digest}, 2)
}

// Make makes the listing of a catalogue. Entries of packages that the listing before
// has are taken from there; it may be nil.
func Make(catalogue map[string]*catalog.Extension, generation uint64, base string, before *Index) (*Index, error) {
	made := &Index{Generation: generation, base: base, Packages: map[string]*catalog.Package{}, entries: map[*catalog.Package][]byte{}}
	if before != nil && before.base != base {
		before = nil
	}
	var entries bytes.Buffer
	for _, name := range SortedKeys(catalogue) {
		if err := made.add(&entries, catalogue[name], before); err != nil {
			return nil, err
		}
	}
	var index bytes.Buffer
	index.Grow(entries.Len() + 100)
	index.WriteString("apiVersion: v1\nentries:")
	if entries.Len() == 0 {
		index.WriteString(" {}")
	}
	index.WriteString("\n")
	index.Write(entries.Bytes())
	fmt.Fprintf(&index, "generated: %q\n", made.modified.UTC().Format(time.RFC3339Nano))
	made.Index = index.Bytes()
	sum := sha256.Sum256(made.Index)
	// Weak, because one tag stands for the index as it is and compressed.
	made.etag = `W/"` + hex.EncodeToString(sum[:16]) + `"`
	made.compressed = sync.OnceValues(func() ([]byte, error) { return compress(made.Index) })
	return made, nil
}

// add lists the submitted and active versions of an extension, newest first.
func (l *Index) add(entries *bytes.Buffer, extension *catalog.Extension, before *Index) error {
	first := true
	for i := range extension.Snapshots {
		snapshot := &extension.Snapshots[i]
		if snapshot.ListedAt.After(l.modified) {
			l.modified = snapshot.ListedAt
		}
		if !snapshot.Status.Listed() {
			continue
		}
		text, err := before.entry(snapshot.Package, l.base)
		if err != nil {
			return err
		}
		l.entries[snapshot.Package] = text
		if first {
			key, err := indexedit.Key(extension.Name)
			if err != nil {
				return err
			}
			fmt.Fprintf(entries, "  %s:\n", key)
			first = false
		}
		entries.Write(text)
		l.Packages[snapshot.Package.Filename] = snapshot.Package
	}
	return nil
}

// entry is the entry of a package below base, taken over where the listing has it.
func (l *Index) entry(p *catalog.Package, base string) ([]byte, error) {
	if l != nil && l.entries[p] != nil {
		return l.entries[p], nil
	}
	return renderEntry(p, base)
}

// writers are kept from one index to the next: to make one takes longer than to compress a small index.
var writers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func compress(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w := writers.Get().(*gzip.Writer)
	defer writers.Put(w)
	w.Reset(&out)
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("compressing the index: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing the index: %w", err)
	}
	return out.Bytes(), nil
}

func SortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
