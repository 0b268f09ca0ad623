package extension

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/extension/tarball"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/yamledit"
)

// URLs are the addresses of uploaded assets by Asset.File.
type URLs map[string]string

// Package is an extension as it is sent: a gzipped tar.
type Package struct {
	Name, Version string
	// Filename is NAME-VERSION.tgz.
	Filename string
	Data     []byte
	// Digest is the SHA-256 of Data, "sha256:" and 64 hex digits; index.yaml of a
	// Helm repository has the digits alone.
	Digest string
	// Size is that of Data in bytes.
	Size int64
	// ContentDigest is that of the extension.
	ContentDigest string
	// Hard says that it was packed as small as can be, since it is near the limit.
	Hard bool
	// Provenance is the provenance file of the package (NAME-VERSION.tgz.prov of Helm), and
	// Signature what is published as NAME-VERSION.tgz.sig, in base64; nil where nobody signed
	// it (internal/signing). Targets publish what they have a place for.
	Provenance, Signature []byte
}

// The endings of the files that sign a package, after its name.
const (
	ProvenanceEnding = ".prov"
	SignatureEnding  = ".sig"
)

// Pack makes the package of the extension. The same extension and addresses
// give the same bytes on any machine.
//
// With nil urls it is the local form, as of `ksbuilder package`: extension.yaml
// as it is, the icon embedded into Chart.yaml. Otherwise it is the pushed form,
// as of `ksbuilder push`: in extension.yaml each reference to an asset is
// replaced by its address (which has to be in urls), Chart.yaml names the icon's
// address, and staticFileDirectory is left out.
func (e *Extension) Pack(urls URLs) (*Package, error) { return e.PackWithin(urls, 0) }

// PackWithin is Pack for a package that may have so many bytes; 0 is no limit. One that comes near
// it is packed as small as can be (Package.Hard).
func (e *Extension) PackWithin(urls URLs, limit int64) (*Package, error) {
	packages, err := pack(e, urls, func(name string, files []File) ([]tarball.Archive, error) {
		packed, err := tarball.Make(name, files, limit)
		return []tarball.Archive{packed}, err
	})
	if err != nil {
		return nil, err
	}
	return packages[0], nil
}

// Forms are the packages that the extension gives with these addresses, in the ways in which this
// ksrelease and earlier ones pack, with whatever limit. Their files are the same.
func (e *Extension) Forms(urls URLs) ([]*Package, error) { return pack(e, urls, tarball.Forms) }

// pack makes packages of the same files.
func pack(e *Extension, urls URLs, forms func(name string, files []File) ([]tarball.Archive, error)) ([]*Package, error) {
	var archives []tarball.Archive
	err := e.packable()
	if err == nil {
		var files []File
		if files, err = e.packedFiles(urls); err == nil {
			archives, err = forms(e.Metadata.Name, files)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", e.display, err)
	}
	packages := make([]*Package, len(archives))
	for i, a := range archives {
		packages[i] = Packed(e.Metadata.Name, e.Metadata.Version, a.Data, e.ContentDigest())
		packages[i].Hard = a.Hardness == tarball.Hard
	}
	return packages, nil
}

// Packed is the package of a version whose bytes are known, with the digest of its content.
func Packed(name, version string, data []byte, contentDigest string) *Package {
	sum := sha256.Sum256(data)
	return &Package{
		Name: name, Version: version, Filename: name + "-" + version + ".tgz",
		Data: data, Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(data)),
		ContentDigest: contentDigest,
	}
}

// packable refuses what would give a package with an unusable file name, or one
// whose folder lies elsewhere.
func (e *Extension) packable() error {
	if err := naming.ValidName(e.Metadata.Name); err != nil {
		return e.Document.Problem(err.Error(), "", "name").In(e.display)
	}
	if e.Metadata.Version == "" {
		if written, _, ok := e.Document.Raw("version"); ok && written != "" {
			return e.Document.Problem(fmt.Sprintf("the version %s is not text", written), fmt.Sprintf("put it in quotes: %q", nearestOr(written)), "version").In(e.display)
		}
	}
	if message, hint := naming.VersionProblem(e.Metadata.Version); message != "" {
		return e.Document.Problem(message, hint, "version").In(e.display)
	}
	return nil
}

