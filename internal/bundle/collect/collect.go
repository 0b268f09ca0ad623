// Package collect gathers what a bundle is to hold: packages, the pictures that they name, and
// images with all of their manifests. Layers stay where they are until the bundle is written,
// and are streamed into it.
package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Registry is where images come from: a client of internal/registry.
type Registry interface {
	Contents(ctx context.Context, r registry.Reference, platforms []string) (*registry.Contents, error)
	Stream(ctx context.Context, r registry.Reference, blob ocispec.Descriptor, take func(io.Reader) error) error
}

// Options are what a collector works with.
type Options struct {
	Registry Registry
	// Picture downloads an icon or a screenshot.
	Picture func(ctx context.Context, address string) ([]byte, error)
	// Platforms narrow images, as OS/ARCHITECTURE[/VARIANT]; none are all that they have.
	Platforms []string
	// Base are bundles that are on the other side already: what they have is left out.
	Base bundle.Set
	// Spool is a folder for what is collected and does not stay in memory.
	Spool       string
	Parallelism int
}

// Collector collects. Its methods, but Write, are safe for concurrent use.
type Collector struct {
	Options
	mu       sync.Mutex
	manifest bundle.Manifest
	entries  []bundle.IndexEntry
	files    map[string]bundle.File // by path
	source   map[string]origin      // of blobs, by path
	base     base
	missing  []string
}

// origin is where a blob is, and in which repositories it will be on the other side.
type origin struct {
	at           registry.Reference
	blob         ocispec.Descriptor
	repositories []string
}

// base is what the base has: files, and which repositories have which blobs. A blob that another
// repository has is no help: on the other side it is asked for in its own.
type base struct {
	files map[bundle.File]bool
	blobs map[[2]string]bool // repository and digest
}

// New makes a collector. The error is about a base that cannot be read.
func New(options Options) (*Collector, error) {
	c := &Collector{
		Options: options, files: map[string]bundle.File{}, source: map[string]origin{},
		base: base{map[bundle.File]bool{}, map[[2]string]bool{}},
	}
	c.manifest.Platforms = slices.Compact(slices.Sorted(slices.Values(options.Platforms)))
	for _, b := range options.Base {
		c.manifest.Base = append(c.manifest.Base, b.Digest)
		for _, f := range slices.Concat(b.Files, b.Needs) {
			c.base.files[f] = true
		}
		for _, image := range b.Manifest.Images {
			at, err := registry.Parse(image.Reference)
			if err != nil {
				return nil, err
			}
			content, err := bundle.Set{b}.Content(image)
			if err != nil {
				return nil, err
			}
			for _, blob := range content.Blobs {
				c.base.blobs[[2]string{at.Name(), blob.Digest.String()}] = true
			}
		}
	}
	slices.Sort(c.manifest.Base)
	c.manifest.Base = slices.Compact(c.manifest.Base)
	return c, nil
}

// keep puts a file into the spool. Everything there is known by its digest.
func (c *Collector) keep(path string, data []byte) (bundle.File, error) {
	f := bundle.FileOf(path, data)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.files[path]; ok && known != f {
		return f, fmt.Errorf("there are two of %s with other content", path)
	}
	if err := os.WriteFile(c.spooled(f.Digest), data, 0o600); err != nil {
		return f, fmt.Errorf("keeping %s until the bundle is written: %w", path, err)
	}
	c.files[path] = f
	return f, nil
}

func (c *Collector) spooled(digest string) string {
	return filepath.Join(c.Spool, strings.ReplaceAll(digest, ":", "-"))
}

