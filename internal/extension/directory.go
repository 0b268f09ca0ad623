package extension

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/ignore"

	"github.com/ksrelease/ksrelease/internal/extension/helmignore"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// tree is an extension's directory while it is read. All access goes through
// an os.Root, so that no name, however written, leads out of it.
type tree struct {
	root *os.Root
	// open are the folders that are being read, from the top down. What is in the innermost is
	// opened by its own name: each folder on the way would be opened again otherwise.
	open []openFolder
	// real is the absolute path of the directory, links resolved.
	real  string
	rules *ignore.Rules
	// patterns is .helmignore as it is written.
	patterns []byte
	ignored  []string
	meter    *unpack.Meter
	files    []File
	lines    []helmignore.Line // of patterns, once something is left out
	leftOut  []LeftOut
	listed   int     // entries below folders that are left out
	watch    Watcher // nil where nobody watches
}

// openFolder is a folder at a path below the root.
type openFolder struct {
	at   string
	root *os.Root
}

// openTree opens a directory for reading. The caller closes it.
func openTree(dir string, opts Options) (*tree, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, cannotRead("", err)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return nil, cannotRead("", err)
	}
	root, err := os.OpenRoot(real)
	if err != nil {
		return nil, cannotRead("", err)
	}
	t := &tree{root: root, real: real, meter: &unpack.Meter{Limits: opts.Limits.WithDefaults()}, watch: opts.Watch}
	if err := t.prepare(opts); err != nil {
		root.Close()
		return nil, err
	}
	return t, nil
}

// prepare reads what decides on the files to take.
func (t *tree) prepare(opts Options) error {
	source, err := t.helmIgnore()
	if err != nil {
		return err
	}
	rules, err := helmignore.Parse(source)
	if err != nil {
		return err
	}
	t.rules, t.patterns = rules, source
	for _, name := range opts.Ignore {
		// A folder that holds the extension, or is it, leaves out nothing: packages
		// put there are known by their names.
		if name = Ignored(name); !isBelow(t.real, name) {
			t.ignored = append(t.ignored, name)
		}
	}
	return nil
}

// Parse reads the .helmignore of the extension; nil where there is none.
func (t *tree) helmIgnore() ([]byte, error) {
	at := ignore.HelmIgnore
	info, err := t.root.Lstat(at)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		t.leads(at)
		if info, at, err = t.follow(at, at); err != nil {
			return nil, err
		}
	}
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	return t.read(ignore.HelmIgnore, at)
}

// isBelow reports whether an absolute path is a folder or in it.
func isBelow(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, string(filepath.Separator))+string(filepath.Separator))
}

// walk reads all files that belong to the extension into t.files.
func (t *tree) walk() error {
	return t.folder("", ".", nil)
}

// folder reads the folder that the extension knows as name ("" is the top) and
// that is at the path at below the root; the two differ below a link. above
// are the folders on the way here, to notice links that lead back.
func (t *tree) folder(name, at string, above []string) error {
	if len(above) > t.meter.Limits.Depth {
		return fmt.Errorf("%s is more than %d folders deep: an extension has a few; %s", name, t.meter.Limits.Depth, t.meter.LeaveOut())
	}
	above = append(above, at)
	t.has(at)
	root, within := t.within(at)
	here, err := root.OpenRoot(within)
	if err != nil {
		return cannotRead("reading the folder "+folderName(name), err)
	}
	defer here.Close()
	t.open = append(t.open, openFolder{at, here})
	defer func() { t.open = t.open[:len(t.open)-1] }()
	entries, err := fs.ReadDir(here.FS(), ".")
	if err != nil {
		return cannotRead("reading the folder "+folderName(name), err)
	}
	for _, entry := range entries {
		if err := t.meter.Entry(); err != nil {
			return err
		}
		if helmignore.NeverPackedPart(entry.Name()) {
			continue
		}
		if err := t.entry(path.Join(name, entry.Name()), path.Join(at, entry.Name()), above, entry); err != nil {
			return err
		}
	}
	return nil
}

// within is the nearest folder that is open, and what is at a path below the root by its path in there.
func (t *tree) within(at string) (*os.Root, string) {
	if n := len(t.open); n > 0 && path.Dir(at) == t.open[n-1].at {
		return t.open[n-1].root, path.Base(at)
	}
	return t.root, filepath.FromSlash(at)
}

