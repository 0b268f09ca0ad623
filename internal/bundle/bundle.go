// Package bundle is the file that carries extensions, with their pictures and images, into a
// closed network: how it is written, and how one that strangers may have written is read.
//
// It is a tar archive without compression, since what is in it is compressed already. Its first
// file is bundle.json, which names all that follow, in their order, with digests and sizes: so a
// reader knows what will come before it does anything, and a writer has to know all sizes, which
// manifests of images say, before it fetches the first layer. Unpacked it is an OCI image layout
// (Open Container Initiative, "Image Layout Specification" 1.1,
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md) and a static Helm
// repository at once, so that `skopeo`, `ctr` and any web server can use it without ksrelease.
//
// The same content gives the same bytes: files are sorted, and have no times or owners.
package bundle

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// SchemaVersion is that of the manifests that are written; others are refused.
const SchemaVersion = 1

// The files and folders of a bundle.
const (
	ManifestFile = "bundle.json" // the first file, which names all others
	LayoutFile   = "oci-layout"  // as the image layout has it
	ImagesFile   = "index.json"  // likewise
	IndexFile    = "index.yaml"  // of the Helm repository
	chartsDir    = "charts/"
	picturesDir  = "pictures/"
	blobsDir     = "blobs/sha256/"
)

// Manifest says what a bundle holds.
type Manifest struct {
	SchemaVersion int `json:"schema_version"`
	// Platforms are those that images were narrowed to, sorted; none: all that they have.
	Platforms []string `json:"platforms,omitempty"`
	// Base are the bundles that this one goes on from, by the digests of their manifests.
	Base     []string  `json:"base,omitempty"`
	Packages []Package `json:"packages"` // by name and version
	Pictures []Picture `json:"pictures"` // by address
	Images   []Image   `json:"images"`   // by reference
	// Files are what follows the manifest, in order.
	Files []File `json:"files"`
	// Needs are files that are not here, because Base has them.
	Needs []File `json:"needs,omitempty"`
}

// File is a file of a bundle.
type File struct {
	Path   string `json:"path"`
	Digest string `json:"digest"` // sha256:, and 64 hex digits
	Size   int64  `json:"size"`   // in bytes
}

// Package is the archive of an extension, in charts/NAME-VERSION.tgz.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
	Size    int64  `json:"size"`
	// ContentDigest is that of ksrelease; empty where another tool has packed it.
	ContentDigest string `json:"content_digest,omitempty"`
	// Images are the references that it uses, sorted.
	Images []string `json:"images,omitempty"`
	// Provenance and Signature are what signs it, next to it; the zero value is nothing.
	Provenance Signs `json:"provenance,omitzero"`
	Signature  Signs `json:"signature,omitzero"`
}

// Signs is a file that signs a package.
type Signs struct {
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
}