// AddPackage adds the archive of an extension, and its pictures that have addresses. images are the
// references that it uses, for those who look into the bundle; AddImages adds the images.
func (c *Collector) AddPackage(ctx context.Context, filename string, archive []byte, pictures, images []string) error {
	p, metadata, err := bundle.Inspect(filename, archive)
	if err != nil {
		return err
	}
	for _, address := range pictures {
		if err := c.addPicture(ctx, address); err != nil {
			// Without its icon an extension can be installed all the same.
			c.mu.Lock()
			c.missing = append(c.missing, fmt.Sprintf("a picture of %s %s is not in the bundle: %v", p.Name, p.Version, err))
			c.mu.Unlock()
		}
	}
	for _, image := range images {
		at, err := registry.Parse(image)
		if err != nil {
			return fmt.Errorf("%s %s: %w", p.Name, p.Version, err)
		}
		p.Images = append(p.Images, at.String())
	}
	slices.Sort(p.Images)
	p.Images = slices.Compact(p.Images)
	if _, err := c.keep(p.Path(), archive); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.ContainsFunc(c.manifest.Packages, func(q bundle.Package) bool { return q.Path() == p.Path() }) {
		c.manifest.Packages = append(c.manifest.Packages, p)
		c.entries = append(c.entries, bundle.NewIndexEntry(p, metadata))
	}
	return nil
}

// AddSignatures adds what signs a package that was added; nil is nothing.
func (c *Collector) AddSignatures(name, version string, provenance, signature []byte) error {
	c.mu.Lock()
	at := slices.IndexFunc(c.manifest.Packages, func(p bundle.Package) bool { return p.Name == name && p.Version == version })
	var p bundle.Package
	if at >= 0 {
		p = c.manifest.Packages[at]
	}
	c.mu.Unlock()
	if at < 0 {
		return fmt.Errorf("the bundle has no package %s %s to sign", name, version)
	}
	for _, signs := range []struct {
		ending string
		data   []byte
		to     *bundle.Signs
	}{{extension.ProvenanceEnding, provenance, &p.Provenance}, {extension.SignatureEnding, signature, &p.Signature}} {
		if signs.data == nil {
			continue
		}
		f, err := c.keep(p.Path()+signs.ending, signs.data)
		if err != nil {
			return err
		}
		*signs.to = bundle.Signs{Digest: f.Digest, Size: f.Size}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at = slices.IndexFunc(c.manifest.Packages, func(q bundle.Package) bool { return q.Path() == p.Path() })
	c.manifest.Packages[at] = p
	return nil
}

func (c *Collector) addPicture(ctx context.Context, address string) error {
	data, err := c.Picture(ctx, address)
	if err != nil {
		return err
	}
	p := bundle.Picture{URL: address, Digest: bundle.DigestOf(data), Size: int64(len(data)), MediaType: pictureType(data)}
	if _, err := c.keep(p.Path(), data); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.ContainsFunc(c.manifest.Pictures, func(q bundle.Picture) bool { return q.URL == address }) {
		c.manifest.Pictures = append(c.manifest.Pictures, p)
	}
	return nil
}

// pictureType is the media type of a picture. net/http knows all that browsers show but SVG.
func pictureType(data []byte) string {
	if kind := http.DetectContentType(data); strings.HasPrefix(kind, "image/") {
		return kind
	}
	return "image/svg+xml"
}

// AddImages adds images by their references, as they are written; each is looked up once.
func (c *Collector) AddImages(ctx context.Context, references []string) error {
	var all []registry.Reference
	for _, text := range references {
		at, err := registry.Parse(text)
		if err != nil {
			return err
		}
		if !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, c.Parallelism))
	for _, at := range all {
		group.Go(func() error { return c.addImage(ctx, at) })
	}
	return group.Wait()
}

func (c *Collector) addImage(ctx context.Context, at registry.Reference) error {
	platforms := c.Platforms
	if at.Digest != "" {
		platforms = nil // an index of some of its platforms would have another digest
	}
	contents, err := c.Registry.Contents(ctx, at, platforms)
	if err != nil {
		return err
	}
	for _, m := range contents.Manifests {
		if _, err := c.keep(bundle.BlobPath(m.Digest.String()), m.Data); err != nil {
			return err
		}
	}
	root := contents.Root()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, platform := range contents.Missing {
		c.missing = append(c.missing, fmt.Sprintf("%s is not there for %s", at, platform))
	}
	for _, blob := range contents.Blobs {
		f := bundle.File{Path: bundle.BlobPath(blob.Digest.String()), Digest: blob.Digest.String(), Size: blob.Size}
		if known, ok := c.files[f.Path]; ok && known != f {
			return fmt.Errorf("%s: two manifests say different things of the size of %s", at, f.Digest)
		}
		c.files[f.Path] = f
		from := c.source[f.Path]
		if from.blob.Digest == "" {
			from.at, from.blob = contents.At, blob
		}
		from.repositories = append(from.repositories, at.Name())
		c.source[f.Path] = from
	}
	c.manifest.Images = append(c.manifest.Images, bundle.Image{Reference: at.String(), Digest: root.Digest.String(), MediaType: root.MediaType, Size: root.Size})
	return nil
}