// nearestOr is the version that was meant, or the text itself where that is not known.
func nearestOr(written string) string {
	if near, ok := naming.NearestVersion(written); ok {
		return near
	}
	return written
}

// packedFiles are the files of a package, sorted by name, Chart.yaml included.
func (e *Extension) packedFiles(urls URLs) ([]File, error) {
	chartYAML, metadata, err := e.derivedFiles(urls)
	if err != nil {
		return nil, err
	}
	files := make([]File, 0, len(e.Files)+1)
	for _, f := range e.Files {
		switch {
		case f.Name == MetadataFile:
			files = append(files, File{Name: f.Name, Data: metadata})
		case urls != nil && e.isStatic(f.Name):
		default:
			files = append(files, f)
		}
	}
	at, _ := slices.BinarySearchFunc(files, ChartFile, func(f File, name string) int { return strings.Compare(f.Name, name) })
	return slices.Insert(files, at, File{Name: ChartFile, Data: chartYAML}), nil
}

// derivedFiles gives the content of Chart.yaml and of extension.yaml.
func (e *Extension) derivedFiles(urls URLs) (chartYAML, metadata []byte, err error) {
	if urls == nil {
		local := e.local()
		return local.full, e.Document.Source(), local.err
	}
	e.pushed.mu.Lock()
	defer e.pushed.mu.Unlock()
	if e.pushed.urls != nil && maps.Equal(e.pushed.urls, urls) {
		return e.pushed.chartYAML, e.pushed.metadata, nil
	}
	for _, a := range e.Assets {
		if urls[a.File] == "" {
			return nil, nil, fmt.Errorf("there is no address for %s: it has to be uploaded first", a.File)
		}
	}
	icon := e.Metadata.Icon
	if asset := e.iconAsset(); asset != nil {
		icon = urls[asset.File]
	}
	if chartYAML, err = e.chartYAML(icon); err != nil {
		return nil, nil, err
	}
	metadata = e.Document.Source()
	if edits := e.assetEdits(func(a Asset) string { return urls[a.File] }); len(edits) > 0 {
		metadata, err = yamledit.Rewrite(e.Document, edits)
		var problem diagnostic.Diagnostic
		if errors.As(err, &problem) {
			err = problem.In(e.display)
		}
	}
	if err == nil {
		e.pushed.urls, e.pushed.chartYAML, e.pushed.metadata = maps.Clone(urls), chartYAML, metadata
	}
	return chartYAML, metadata, err
}

// pushedForm is what the pushed form with some addresses has of Chart.yaml and extension.yaml: a dry run packs an
// extension, and then looks at the files that it packed.
type pushedForm struct {
	mu                  sync.Mutex
	urls                URLs
	chartYAML, metadata []byte
}

// iconAsset is the asset that is the icon; nil where the icon is no file.
func (e *Extension) iconAsset() *Asset {
	for i, a := range e.Assets {
		for _, pointer := range a.Pointers {
			if pointer[0] == "icon" {
				return &e.Assets[i]
			}
		}
	}
	return nil
}

// LeavesOut reports whether the pushed package lacks a file of the extension, or
// all of a folder, because it lies in staticFileDirectory.
func (e *Extension) LeavesOut(name string) bool { return e.isStatic(name) }

// isStatic reports whether a file lies in the directory that is left out of the
// pushed package.
func (e *Extension) isStatic(name string) bool {
	dir, ok := e.staticDirectory()
	return ok && name != MetadataFile && (name == dir || strings.HasPrefix(name, dir+"/"))
}

// staticDirectory is Metadata.StaticFileDirectory as a clean path. ok is false
// where there is none, or where it cannot be left out: it is not one below the
// extension (ksbuilder would delete all of the package then, or more), or the chart
// is in it.
func (e *Extension) staticDirectory() (dir string, ok bool) {
	if e.Metadata.StaticFileDirectory == "" {
		return "", false
	}
	dir, ok = LocalFile(e.Metadata.StaticFileDirectory)
	return dir, ok && dir != "." && !isLoadedFolder(dir)
}

