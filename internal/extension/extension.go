// Package extension knows one extension of KubeSphere: it reads it from a
// directory or a package, understands its extension.yaml, and makes its package,
// the same bytes for the same content on any machine.
//
// What an extension should be like is for internal/lint to say, and where it
// is sent to for pipeline; nothing here knows a server or a config.
package extension

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension/helmignore"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Extension is one extension, read once. It does not change after Load; its
// methods may be called by several goroutines at once. The slices and what they
// hold must not be changed by others.
type Extension struct {
	// Path is the directory or archive as Load was given it, for messages: that of
	// Options.Display where it is set.
	Path string
	// Files are what belongs in the package, sorted by name, without the Chart.yaml
	// at the top: that is derived.
	Files    []File
	Metadata Metadata
	// Document is extension.yaml with the places of everything in it. What is reported by
	// it, AssetProblems too, has its file relative to the extension.
	Document *yamldoc.Document
	// Assets are the files that icon and screenshots name: the icon first, then the
	// screenshots in order, each file once.
	Assets []Asset
	// AssetProblems are the references of icon, screenshots and
	// staticFileDirectory that lead out of the extension or name nothing in it.
	AssetProblems diagnostic.List
	// ArchiveDigest is the SHA-256 of the package that it was read from, "sha256:" and 64 hex
	// digits; it is empty for a directory.
	ArchiveDigest string
	// LeftOut are the files that .helmignore keeps out, sorted by name; of folders with
	// very many files, some of them. An archive has none.
	LeftOut []LeftOut
	// Resolved are the charts that WithCharts put under charts/, and Replaced the
	// packages there that gave way to them.
	Resolved []Resolved
	Replaced []string
	// ChartType and AppVersion are type and appVersion of the derived Chart.yaml.
	ChartType, AppVersion string
	// Origin is of which commit it is packed; nil where that is not known. An archive keeps
	// the one that it has.
	Origin *Origin
	// Limits bound what reading archives within the extension may cost.
	Limits Limits

	display    string
	foundChart []byte

	digest     fact
	tree       fact
	pushed     pushedForm
	localOnce  sync.Once
	localChart localChart
	nestedOnce sync.Once
	nestedErr  error
}

// File is a file of an extension, and Limits bound what reading one may cost.
type (
	File   = unpack.File
	Limits = unpack.Limits
)

// Options say how Load reads.
type Options struct {
	// Display is how messages call the extension; "" for the path given to Load.
	Display string
	// Ignore are absolute paths that are never packed, with all below them: the
	// directory the packages are put into, and what else a run writes.
	Ignore []string
	Limits Limits
	// Watch is given what the extension is read from; nil watches nothing.
	Watch Watcher
}

// Load reads a directory with an extension.yaml, or a package (NAME-VERSION.tgz).
//
// Of a directory it takes what Helm would take (.helmignore as Helm reads it),
// but for what is no part of an extension anyway: version control, leftovers of
// editors, environment files, private keys, packages made earlier, and
// Options.Ignore. Links that stay inside the directory are followed, others are
// an error. A package is read with the same exceptions.
//
// It fails where files cannot be read, limits are exceeded, or extension.yaml is
// absent or no YAML mapping (diagnostic.List); all else that is wrong with the
// extension is for lint to report.
func Load(path string, opts Options) (*Extension, error) {
	display := opts.Display
	if display == "" {
		display = path
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, inExtension(display, cannotRead("", err))
	}
	var e *Extension
	if info.IsDir() {
		e, err = loadDirectory(path, display, opts)
	} else {
		e, err = loadArchive(path, display, opts)
	}
	if err != nil {
		return nil, inExtension(display, err)
	}
	return e, nil
}

// inExtension says of which extension an error is, unless it says so itself:
// Problems begin with the file's name.
func inExtension(display string, err error) error {
	var problems diagnostic.List
	if errors.As(err, &problems) {
		return problems.In(display)
	}
	return fmt.Errorf("reading the extension %s: %w", display, err)
}

func loadDirectory(dir, display string, opts Options) (*Extension, error) {
	t, err := openTree(dir, opts)
	if err != nil {
		return nil, err
	}
	defer t.close()
	if err := t.walk(); err != nil {
		return nil, err
	}
	e, err := assemble(display, t.files, t.outside, opts.Limits, leaveOut)
	if err != nil {
		return nil, t.withoutMetadata(err)
	}
	e.LeftOut = t.leftOut
	slices.SortFunc(e.LeftOut, func(a, b LeftOut) int { return strings.Compare(a.Name, b.Name) })
	return e, nil
}

func loadArchive(path, display string, opts Options) (*Extension, error) {
	limits := opts.Limits.WithDefaults()
	if opts.Watch != nil {
		if real, err := filepath.EvalSymlinks(path); err != nil {
			opts.Watch.Unsure()
		} else if info, err := os.Lstat(real); err != nil {
			opts.Watch.Unsure()
		} else {
			opts.Watch.Has(real, info)
		}
	}
	archive, size, err := openArchive(path, limits)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	_, files, err := unpack.Read(archive, size, &unpack.Meter{Limits: limits}, unpack.All)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, archive); err != nil {
		return nil, cannotRead("", err)
	}
	e, err := assemble(display, files, noFile, opts.Limits, leaveOut)
	if err != nil {
		return nil, err
	}
	e.ArchiveDigest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	e.Origin = originOf(e)
	return e, nil
}