// Missing says, in sentences, what was asked for and is not there: images for some of the platforms, and pictures.
func (c *Collector) Missing() []string { return slices.Sorted(slices.Values(c.missing)) }

// Summary says what a bundle has.
type Summary struct {
	// Digest is what the bundle is known by, in the base of another one; it is known once it is written.
	Digest                     string
	Packages, Pictures, Images int
	Files                      int
	Bytes                      int64 // of these files
	// InBase are the bytes that were left out, because the base has them.
	InBase int64
}

// Plan says what the bundle will have, before anything of it is written.
func (c *Collector) Plan() (*bundle.Manifest, Summary, error) {
	m := c.manifest
	sum := Summary{Packages: len(m.Packages), Pictures: len(m.Pictures), Images: len(m.Images)}
	if err := c.describe(&m); err != nil {
		return nil, sum, err
	}
	for path, f := range c.files {
		if c.inBase(path, f) {
			m.Needs = append(m.Needs, f)
			sum.InBase += f.Size
			continue
		}
		m.Files = append(m.Files, f)
		sum.Files++
		sum.Bytes += f.Size
	}
	return &m, sum, nil
}

// inBase says that a file is left out. Manifests of images never are: they are small, and nobody knows without them
// what an image is made of. What describes the bundle is another one each time.
func (c *Collector) inBase(path string, f bundle.File) bool {
	if from, isBlob := c.source[path]; isBlob {
		return c.base.files[f] && !slices.ContainsFunc(from.repositories, func(r string) bool { return !c.base.blobs[[2]string{r, f.Digest}] })
	}
	return c.base.files[f] && (strings.HasPrefix(path, "charts/") || strings.HasPrefix(path, "pictures/"))
}

// describe adds the files by which other tools read a bundle.
func (c *Collector) describe(m *bundle.Manifest) error {
	if _, err := m.Encode(); err != nil { // puts packages and images in order
		return err
	}
	slices.SortFunc(c.entries, func(a, b bundle.IndexEntry) int { return strings.Compare(a.URLs[0], b.URLs[0]) })
	index, err := bundle.EncodeIndex(c.entries)
	if err != nil {
		return err
	}
	files := bundle.LayoutFiles(m)
	files[bundle.IndexFile] = index
	for path, data := range files {
		delete(c.files, path)
		if _, err := c.keep(path, data); err != nil {
			return err
		}
	}
	return nil
}

// Write writes the bundle. done is called with the number of bytes of each piece that was written.
func (c *Collector) Write(ctx context.Context, to io.Writer, done func(n int)) (Summary, error) {
	m, sum, err := c.Plan()
	if err != nil {
		return sum, err
	}
	out := &counting{to: to, done: done}
	sum.Digest, err = bundle.Write(ctx, out, m, func(ctx context.Context, f bundle.File, take func(io.Reader) error) error {
		return c.hand(ctx, f, func(from io.Reader) error {
			err := take(from)
			if out.failed != nil {
				return transport.Permanent(out.failed) // a full disk is no reason to fetch a layer again
			}
			return err
		})
	})
	return sum, err
}

// hand hands a file over: from the spool, or from its registry.
func (c *Collector) hand(ctx context.Context, f bundle.File, take func(io.Reader) error) error {
	file, err := os.Open(c.spooled(f.Digest))
	if err == nil {
		return errors.Join(take(file), file.Close())
	}
	from, ok := c.source[f.Path]
	if !ok || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return c.Registry.Stream(ctx, from.at, from.blob, take)
}

// counting counts what was written, and keeps the error of the writer.
type counting struct {
	to     io.Writer
	done   func(int)
	failed error
}

func (w *counting) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if w.done != nil {
		w.done(n)
	}
	if err != nil {
		w.failed = err
	}
	return n, err
}
