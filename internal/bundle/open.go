package bundle

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Bundle is a bundle that is open for reading. It is safe for concurrent use.
type Bundle struct {
	*Manifest
	// Name is the file as the user calls it.
	Name string `json:"file"`
	// Digest is that of the manifest: what a bundle is known by.
	Digest string `json:"digest"`

	file *os.File
	at   map[string]place // by path
}

// place is where a file is in the archive.
type place struct {
	File
	offset int64
}

// Open opens a bundle, and refuses one whose archive is not what its manifest says: other files,
// sizes or orders, links, folders, or anything behind the end. What is in the files is not read; Verify does
// that. The error is a *RefusedError where the file is no bundle that can be used.
func Open(path string) (*Bundle, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := OpenFile(path, file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return b, nil
}

// OpenFile is like Open for a file that is open. Closing the bundle closes it.
func OpenFile(name string, file *os.File) (*Bundle, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, refuse("%s is no regular file", name)
	}
	b := &Bundle{Name: name, file: file, at: map[string]place{}}
	if err := b.read(info.Size()); err != nil {
		var refused *RefusedError
		if errors.As(err, &refused) {
			return nil, &RefusedError{fmt.Errorf("%s is refused: %w", name, refused.err)}
		}
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return b, nil
}

// read goes through the headers of the archive. The reader of the standard library passes over the content of files
// by seeking, so that this costs a read for each file, however large they are.
func (b *Bundle) read(size int64) error {
	at := io.NewSectionReader(b.file, 0, size)
	archive := tar.NewReader(at)
	first, err := next(archive)
	if err != nil {
		return err
	}
	if first.Name != ManifestFile || first.Size > mostManifest {
		return refuse("it begins with %q and not with %s: it is no bundle", first.Name, ManifestFile)
	}
	text := make([]byte, first.Size)
	if _, err := io.ReadFull(archive, text); err != nil {
		return refuse("it is cut off in %s: %w", ManifestFile, err)
	}
	if b.Manifest, err = parseManifest(text); err != nil {
		return err
	}
	b.Digest = DigestOf(text)
	for _, file := range b.Files {
		header, err := next(archive)
		if err != nil {
			return err
		}
		if header.Name != file.Path || header.Size != file.Size {
			return refuse("its archive has %q with %d bytes where its %s says %s with %d", header.Name, header.Size, ManifestFile, file.Path, file.Size)
		}
		offset, err := at.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if offset+file.Size > size {
			return refuse("it is cut off in %s", file.Path)
		}
		b.at[file.Path] = place{file, offset}
	}
	if header, err := archive.Next(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = fmt.Errorf("the file %q", header.Name)
		}
		return refuse("its archive goes on behind what its %s names: %w", ManifestFile, err)
	}
	if end, err := at.Seek(0, io.SeekCurrent); err != nil || end != size {
		return refuse("it goes on for %d bytes behind the end of its archive", size-end)
	}
	return nil
}

// next is the next file of an archive, which has to be a plain one.
func next(archive *tar.Reader) (*tar.Header, error) {
	header, err := archive.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, refuse("it is cut off, or no bundle: its archive ends too early")
	case errors.Is(err, tar.ErrHeader), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, refuse("it is damaged, or no bundle: %w", err)
	case err != nil:
		return nil, err
	case header.Typeflag != tar.TypeReg:
		return nil, refuse("its archive has %q, which is no plain file", header.Name)
	}
	for key := range header.PAXRecords {
		if key != "path" && key != "size" { // a sparse file, for one, has fewer bytes than it says
			return nil, refuse("its archive has %q with the attribute %q, which no bundle has", header.Name, key)
		}
	}
	return header, nil
}

// Close closes the file.
func (b *Bundle) Close() error { return b.file.Close() }

// File opens a file of the bundle; ok is false where it has none of that path.
func (b *Bundle) File(path string) (content *io.SectionReader, ok bool) {
	p, ok := b.at[path]
	if !ok {
		return nil, false
	}
	return io.NewSectionReader(b.file, p.offset, p.Size), true
}

