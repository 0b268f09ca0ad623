package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/distribution/reference"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// What a bundle may be made of; what is beyond is refused before anything is read into memory.
const (
	mostManifest = 64 << 20 // bytes of bundle.json, index.json and index.yaml
	mostFiles    = 200_000
	mostPackage  = 64 << 20 // bytes
	mostSigns    = 4 << 20  // of what signs a package
	mostPicture  = 32 << 20
	// MostImageManifest is what registries take at most for a manifest, and so what is read
	// into memory of one, in bytes.
	MostImageManifest = 4 << 20
	mostTotal         = 1 << 50
)

// A RefusedError is why a bundle is not used at all.
type RefusedError struct{ err error }

func (e *RefusedError) Error() string { return e.err.Error() }

func (e *RefusedError) Unwrap() error { return e.err }

// Hint is what can be done about it.
func (e *RefusedError) Hint() string {
	var inner interface{ Hint() string }
	if errors.As(e.err, &inner) {
		return inner.Hint()
	}
	return "get the file again from where it was made, and compare its checksum"
}

func refuse(format string, args ...any) error { return &RefusedError{fmt.Errorf(format, args...)} }

// parseManifest reads a manifest that a stranger may have written.
func parseManifest(text []byte) (*Manifest, error) {
	var version struct {
		SchemaVersion int `json:"schema_version"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, refuse("its %s cannot be read: %w", ManifestFile, err)
	}
	if version.SchemaVersion != SchemaVersion {
		return nil, &RefusedError{failure.WithHint(fmt.Errorf("its %s has schema_version %d, and this ksrelease reads %d", ManifestFile, version.SchemaVersion, SchemaVersion), "use the ksrelease that made the bundle, or a newer one")}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	m := &Manifest{}
	if err := decoder.Decode(m); err != nil {
		return nil, refuse("its %s cannot be read: %w", ManifestFile, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse("its %s goes on behind its end", ManifestFile)
	}
	return m, m.Check()
}

var (
	digestForm = lazyregexp.New(`^sha256:[0-9a-f]{64}$`)
	pathForm   = lazyregexp.New(`^(oci-layout|index\.json|index\.yaml|charts/[A-Za-z0-9][A-Za-z0-9._+-]{0,250}\.tgz(\.prov|\.sig)?|(pictures|blobs/sha256)/[0-9a-f]{64})$`)
	mediaForm  = lazyregexp.New(`^[a-z]+/[A-Za-z0-9.+-]{1,120}$`)
	platform   = lazyregexp.New(`^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?$`)
)

// Check says what is wrong with a manifest: paths that lead elsewhere, digests and sizes that
// cannot be, and what is named and neither here nor in a base.
func (m *Manifest) Check() error {
	if len(m.Files)+len(m.Needs) > mostFiles {
		return refuse("it has more than %d files", mostFiles)
	}
	known := make(map[string]File, len(m.Files)+len(m.Needs))
	var total int64
	for _, list := range [][]File{m.Files, m.Needs} {
		for i, f := range list {
			if err := f.check(); err != nil {
				return err
			}
			if _, twice := known[f.Path]; twice {
				return refuse("it names the file %s twice", f.Path)
			}
			if i > 0 && inOrder(list[i-1], f) > 0 {
				return refuse("its files are not in order: %s", f.Path)
			}
			known[f.Path] = f
			if total += f.Size; total > mostTotal {
				return refuse("its files would have more than %d bytes", int64(mostTotal))
			}
		}
	}
	for _, digest := range m.Base {
		if !digestForm.MatchString(digest) {
			return refuse("its base %q is no digest", digest)
		}
	}
	if len(m.Needs) > 0 && len(m.Base) == 0 {
		return refuse("it needs files of a base, and names none")
	}
	for _, p := range m.Platforms {
		if !platform.MatchString(p) {
			return refuse("%q is no platform", p)
		}
	}
	return m.checkLists(known)
}

func (f File) check() error {
	if !pathForm.MatchString(f.Path) {
		return refuse("it names the file %q, which no bundle has", f.Path)
	}
	if !digestForm.MatchString(f.Digest) {
		return refuse("%s: %q is no digest", f.Path, f.Digest)
	}
	most := int64(mostTotal)
	switch {
	case strings.HasPrefix(f.Path, chartsDir) && !strings.HasSuffix(f.Path, ".tgz"):
		most = mostSigns
	case strings.HasPrefix(f.Path, chartsDir):
		most = mostPackage
	case strings.HasPrefix(f.Path, picturesDir):
		most = mostPicture
	case !strings.HasPrefix(f.Path, blobsDir):
		most = mostManifest
	}
	if f.Size < 0 || f.Size > most {
		return refuse("%s has %d bytes, and may have %d", f.Path, f.Size, most)
	}
	if name, ok := strings.CutPrefix(f.Path, blobsDir); ok && name != hexOf(f.Digest) {
		return refuse("%s has the digest of another file: %s", f.Path, f.Digest)
	}
	return nil
}

// checkLists holds packages, pictures and images against the files.
func (m *Manifest) checkLists(known map[string]File) error {
	named := map[string]bool{}
	is := func(what string, f File) error {
		if got, ok := known[f.Path]; !ok || got != f {
			return refuse("%s is not among its files with this digest and size: %s", what, f.Path)
		}
		named[f.Path] = true
		return nil
	}
	seen := map[string]bool{}
	once := func(what string) error {
		if seen[what] {
			return refuse("it has %s twice", what)
		}
		seen[what] = true
		return nil
	}
	for _, p := range m.Packages {
		if err := naming.ValidName(p.Name); err != nil {
			return refuse("it has a package with the name %q: %w", p.Name, err)
		}
		if message, _ := naming.VersionProblem(p.Version); message != "" {
			return refuse("it has a package %s of version %q: %s", p.Name, p.Version, message)
		}
		if err := once("the package " + p.Name + " " + p.Version); err != nil {
			return err
		}
		for _, f := range p.Files() {
			if err := is("the package "+p.Name+" "+p.Version, f); err != nil {
				return err
			}
		}
	}
	for _, p := range m.Pictures {
		if u, err := url.Parse(p.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return refuse("it has a picture of the address %q", p.URL)
		}
		if !strings.HasPrefix(p.MediaType, "image/") || !mediaForm.MatchString(p.MediaType) {
			return refuse("it has a picture of the type %q", p.MediaType)
		}
		if err := errors.Join(once("the picture "+p.URL), is("the picture "+p.URL, File{p.Path(), p.Digest, p.Size})); err != nil {
			return err
		}
	}
	for _, i := range m.Images {
		if err := i.check(); err != nil {
			return err
		}
		if err := errors.Join(once("the image "+i.Reference), is("the image "+i.Reference, File{BlobPath(i.Digest), i.Digest, i.Size})); err != nil {
			return err
		}
	}
	for path := range known {
		if !named[path] && (strings.HasPrefix(path, chartsDir) || strings.HasPrefix(path, picturesDir)) {
			return refuse("it has the file %s, which belongs to nothing", path)
		}
	}
	return nil
}

func (i Image) check() error {
	ref, err := reference.ParseNormalizedNamed(i.Reference)
	if err != nil || ref.String() != i.Reference || reference.IsNameOnly(ref) {
		return refuse("it has an image with the reference %q, which is no full one", i.Reference)
	}
	if !mediaForm.MatchString(i.MediaType) {
		return refuse("the image %s has the type %q", i.Reference, i.MediaType)
	}
	if i.Size > MostImageManifest {
		return refuse("the manifest of the image %s has %d bytes, and may have %d", i.Reference, i.Size, MostImageManifest)
	}
	return nil
}
