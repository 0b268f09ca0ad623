package marketplace

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// Names below the directory of a marketplace, with slashes.
const (
	extensionsDir = "state/extensions"
	packagesDir   = "state/packages"
	stagingDir    = "state/staging"
	servingFile   = "state/serving.json"
	lockName      = "state/lock"
	filesDir      = "files"
	chartsDir     = "charts"
	indexName     = "index.yaml"
)

// store is the directory of a marketplace. Every access goes through an os.Root, so no
// name, however it came about, and no symbolic link leads out of it.
type store struct {
	dir  string
	root *os.Root
}

func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s := &store{dir: dir, root: root}
	for _, name := range []string{extensionsDir, packagesDir, stagingDir, filesDir, chartsDir} {
		if err := s.makeDir(name); err != nil {
			root.Close()
			return nil, err
		}
	}
	return s, nil
}

func (s *store) close() { s.root.Close() }

func (s *store) lockFile() string { return filepath.Join(s.dir, filepath.FromSlash(lockName)) }

// makeDir makes a directory and those above it, and syncs each directory in which a
// name was added: after a crash, a file that was synced is nothing without its path.
func (s *store) makeDir(name string) error {
	if name == "." {
		return nil
	}
	err := s.root.Mkdir(name, 0o755)
	switch {
	case errors.Is(err, fs.ErrExist):
		if info, err := s.root.Stat(name); err != nil || !info.IsDir() {
			return fmt.Errorf("making directory %s: a file has that name", name)
		}
		return nil
	case errors.Is(err, fs.ErrNotExist):
		if err := s.makeDir(path.Dir(name)); err != nil {
			return err
		}
		if err := s.root.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	case err != nil:
		return err
	}
	return s.syncDir(path.Dir(name))
}

// syncDir makes the names in a directory durable.
func (s *store) syncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there, and NTFS journals its names
	}
	dir, err := s.root.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("syncing directory %s: %w", name, err)
	}
	return nil
}

// staged is a file on its way: complete and synced, but not yet under its name.
type staged struct {
	store *store
	name  string
	size  int64
}

// stage copies r into a file of its own and syncs it.
func (s *store) stage(r io.Reader, perm fs.FileMode) (*staged, error) {
	name := path.Join(stagingDir, rand.Text())
	file, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return nil, err
	}
	size, err := io.Copy(file, r)
	if err == nil {
		err = file.Sync()
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		s.root.Remove(name)
		return nil, err
	}
	return &staged{store: s, name: name, size: size}, nil
}

// discard drops a staged file that was not kept; after keep it does nothing.
func (f *staged) discard() {
	if f.name != "" {
		f.store.root.Remove(f.name)
	}
}

// keep gives a staged file its name, for good: in place of what had it before.
func (f *staged) keep(name string) error {
	if err := f.store.root.Rename(f.name, name); err != nil {
		return err
	}
	f.name = ""
	return f.store.syncDir(path.Dir(name))
}

// write puts data under name so that a crash leaves the old file or the new one, and
// after its return the new one.
func (s *store) write(name string, data []byte, perm fs.FileMode) error {
	file, err := s.stage(strings.NewReader(string(data)), perm)
	if err == nil {
		defer file.discard()
		err = file.keep(name)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", s.path(name), err)
	}
	return nil
}

// holds says whether the file under name is regular and has these very bytes.
func (s *store) holds(name string, data []byte) bool {
	info, err := s.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() != int64(len(data)) {
		return false
	}
	found, err := s.root.ReadFile(name)
	return err == nil && bytes.Equal(found, data)
}

// path is the name as the user would open it.
func (s *store) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func packageFile(digest string) string { return path.Join(packagesDir, digest+".tgz") }

// keepPackage stores a package under its digest.
func (s *store) keepPackage(digest string, data []byte) error {
	name := packageFile(digest)
	if info, err := s.root.Stat(name); err == nil && info.Size() == int64(len(data)) {
		return s.syncDir(packagesDir)
	}
	return s.write(name, data, 0o644)
}

// dropReplaced removes the packages that old speaks of and next does not. The caller
// keeps others from changing the extension, or the same bytes could be pushed again
// just before they go. What cannot be removed now is removed by the next Open.
func (s *store) dropReplaced(old, next *extensionRecord) {
	if old == nil {
		return
	}
	s.dropPackages(old, next)
}