// Verify reads all files and holds them against their digests. done is called with the number of
// bytes that were read, by several goroutines; it may be nil. The error names the first file that
// is not what it should be.
func (b *Bundle) Verify(ctx context.Context, done func(n int)) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, file := range b.Files {
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			content, _ := b.File(file.Path)
			return verify(inner, b.Name, file, content, done)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

func verify(ctx context.Context, name string, file File, from io.Reader, done func(int)) error {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	sum := sha256.New()
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := from.Read(*buffer)
		sum.Write((*buffer)[:n])
		if done != nil {
			done(n)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading %s in %s: %w", file.Path, name, err)
		}
	}
	if got := "sha256:" + hex.EncodeToString(sum.Sum(nil)); got != file.Digest {
		return refuse("%s is damaged: %s has the digest %s and should have %s", name, file.Path, got, file.Digest)
	}
	return nil
}

// Set is what several bundles hold together: a base, and what goes on from it.
type Set []*Bundle

// OpenAll opens bundles, in the order in which they are named.
func OpenAll(paths []string) (Set, error) {
	var set Set
	for _, path := range paths {
		b, err := Open(path)
		if err != nil {
			return nil, errors.Join(err, set.Close())
		}
		set = append(set, b)
	}
	return set, nil
}

// Close closes all of them.
func (s Set) Close() error {
	var err error
	for _, b := range s {
		err = errors.Join(err, b.Close())
	}
	return err
}

// Has says that one of the bundles has a file with this content.
func (s Set) Has(f File) bool { _, ok := s.Open(f); return ok }

// Open opens a file of any of the bundles.
func (s Set) Open(f File) (content *io.SectionReader, ok bool) {
	for _, b := range s {
		if p := b.at[f.Path]; p.Digest == f.Digest && p.Digest != "" {
			return b.File(f.Path)
		}
	}
	return nil, false
}

// Blob opens a blob of an image.
func (s Set) Blob(digest string) (content *io.SectionReader, ok bool) {
	return s.Open(File{Path: BlobPath(digest), Digest: digest})
}

// Read reads a file that fits into memory, and holds it against its digest.
func (s Set) Read(f File) ([]byte, error) {
	content, ok := s.Open(f)
	if !ok {
		return nil, refuse("%s is in none of the bundles", f.Path)
	}
	data, err := io.ReadAll(content)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.Path, err)
	}
	if DigestOf(data) != f.Digest {
		return nil, refuse("%s is damaged: it has the digest %s and should have %s", f.Path, DigestOf(data), f.Digest)
	}
	return data, nil
}

// Missing are the files that a bundle needs of its base, and that none of the bundles has.
func (s Set) Missing() (missing []File) {
	for _, b := range s {
		for _, f := range b.Needs {
			if !s.Has(f) && !slices.Contains(missing, f) {
				missing = append(missing, f)
			}
		}
	}
	return missing
}

// Packages are those of all bundles, each once. The error is about two of one version that differ.
func (s Set) Packages() ([]Package, error) {
	var all []Package
	for _, b := range s {
		for _, p := range b.Manifest.Packages {
			at := slices.IndexFunc(all, func(q Package) bool { return q.Name == p.Name && q.Version == p.Version })
			switch {
			case at < 0:
				all = append(all, p)
			case all[at].Digest != p.Digest:
				return nil, refuse("%s has %s %s with other content than the bundle before it", b.Name, p.Name, p.Version)
			default:
				all[at] = p
			}
		}
	}
	return all, nil
}

// Images are those of all bundles, each reference once: where a tag was moved, the bundle that
// was named last has it right.
func (s Set) Images() (all []Image) {
	for _, b := range s {
		for _, i := range b.Manifest.Images {
			if at := slices.IndexFunc(all, func(q Image) bool { return q.Reference == i.Reference }); at >= 0 {
				all[at] = i
			} else {
				all = append(all, i)
			}
		}
	}
	return all
}

// Pictures are those of all bundles, each address once.
func (s Set) Pictures() (all []Picture) {
	for _, b := range s {
		for _, p := range b.Manifest.Pictures {
			if at := slices.IndexFunc(all, func(q Picture) bool { return q.URL == p.URL }); at >= 0 {
				all[at] = p
			} else {
				all = append(all, p)
			}
		}
	}
	return all
}