// entry reads one entry of a folder, of whatever kind.
func (t *tree) entry(name, at string, above []string, entry fs.DirEntry) error {
	if t.isIgnoredPath(at) {
		return nil
	}
	info, err := entry.Info()
	if err != nil {
		return cannotRead("reading "+name, err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		t.leads(at)
		if t.ignoresLink(name, at, info) {
			t.leaveOut(name, at, info)
			return nil
		}
		target, resolved, err := t.follow(name, at)
		if err != nil {
			return err
		}
		at, info = resolved, target
		if t.isIgnoredPath(at) || helmignore.NeverPacked(filepath.ToSlash(at)) {
			return nil
		}
	}
	if t.rules.Ignore(name, info) {
		t.leaveOut(name, at, info)
		return nil
	}
	switch {
	case strings.Contains(name, `\`) || unpack.DriveLetter.MatchString(name):
		return fmt.Errorf("%q has a backslash or a drive letter in its name, and no reader of packages takes that: rename it or leave it out (.helmignore)", name)
	case info.IsDir() && slices.Contains(above, at):
		return fmt.Errorf("the link %s points to a folder that holds it: remove the link", name)
	case info.IsDir():
		return t.folder(name, at, above)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is neither a file nor a folder (%s): an extension holds only files; remove it or leave it out (.helmignore)", name, kindOf(info.Mode()))
	}
	if err := errors.Join(t.meter.Name(name), t.meter.File(name, info.Size())); err != nil {
		return err
	}
	data, err := t.read(name, at)
	if err != nil {
		return err
	}
	t.files = append(t.files, File{Name: name, Data: data})
	return nil
}

// ignoresLink reports whether .helmignore leaves out a link, wherever it leads: what is
// ignored need not be in order. Helm holds the patterns against what a link leads to, so
// that node_modules/ is for a link to a folder, too. A link that leads nowhere, or in a
// circle, could have been to either.
func (t *tree) ignoresLink(name, at string, link fs.FileInfo) bool {
	target, err := os.Stat(filepath.Join(t.real, filepath.FromSlash(at)))
	if err != nil {
		return t.rules.Ignore(name, link) || t.rules.Ignore(name, toBe{path.Base(name), true})
	}
	return t.rules.Ignore(name, target) || target.IsDir() && t.ignoresAllBelow(name)
}

// ignoresAllBelow reports whether .helmignore leaves out everything in a folder, as
// node_modules/* does, without a look into it: whatever has no name in common.
func (t *tree) ignoresAllBelow(name string) bool {
	for _, child := range []string{"-", "Zz.9~"} {
		for _, folder := range []bool{false, true} {
			if !t.rules.Ignore(path.Join(name, child), toBe{child, folder}) {
				return false
			}
		}
	}
	return true
}

// follow resolves a symbolic link to a path below the root.
func (t *tree) follow(name, at string) (fs.FileInfo, string, error) {
	real, err := filepath.EvalSymlinks(filepath.Join(t.real, filepath.FromSlash(at)))
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, "", cannotRead("following the link "+name, err)
	case err != nil:
		return nil, "", fmt.Errorf("the link %s points to nothing: remove it or correct it", name)
	}
	rel, err := filepath.Rel(t.real, real)
	if err != nil || !filepath.IsLocal(rel) {
		return nil, "", fmt.Errorf("the link %s points out of the extension: only links that stay inside are followed; copy the file instead", name)
	}
	info, err := t.root.Lstat(rel)
	if err != nil {
		return nil, "", cannotRead("following the link "+name, err)
	}
	return info, filepath.ToSlash(rel), nil
}

// isIgnoredPath reports whether the path below the root is one of the absolute
// paths that are never packed, or below one of them.
func (t *tree) isIgnoredPath(at string) bool {
	full := filepath.Join(t.real, filepath.FromSlash(at))
	return slices.ContainsFunc(t.ignored, func(ignored string) bool { return isBelow(full, ignored) })
}

// read reads the file that is at the path at below the root, and never more of
// it than a file may have: it could grow while it is read.
func (t *tree) read(name, at string) ([]byte, error) {
	root, within := t.within(at)
	f, err := root.OpenFile(within, os.O_RDONLY|regularfile.AtOnce, 0)
	if err != nil {
		return nil, cannotRead("reading "+name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, cannotRead("reading "+name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %s: it is no file (%s)", name, kindOf(info.Mode()))
	}
	if t.watch != nil {
		t.watch.Has(t.full(at), info)
	}
	limit := t.meter.Limits.File
	if info.Size() > limit {
		return nil, (&unpack.Meter{Limits: t.meter.Limits}).File(name, info.Size())
	}
	data := make([]byte, info.Size())
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, cannotRead("reading "+name, err)
	}
	return data[:n], nil
}

// outside reads a file that is not packed but named by extension.yaml: an icon
// that .helmignore keeps out of the package is uploaded all the same. ok is
// false where there is no such file.
func (t *tree) outside(name string) (data []byte, ok bool, err error) {
	if helmignore.NeverPacked(name) || t.isIgnoredPath(name) {
		return nil, false, nil
	}
	t.leads(name)
	if _, err := os.Stat(filepath.Join(t.real, filepath.FromSlash(name))); err != nil {
		return nil, false, nil
	}
	defer func() {
		if err != nil && t.watch != nil { // a problem of the extension, for as long as it lasts
			t.watch.Unsure()
		}
	}()
	info, at, err := t.follow(name, name)
	if err != nil {
		return nil, false, err
	}
	if helmignore.NeverPacked(at) || t.isIgnoredPath(at) || !info.Mode().IsRegular() {
		return nil, false, nil
	}
	data, err = t.read(name, at)
	return data, err == nil, err
}

// withoutMetadata is the error of a folder in which extension.yaml is, but among
// what is left out.
func (t *tree) withoutMetadata(err error) error {
	info, statErr := t.root.Stat(MetadataFile)
	if !errors.Is(err, ErrNoExtension) || statErr != nil || !t.rules.Ignore(MetadataFile, info) {
		return err
	}
	return fmt.Errorf("there is an extension.yaml, but %s", helmignore.WhyLeftOut(t.patterns, info))
}

func (t *tree) close() error { return t.root.Close() }

// kindOf names a kind of file that is no file in plain words.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// folderName is the name of a folder for people: the top one has none of its own.
func folderName(name string) string {
	if name == "" {
		return "of the extension"
	}
	return name
}

// fileError says that a file or folder of an extension cannot be read, and what to do
// about it.
type fileError struct {
	doing string // "reading charts/app/Chart.yaml"; empty for the extension as a whole
	err   error  // without the path
}

func cannotRead(doing string, err error) error { return &fileError{doing, failure.WithoutPath(err)} }

func (e *fileError) Error() string {
	if e.doing == "" {
		return e.err.Error()
	}
	return e.doing + ": " + e.err.Error()
}

func (e *fileError) Unwrap() error { return e.err }

// Hint is what the user can do about it.
func (e *fileError) Hint() string {
	switch {
	case errors.Is(e.err, fs.ErrPermission) && (e.doing == "" || e.doing == "reading "+MetadataFile || e.doing == "reading "+ignore.HelmIgnore):
		return "make it readable to the user that runs ksrelease"
	case errors.Is(e.err, fs.ErrPermission):
		return "make it readable to the user that runs ksrelease, or leave it out of the package with .helmignore"
	case errors.Is(e.err, fs.ErrNotExist) && e.doing != "":
		return "it was removed while the extension was read: run the command again"
	case errors.Is(e.err, fs.ErrNotExist):
		return "name a directory with an extension.yaml, or a package .tgz"
	}
	return "check the file and the disk that it is on, then run the command again"
}

// WouldPack reports whether a file that is written to a path would be a part of the
// extension in a directory, and so of its content, the next time it is read.
func WouldPack(dir, file string, opts Options) bool {
	parent, err := filepath.EvalSymlinks(filepath.Dir(file))
	if err != nil {
		return false
	}
	t, err := openTree(dir, opts)
	if err != nil {
		return false
	}
	defer t.close()
	parent, err = filepath.Abs(parent)
	if err != nil {
		return false
	}
	relative, err := filepath.Rel(t.real, filepath.Join(parent, filepath.Base(file)))
	if err != nil || !filepath.IsLocal(relative) {
		return false
	}
	name := ""
	parts := strings.Split(filepath.ToSlash(relative), "/")
	for i, part := range parts {
		name = path.Join(name, part)
		if helmignore.NeverPackedPart(part) || t.isIgnoredPath(name) || t.rules.Ignore(name, toBe{part, i < len(parts)-1}) {
			return false
		}
	}
	return true
}

// toBe is a file or folder that need not be there yet.
type toBe struct {
	name   string
	folder bool
}

func (f toBe) Name() string       { return f.name }
func (f toBe) IsDir() bool        { return f.folder }
func (f toBe) Size() int64        { return 0 }
func (f toBe) ModTime() time.Time { return time.Time{} }
func (f toBe) Sys() any           { return nil }

func (f toBe) Mode() fs.FileMode {
	if f.folder {
		return fs.ModeDir
	}
	return 0
}

// ErrNoExtension is the error of a directory or package without extension.yaml.
var ErrNoExtension = errors.New("there is no extension.yaml in it")