// dropUnwritten removes the packages of next, which could not be written, as they take
// the room that is missing. The error may have come after the file had its name, so
// those that the state on disk speaks of stay.
func (s *store) dropUnwritten(old, next *extensionRecord) {
	file := extensionFile(next.Name)
	if _, err := s.root.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		s.dropPackages(next, old)
		return
	}
	if onDisk, err := s.readExtension(next.Name); err == nil {
		s.dropPackages(next, old, onDisk)
	}
}

// dropPackages removes the packages of a record, but for those of others.
func (s *store) dropPackages(of *extensionRecord, others ...*extensionRecord) {
	kept := map[string]bool{}
	for _, other := range others {
		if other == nil {
			continue
		}
		for _, snapshot := range other.Snapshots {
			kept[snapshot.Package.Digest] = true
		}
	}
	for _, snapshot := range of.Snapshots {
		if !kept[snapshot.Package.Digest] {
			s.root.Remove(packageFile(snapshot.Package.Digest))
		}
	}
}

func extensionFile(name string) string { return path.Join(extensionsDir, name+".json") }

// writeExtension makes a record the truth on disk.
func (s *store) writeExtension(record *extensionRecord) error {
	data, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the state of %s: %w", record.Name, err)
	}
	return s.write(extensionFile(record.Name), append(data, '\n'), 0o644)
}

// readExtensions reads all records.
func (s *store) readExtensions() ([]*extensionRecord, error) {
	entries, err := s.list(extensionsDir)
	if err != nil {
		return nil, err
	}
	var records []*extensionRecord
	for _, entry := range entries {
		name, isRecord := strings.CutSuffix(entry.Name(), ".json")
		if !isRecord {
			continue
		}
		record, err := s.readExtension(name)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

func (s *store) readExtension(name string) (*extensionRecord, error) {
	file := extensionFile(name)
	data, err := s.root.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", s.path(file), err)
	}
	record := &extensionRecord{}
	if err := json.Unmarshal(data, record); err != nil {
		return nil, fmt.Errorf("reading %s: it is no state of an extension (%v); restore it from a backup, or remove it to forget the extension", s.path(file), err)
	}
	if record.Format != formatVersion {
		return nil, fmt.Errorf("reading %s: its format is %d, this ksrelease knows format %d; use the version of ksrelease that wrote it", s.path(file), record.Format, formatVersion)
	}
	if record.Name != name {
		return nil, fmt.Errorf("reading %s: it is the state of %q; give the file its name back", s.path(file), record.Name)
	}
	for _, snapshot := range record.Snapshots {
		if err := s.checkPackage(snapshot.Package); err != nil {
			return nil, fmt.Errorf("reading %s: version %s: %w", s.path(file), snapshot.Version, err)
		}
		snapshot.Package.prepare()
	}
	return record, nil
}

// checkPackage makes sure that the package a record speaks of is there.
func (s *store) checkPackage(p *packageRecord) error {
	if p == nil || p.Chart == nil || p.Digest == "" {
		return errors.New("it says nothing of the package; restore the file from a backup, or remove it to forget the extension")
	}
	file := packageFile(p.Digest)
	info, err := s.root.Stat(file)
	if err != nil {
		return fmt.Errorf("looking for its package %s: %w; restore it from a backup", s.path(file), err)
	}
	if info.Size() != p.Size {
		return fmt.Errorf("its package %s has %d bytes instead of %d; restore it from a backup", s.path(file), info.Size(), p.Size)
	}
	return nil
}

// tidy removes what a crash left half done: staged files, and packages that no record
// speaks of.
func (s *store) tidy(records []*extensionRecord) error {
	kept := map[string]bool{}
	for _, record := range records {
		for _, snapshot := range record.Snapshots {
			kept[path.Base(packageFile(snapshot.Package.Digest))] = true
		}
	}
	for _, dir := range []string{stagingDir, packagesDir} {
		entries, err := s.list(dir)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if kept[entry.Name()] {
				continue
			}
			if err := s.root.Remove(path.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *store) list(name string) ([]fs.DirEntry, error) {
	return fs.ReadDir(s.root.FS(), name)
}
