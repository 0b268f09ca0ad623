package bundle

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// PackageOf is a package of a bundle in the form in which targets take it, and the extension in it. It is held
// against what the manifest says of it: digest, and the name and version that are inside.
func (s Set) PackageOf(p Package) (*extension.Package, *extension.Extension, error) {
	data, err := s.Read(File{Path: p.Path(), Digest: p.Digest})
	if err != nil {
		return nil, nil, err
	}
	ext, inside, _, err := inspect(p.Filename(), data)
	if err != nil {
		return nil, nil, &RefusedError{err}
	}
	if inside.Name != p.Name || inside.Version != p.Version || inside.ContentDigest != p.ContentDigest {
		return nil, nil, refuse("%s holds %s %s with the content digest %q, and not %s %s with %q", p.Path(), inside.Name, inside.Version, inside.ContentDigest, p.Name, p.Version, p.ContentDigest)
	}
	pkg := extension.Packed(p.Name, p.Version, data, p.ContentDigest)
	for _, f := range p.Files()[1:] {
		signs, err := s.Read(f)
		if err != nil {
			return nil, nil, err
		}
		if strings.HasSuffix(f.Path, extension.ProvenanceEnding) {
			pkg.Provenance = signs
		} else {
			pkg.Signature = signs
		}
	}
	return pkg, ext, nil
}

// Inspect reads the archive of an extension, within limits, as the manifest of a bundle has it. metadata
// is its Chart.yaml.
func Inspect(name string, archive []byte) (p Package, metadata *chart.Metadata, err error) {
	_, p, metadata, err = inspect(name, archive)
	return p, metadata, err
}

func inspect(name string, archive []byte) (ext *extension.Extension, p Package, metadata *chart.Metadata, err error) {
	ext, err = extension.Read(name, archive, extension.Limits{})
	if err != nil {
		return nil, Package{}, nil, err
	}
	metadata, err = ext.FoundChart()
	if err != nil {
		return nil, Package{}, nil, fmt.Errorf("%s: %w", name, err)
	}
	if metadata == nil {
		return nil, Package{}, nil, fmt.Errorf("%s has no Chart.yaml", name)
	}
	return ext, Package{
		Name: metadata.Name, Version: metadata.Version, Digest: ext.ArchiveDigest, Size: int64(len(archive)),
		ContentDigest: metadata.Annotations[extension.ContentDigestAnnotation],
	}, metadata, nil
}

// IndexEntry is the entry of a package in the index of the Helm repository.
type IndexEntry struct {
	*chart.Metadata
	URLs    []string  `json:"urls"`
	Created time.Time `json:"created"`
	Digest  string    `json:"digest"`
}

// NewIndexEntry makes the entry of a package. It has no time but that with which the clock began: the
// same packages have to give the same bytes.
func NewIndexEntry(p Package, metadata *chart.Metadata) IndexEntry {
	return IndexEntry{Metadata: metadata, URLs: []string{path.Clean(p.Path())}, Created: time.Unix(0, 0).UTC(), Digest: hexOf(p.Digest)}
}

// EncodeIndex makes an index.yaml; entries are in the order in which they are to stand.
func EncodeIndex(entries []IndexEntry) ([]byte, error) {
	byName := map[string][]IndexEntry{}
	for _, e := range entries {
		byName[e.Name] = append(byName[e.Name], e)
	}
	text, err := yaml.Marshal(struct {
		APIVersion string                  `json:"apiVersion"`
		Entries    map[string][]IndexEntry `json:"entries"`
		Generated  time.Time               `json:"generated"`
	}{"v1", byName, time.Unix(0, 0).UTC()})
	if err != nil {
		return nil, fmt.Errorf("making the index of the Helm repository: %w", err)
	}
	return text, nil
}

// Index is the index of the Helm repository of all packages of the bundles, with relative addresses.
func (s Set) Index(packages []Package) ([]byte, error) {
	entries := make([]IndexEntry, len(packages))
	for i, p := range packages {
		data, err := s.Read(File{Path: p.Path(), Digest: p.Digest})
		if err != nil {
			return nil, err
		}
		_, metadata, err := Inspect(p.Filename(), data)
		if err != nil {
			return nil, &RefusedError{err}
		}
		entries[i] = NewIndexEntry(p, metadata)
	}
	return EncodeIndex(entries)
}

// Verify reads all bundles: each file has its digest, each image names files that are there with their
// sizes, and each package holds what its name says. Nothing is refused later that was verified.
func (s Set) Verify(ctx context.Context, done func(n int)) error {
	for _, b := range s {
		if err := b.Verify(ctx, done); err != nil {
			return err
		}
		if err := s.checkImages(b); err != nil {
			return fmt.Errorf("%s: %w", b.Name, err)
		}
		if err := b.checkLayout(s); err != nil {
			return fmt.Errorf("%s: %w", b.Name, err)
		}
	}
	packages, err := s.Packages()
	if err != nil {
		return err
	}
	for _, p := range packages {
		if !s.Has(File{Path: p.Path(), Digest: p.Digest}) {
			continue // of a base that is not here
		}
		if _, _, err := s.PackageOf(p); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// checkLayout holds the files that other tools read against the manifest, so that these see what ksrelease sees.
func (b *Bundle) checkLayout(s Set) error {
	for path, want := range LayoutFiles(b.Manifest) {
		content, ok := b.File(path)
		if !ok {
			return refuse("it has no %s", path)
		}
		if content.Size() != int64(len(want)) {
			return refuse("its %s says other things than its %s", path, ManifestFile)
		}
		data := make([]byte, content.Size())
		if _, err := content.ReadAt(data, 0); err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		if !bytes.Equal(data, want) {
			return refuse("its %s says other things than its %s", path, ManifestFile)
		}
	}
	return nil
}