// Files are that of the package, and those that sign it.
func (p Package) Files() []File {
	all := []File{{p.Path(), p.Digest, p.Size}}
	for ending, signs := range map[string]Signs{extension.ProvenanceEnding: p.Provenance, extension.SignatureEnding: p.Signature} {
		if signs != (Signs{}) {
			all = append(all, File{p.Path() + ending, signs.Digest, signs.Size})
		}
	}
	slices.SortFunc(all, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// Path is where the package is.
func (p Package) Path() string { return chartsDir + p.Filename() }

// Filename is the name of the archive.
func (p Package) Filename() string { return p.Name + "-" + p.Version + ".tgz" }

// Picture is an icon or a screenshot that packages name by its address.
type Picture struct {
	URL       string `json:"url"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
	MediaType string `json:"media_type"`
}

// Path is where the picture is.
func (p Picture) Path() string { return picturesDir + hexOf(p.Digest) }

// Image is an image by its full reference, such as docker.io/library/nginx:1.27.
type Image struct {
	Reference string `json:"reference"`
	Digest    string `json:"digest"` // of its index, or of its manifest
	MediaType string `json:"media_type"`
	Size      int64  `json:"size"` // of that index or manifest, in bytes
}

// BlobPath is where a blob of an image is.
func BlobPath(digest string) string { return blobsDir + hexOf(digest) }

// DigestOf is the digest of some bytes as a bundle has it.
func DigestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// hexOf are the hex digits of a digest.
func hexOf(digest string) string { return strings.TrimPrefix(digest, "sha256:") }

// FileOf is the entry of some bytes.
func FileOf(path string, data []byte) File {
	return File{Path: path, Digest: DigestOf(data), Size: int64(len(data))}
}

// Encode puts the lists in order and gives the manifest as it is written.
func (m *Manifest) Encode() ([]byte, error) {
	m.SchemaVersion = SchemaVersion
	m.Packages, m.Pictures, m.Images, m.Files = notNil(m.Packages), notNil(m.Pictures), notNil(m.Images), notNil(m.Files)
	slices.Sort(m.Platforms)
	slices.SortFunc(m.Packages, func(a, b Package) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	slices.SortFunc(m.Pictures, func(a, b Picture) int { return strings.Compare(a.URL, b.URL) })
	slices.SortFunc(m.Images, func(a, b Image) int { return strings.Compare(a.Reference, b.Reference) })
	slices.SortFunc(m.Files, inOrder)
	slices.SortFunc(m.Needs, inOrder)
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(m); err != nil {
		return nil, fmt.Errorf("making %s: %w", ManifestFile, err)
	}
	return out.Bytes(), nil
}

// notNil has a list without elements written as [] and not as null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// inOrder is the order of files in a bundle: what describes it, packages, pictures, and blobs
// in the end, so that a list of what is there needs but the beginning of the file.
func inOrder(a, b File) int {
	return cmp.Or(rank(a.Path)-rank(b.Path), strings.Compare(a.Path, b.Path))
}

func rank(path string) int {
	return slices.IndexFunc([]string{LayoutFile, ImagesFile, IndexFile, chartsDir, picturesDir, blobsDir}, func(p string) bool { return strings.HasPrefix(path, p) })
}

// Source hands over the content of a file of a bundle that is written. It is called once for each, in
// order. take may be called again where a stream broke off: it wants the file from its beginning then, and
// passes over what it has.
type Source func(ctx context.Context, file File, take func(io.Reader) error) error

// Write writes a bundle and returns the digest of its manifest. What a file has is held against
// its digest and size on the way; an error leaves a part behind, which no reader takes.
func Write(ctx context.Context, to io.Writer, m *Manifest, source Source) (digest string, err error) {
	text, err := m.Encode()
	if err != nil {
		return "", err
	}
	if err := m.Check(); err != nil {
		return "", err
	}
	out := tar.NewWriter(to)
	first := func(_ context.Context, _ File, take func(io.Reader) error) error { return take(bytes.NewReader(text)) }
	if err := writeFile(ctx, out, FileOf(ManifestFile, text), first); err != nil {
		return "", err
	}
	for _, file := range m.Files {
		if err := writeFile(ctx, out, file, source); err != nil {
			return "", fmt.Errorf("%s: %w", file.Path, err)
		}
	}
	if err := out.Close(); err != nil {
		return "", fmt.Errorf("writing the end of the bundle: %w", err)
	}
	return DigestOf(text), nil
}

// writeFile writes a file, and fails if it is not what its entry says.
func writeFile(ctx context.Context, out *tar.Writer, file File, source Source) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: file.Path, Size: file.Size, Mode: 0o644})
	if err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	sum := sha256.New()
	written := int64(0)
	err = source(ctx, file, func(from io.Reader) error {
		if _, err := io.CopyN(io.Discard, from, written); err != nil {
			return fmt.Errorf("passing over what was there before: %w", err)
		}
		buffer := buffers.Get().(*[]byte)
		defer buffers.Put(buffer)
		n, err := io.CopyBuffer(io.MultiWriter(out, sum), onlyReader{from}, *buffer)
		written += n
		return err
	})
	switch {
	case errors.Is(err, tar.ErrWriteTooLong), err == nil && written != file.Size:
		return fmt.Errorf("it has other than %d bytes", file.Size)
	case err != nil:
		return err
	}
	if got := "sha256:" + hex.EncodeToString(sum.Sum(nil)); got != file.Digest {
		return fmt.Errorf("its digest is %s, and not %s", got, file.Digest)
	}
	return nil
}

// onlyReader is a reader without WriteTo, which would go round the buffer.
type onlyReader struct{ io.Reader }