// openArchive opens a file that should be a package, and nothing that could not
// be one: a package is never larger than its content may be.
func openArchive(path string, limits Limits) (archive *os.File, size int64, err error) {
	// Before it is opened: opening a named pipe would wait for somebody to write.
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, cannotRead("", err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("it is neither a directory nor a package, but %s", kindOf(info.Mode()))
	}
	if info.Size() > limits.Unpacked {
		return nil, 0, fmt.Errorf("it has %s, more than %s: this is no package of an extension; pack it again from its source", unpack.Size(info.Size()), unpack.Size(limits.Unpacked))
	}
	archive, err = os.Open(path)
	if err != nil {
		return nil, 0, cannotRead("", err)
	}
	return archive, info.Size(), nil
}

// Read reads a package that is in memory, such as one that was downloaded or
// sent to the marketplace. name stands in messages. Unlike Load it takes each
// file as it is in the package: that is what Helm and KubeSphere will see.
func Read(name string, archive []byte, limits Limits) (*Extension, error) {
	_, files, err := unpack.ReadBytes(archive, &unpack.Meter{Limits: limits.WithDefaults()})
	if err != nil {
		return nil, fmt.Errorf("reading the package %s: %w", name, err)
	}
	e, err := assemble(name, files, noFile, limits, takeAll)
	if err != nil {
		var problems diagnostic.List
		if errors.As(err, &problems) {
			return nil, problems.In(name)
		}
		return nil, fmt.Errorf("reading the package %s: %w", name, err)
	}
	sum := sha256.Sum256(archive)
	e.ArchiveDigest = "sha256:" + hex.EncodeToString(sum[:])
	e.Origin = originOf(e)
	return e, nil
}

// noFile is the assetReader of a package: it has no files but its own.
func noFile(string) ([]byte, bool, error) { return nil, false, nil }

// LeaveOut is what Load keeps out of the package of the extension called name.
func leaveOut(extension, file string) bool {
	return helmignore.NeverPacked(file) || helmignore.IsOwnPackage(extension, file)
}

func takeAll(string, string) bool { return false }

// assemble makes an extension of its files.
func assemble(display string, files []File, outside assetReader, limits Limits, without func(extension, file string) bool) (*Extension, error) {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	e := &Extension{Path: display, Files: files, display: display, Limits: limits.WithDefaults()}
	source, ok := e.fileData(MetadataFile)
	if !ok {
		return nil, e.withoutMetadata()
	}
	if unpack.IsPointer(source) {
		return nil, fmt.Errorf("%s: %w", MetadataFile, unpack.ErrPointer)
	}
	doc, err := yamldoc.ParseLoose(MetadataFile, source)
	if err != nil {
		return nil, err
	}
	if _, ok := doc.Value().(map[string]any); !ok {
		return nil, diagnostic.List{doc.Problem("extension.yaml holds no fields", "write it as a list of `name: value` lines, beginning with apiVersion, name and version")}
	}
	e.Document = doc
	e.Metadata = decodeMetadata(doc.Value())
	e.foundChart, _ = e.fileData(ChartFile)
	e.Files = slices.DeleteFunc(files, func(f File) bool {
		return f.Name == ChartFile || without(e.Metadata.Name, f.Name)
	})
	e.ChartType, e.AppVersion = e.surviving()
	e.findAssets(outside)
	e.checkStaticDirectory()
	return e, nil
}

// ContentSize is how much of the extension is in memory, in bytes: its files and
// the assets among them, once.
func (e *Extension) ContentSize() int64 {
	size := int64(len(e.foundChart))
	for _, f := range e.Files {
		size += int64(len(f.Data))
	}
	return size
}

// withoutMetadata is the error of files without extension.yaml.
func (e *Extension) withoutMetadata() error {
	for _, f := range e.Files {
		if strings.EqualFold(f.Name, MetadataFile) || f.Name == "extension.yml" {
			return fmt.Errorf("%w: rename %s to %s", ErrNoExtension, f.Name, MetadataFile)
		}
	}
	return fmt.Errorf("%w: give the directory (or package) of an extension", ErrNoExtension)
}

// checkStaticDirectory reports a staticFileDirectory that cannot be left out.
func (e *Extension) checkStaticDirectory() {
	static := e.Metadata.StaticFileDirectory
	if _, ok := e.staticDirectory(); ok || static == "" {
		return
	}
	if dir, ok := LocalFile(static); ok && isLoadedFolder(dir) {
		e.AssetProblems = append(e.AssetProblems, e.Document.Problem(
			fmt.Sprintf("staticFileDirectory %q is left out of the pushed package, and Helm needs what is in it", static),
			"keep the assets in a folder of their own, such as static, and name that", "staticFileDirectory"))
		return
	}
	e.AssetProblems = append(e.AssetProblems, e.Document.Problem(
		fmt.Sprintf("staticFileDirectory %q is no folder of the extension", static),
		"name the folder with the assets, such as static; it is left out of the pushed package",
		"staticFileDirectory"))
}
