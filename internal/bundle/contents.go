package bundle

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Content is what an image is made of.
type Content struct {
	// Manifests are its index and manifests, the inner ones before those that name them, as a
	// registry wants them.
	Manifests []ocispec.Descriptor
	// Blobs are configurations and layers, each once.
	Blobs []ocispec.Descriptor
}

// References are what a manifest or an index names.
type References struct {
	Manifests []ocispec.Descriptor // of an index
	Blobs     []ocispec.Descriptor // of a manifest: its configuration and layers
}

// ReferencesOf reads a manifest or an index of an image, of Docker or OCI. Layers that may not be
// passed on (those of Windows: they have addresses of their own) are left out.
func ReferencesOf(text []byte) (References, error) {
	var read struct {
		MediaType     string               `json:"mediaType"`
		SchemaVersion int                  `json:"schemaVersion"`
		Manifests     []ocispec.Descriptor `json:"manifests"`
		Config        *ocispec.Descriptor  `json:"config"`
		Layers        []ocispec.Descriptor `json:"layers"`
		Blobs         []ocispec.Descriptor `json:"blobs"` // of an artifact manifest
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return References{}, fmt.Errorf("it cannot be read: %w", err)
	}
	if read.SchemaVersion == 1 {
		return References{}, fmt.Errorf("it is of Docker's schema 1, which is no longer in use: push the image anew with a present tool")
	}
	refs := References{Manifests: read.Manifests, Blobs: slices.Concat(read.Layers, read.Blobs)}
	if read.Config != nil {
		refs.Blobs = append([]ocispec.Descriptor{*read.Config}, refs.Blobs...)
	}
	refs.Blobs = slices.DeleteFunc(refs.Blobs, isForeign)
	if len(refs.Manifests) > 0 && len(refs.Blobs) > 0 {
		return References{}, fmt.Errorf("it is an index and a manifest at once")
	}
	for _, d := range slices.Concat(refs.Manifests, refs.Blobs) {
		if !digestForm.MatchString(d.Digest.String()) || d.Size < 0 || d.Size > mostTotal {
			return References{}, fmt.Errorf("it names %q with %d bytes", d.Digest, d.Size)
		}
	}
	return refs, nil
}

// isForeign says that a layer may not be passed on.
func isForeign(d ocispec.Descriptor) bool {
	return len(d.URLs) > 0 || strings.Contains(d.MediaType, ".foreign.") || strings.Contains(d.MediaType, ".nondistributable.")
}

// depth bounds how many indexes may be within each other.
const depth = 4

// Content walks through an image. All of its manifests have to be in the bundles; blobs need not
// be there, and whoever uses them asks Blob.
func (s Set) Content(image Image) (Content, error) {
	walk := walk{set: s, seen: map[string]bool{}}
	root := ocispec.Descriptor{MediaType: image.MediaType, Digest: digest.Digest(image.Digest), Size: image.Size}
	if err := walk.manifest(root, 0); err != nil {
		return Content{}, fmt.Errorf("the image %s: %w", image.Reference, err)
	}
	return walk.Content, nil
}

type walk struct {
	Content
	set  Set
	seen map[string]bool
}

func (w *walk) manifest(d ocispec.Descriptor, level int) error {
	name := d.Digest.String()
	if w.seen[name] {
		return nil
	}
	w.seen[name] = true
	if level > depth || len(w.seen) > mostFiles {
		return refuse("its indexes are within each other too deep")
	}
	if d.Size > MostImageManifest {
		return refuse("its manifest %s has %d bytes, and may have %d", name, d.Size, MostImageManifest)
	}
	text, err := w.set.Read(File{Path: BlobPath(name), Digest: name})
	if err != nil {
		return err
	}
	if int64(len(text)) != d.Size {
		return refuse("its manifest %s has %d bytes, and not %d", name, len(text), d.Size)
	}
	refs, err := ReferencesOf(text)
	if err != nil {
		return refuse("its manifest %s: %w", name, err)
	}
	for _, inner := range refs.Manifests {
		if err := w.manifest(inner, level+1); err != nil {
			return err
		}
	}
	for _, blob := range refs.Blobs {
		if !w.seen[blob.Digest.String()] {
			w.seen[blob.Digest.String()] = true
			w.Blobs = append(w.Blobs, blob)
		}
	}
	w.Manifests = append(w.Manifests, d)
	return nil
}

// checkImages holds what the manifests of images name against the files: each blob has to be here, or in a base, with
// the size that it should have.
func (s Set) checkImages(b *Bundle) error {
	known := map[string]int64{}
	for _, f := range slices.Concat(b.Files, b.Needs) {
		known[f.Path] = f.Size
	}
	for _, image := range b.Manifest.Images {
		content, err := s.Content(image)
		if err != nil {
			return err
		}
		for _, blob := range content.Blobs {
			if size, ok := known[BlobPath(blob.Digest.String())]; !ok || size != blob.Size {
				return refuse("the image %s has the blob %s with %d bytes, which is not among the files", image.Reference, blob.Digest, blob.Size)
			}
		}
	}
	return nil
}