// isLoadedFolder reports whether a folder is one from which Helm loads a chart, or in
// such a one.
func isLoadedFolder(dir string) bool {
	top, _, _ := strings.Cut(dir, "/")
	return top == "templates" || top == "charts" || top == "crds"
}

// Chart loads the extension with Helm's loader, from the very bytes that Pack
// puts into the package; the icon is that of the local form, and what the pushed
// form lacks (staticFileDirectory) is not there. Each call gives a chart of its own,
// which the caller may change (as chartutil.ProcessDependencies does), except for
// the bytes of its templates and files: those belong to the extension.
//
// Archives within the extension (charts/*.tgz) are held to the limits of
// Options before Helm unpacks them.
func (e *Extension) Chart() (*chart.Chart, error) {
	loaded, err := e.chart()
	if err != nil {
		return nil, &chartError{e.display, err}
	}
	return loaded, nil
}

// chartError says that a chart does not load, without names of Go. What Helm's loader
// said stands behind Unwrap.
type chartError struct {
	display string
	err     error
}

func (e *chartError) Error() string {
	return "loading the chart of " + e.display + ": " + kubesphere.LoadError(e.err)
}

func (e *chartError) Unwrap() error { return e.err }

func (e *Extension) chart() (*chart.Chart, error) {
	if err := e.checkNested(); err != nil {
		return nil, err
	}
	files, err := e.packedFiles(nil)
	if err != nil {
		return nil, err
	}
	local := e.local()
	buffered := make([]*loader.BufferedFile, 0, len(files))
	for _, f := range files {
		switch {
		case f.Name == ChartFile:
			f.Data = local.short
		case e.isStatic(f.Name):
			continue
		}
		buffered = append(buffered, &loader.BufferedFile{Name: f.Name, Data: bytes.TrimPrefix(f.Data, unpack.ByteOrderMark)})
	}
	loaded, err := loader.LoadFiles(buffered)
	if err != nil {
		return nil, err
	}
	// An embedded icon did not go through the parser; see embeddedStandIn.
	if isEmbedded(local.icon) {
		loaded.Metadata.Icon = local.icon
	}
	for _, raw := range loaded.Raw {
		if raw.Name == ChartFile {
			raw.Data = local.full
		}
	}
	return loaded, nil
}

// checkNested reads the archives within the extension once, as Helm would, but
// within the limits.
func (e *Extension) checkNested() error {
	e.nestedOnce.Do(func() {
		m := &unpack.Meter{Limits: e.Limits}
		e.nestedErr = checkNested(e.Files, m, 0)
	})
	return e.nestedErr
}

// NestedError is why an archive within the extension cannot be read.
type NestedError struct {
	// File is the archive, charts/redis-17.0.0.tgz.
	File string
	// Err says what is wrong in it, and what to do.
	Err error
}

func (e *NestedError) Error() string { return e.File + ": " + e.Err.Error() }

func (e *NestedError) Unwrap() error { return e.Err }

// isNestedArchive reports whether Helm unpacks a file: charts/NAME.tgz of a chart,
// and so on in charts/SUBCHART/.
func isNestedArchive(name string) bool {
	return path.Ext(name) == ".tgz" && path.Base(path.Dir(name)) == "charts"
}

func checkNested(files []File, m *unpack.Meter, depth int) error {
	for _, f := range files {
		if !isNestedArchive(f.Name) {
			continue
		}
		if depth >= m.Limits.Depth {
			return &NestedError{f.Name, fmt.Errorf("there are more than %d archives within each other: unpack the inner ones", m.Limits.Depth)}
		}
		_, inner, err := unpack.ReadNested(f.Data, m, isNestedArchive)
		if err != nil {
			return &NestedError{f.Name, err}
		}
		if err := checkNested(inner, m, depth+1); err != nil {
			return &NestedError{f.Name, err}
		}
	}
	return nil
}

// PackedFiles are the files that Pack puts into the package with these
// addresses, sorted by name, Chart.yaml included. Their content belongs to the
// extension: it is not to be changed.
func (e *Extension) PackedFiles(urls URLs) ([]File, error) { return e.packedFiles(urls) }
