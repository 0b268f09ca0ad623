package marketplace

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Names below the directory of a marketplace, with slashes.
const (
	stateDir      = "state"
	extensionsDir = "state/extensions"
	packagesDir   = "state/packages"
	stagingDir    = "state/staging"
	lostDir       = "state/lost"
	contentsFile  = "state/contents.json"
	servingFile   = "state/serving.json"
	lockName      = "state/lock"
	publicDir     = "public"
	uploadsDir    = "public/files"
	publicCharts  = "public/charts"
	publicIndex   = "public/index.yaml"
)

// Names of the Helm repository and of uploaded files: below public/, and in addresses.
const (
	filesDir  = "files"
	chartsDir = "charts"
	indexName = "index.yaml"
)

const (
	privateDirMode  fs.FileMode = 0o700
	privateFileMode fs.FileMode = 0o600
	publicDirMode   fs.FileMode = 0o755
	publicFileMode  fs.FileMode = 0o644
)

// store is the directory of a marketplace. Every access goes through an os.Root, so no
// name, however it came about, and no symbolic link leads out of it. Within it no link
// is followed either, and nothing is opened but regular files: state/ and public/ are
// the very folders, and a pipe or a device in the place of a file is an error instead of
// a wait without end.
type store struct {
	dir  string
	root *os.Root
}

// openStore opens the directory, which has to be there.
func openStore(dir string) (*store, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &store{dir: dir, root: root}, nil
}

// makeStore opens the directory, makes it where there is none, and makes the private
// folder in it.
func makeStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, publicDirMode); err != nil {
		return nil, err
	}
	s, err := openStore(dir)
	if err != nil {
		return nil, err
	}
	if err = s.checkFolders(); err == nil {
		err = s.makeDir(stateDir, privateDirMode)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// makeFolders makes what is missing of folders. Only once the state was read: a folder
// that is away for a moment must find its place free.
func (s *store) makeFolders() error {
	for _, folder := range folders {
		if err := s.makeDir(folder.name, folder.perm); err != nil {
			return err
		}
	}
	return nil
}

// folders are those of a marketplace, but for those that are made when they are needed.
var folders = []struct {
	name string
	perm fs.FileMode
}{
	{stateDir, privateDirMode}, {extensionsDir, privateDirMode}, {packagesDir, privateDirMode}, {stagingDir, privateDirMode},
	{publicDir, publicDirMode}, {publicCharts, publicDirMode},
}

// checkFolders is an error where something else is in the place of a folder.
func (s *store) checkFolders() error {
	for _, folder := range folders {
		if info, err := s.root.Lstat(folder.name); err == nil && !info.IsDir() {
			return s.noFolder(folder.name, info)
		}
	}
	return nil
}

// noFolder is the error of something in the place of a folder. A link to another folder
// is not followed: what is private and what is public would no longer be apart.
func (s *store) noFolder(name string, info fs.FileInfo) error {
	if info.Mode()&fs.ModeSymlink != 0 {
		return s.damaged(name, "it is a link and no folder; to keep a marketplace elsewhere, name the whole folder with --dir")
	}
	return s.damaged(name, "it is no folder")
}

// checkStateless is an error where there is no state and yet packages that were
// published: a state that is away for a moment is not one that never was.
func checkStateless(dir string) error {
	s, err := openStore(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer s.close()
	if there, err := s.exists(stateDir); err != nil || there {
		return err
	}
	damages, err := s.withoutContents(&found{})
	return errors.Join(append(damages, err)...)
}

func (s *store) close() {
	if s.root != nil {
		s.root.Close()
	}
}

func (s *store) lockFile() string { return filepath.Join(s.dir, filepath.FromSlash(lockName)) }

// makeDir makes a directory and those above it, and syncs each directory in which a
// name was added: after a crash, a file that was synced is nothing without its path.
func (s *store) makeDir(name string, perm fs.FileMode) error {
	if name == "." {
		return nil
	}
	if err := s.makeDir(path.Dir(name), perm); err != nil {
		return err
	}
	switch info, err := s.root.Lstat(name); {
	case err == nil && !info.IsDir():
		return fmt.Errorf("making directory %s: a file has that name, or a link", name)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := s.root.Mkdir(name, perm); err != nil && !errors.Is(err, fs.ErrExist) {
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

// exists says whether something has that name.
func (s *store) exists(name string) (bool, error) {
	_, err := s.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// errIrregular is for what has the name of a file and is none.
var errIrregular = errors.New("it is no regular file")

// open opens a regular file for reading. The folders above it must be folders of this
// directory, too: links within the directory would make private files public.
func (s *store) open(name string) (*os.File, fs.FileInfo, error) {
	for above := path.Dir(name); above != "."; above = path.Dir(above) {
		if info, err := s.root.Lstat(above); err != nil {
			return nil, nil, err
		} else if !info.IsDir() {
			return nil, nil, &fs.PathError{Op: "open", Path: s.path(name), Err: errIrregular}
		}
	}
	if info, err := s.root.Lstat(name); err != nil {
		return nil, nil, err
	} else if !info.Mode().IsRegular() {
		return nil, nil, &fs.PathError{Op: "open", Path: s.path(name), Err: errIrregular}
	}
	// Without waiting, should a pipe have taken its place since.
	file, err := s.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: s.path(name), Err: errIrregular}
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// errTooLarge is for a file of the state that is larger than any that is written.
var errTooLarge = errors.New("it is too large to be one that was written here")

// read reads a regular file of at most so many bytes.
func (s *store) read(name string, most int64) ([]byte, error) {
	file, info, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info.Size() > most {
		return nil, errTooLarge
	}
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	if _, err := data.ReadFrom(io.LimitReader(file, most+1)); err != nil {
		return nil, err
	}
	if int64(data.Len()) > most {
		return nil, errTooLarge
	}
	return data.Bytes(), nil
}

// digest is the SHA-256 of a regular file, in hex, and its size.
func (s *store) digest(name string) (digest string, size int64, err error) {
	file, _, err := s.open(name)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	return digestOf(file)
}

func digestOf(r io.Reader) (digest string, size int64, err error) {
	hash := sha256.New()
	if size, err = io.Copy(hash, r); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(hash.Sum(nil)), size, nil
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

// stagedName is that of a staged file: 26 random characters (rand.Text).
var stagedName = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// tidyStaging removes what a crash left half written. Nothing of it was acknowledged.
func (s *store) tidyStaging() error {
	entries, err := s.list(stagingDir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !stagedName.MatchString(entry.Name()) || !entry.Type().IsRegular() {
			continue // not from here
		}
		if err := s.root.Remove(path.Join(stagingDir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// write puts data under name so that a crash leaves the old file or the new one, and
// after its return the new one.
func (s *store) write(name string, data []byte, perm fs.FileMode) error {
	file, err := s.stage(bytes.NewReader(data), perm)
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
	found, err := s.read(name, int64(len(data)))
	return err == nil && bytes.Equal(found, data)
}

// lose moves a file out of the way, into the folder of what nothing speaks of, and
// returns the name that it has there. Nothing is ever removed from that folder.
func (s *store) lose(name string) (string, error) {
	if err := s.makeDir(lostDir, privateDirMode); err != nil {
		return "", err
	}
	for i := 1; ; i++ {
		base, ending := path.Base(name), ""
		if i > 1 {
			if cut := strings.LastIndexByte(base, '.'); cut > 0 {
				base, ending = base[:cut], base[cut:]
			}
			base += "-" + strconv.Itoa(i)
		}
		target := path.Join(lostDir, base+ending)
		if taken, err := s.exists(target); err != nil {
			return "", err
		} else if taken {
			continue
		}
		if err := s.root.Rename(name, target); err != nil {
			return "", fmt.Errorf("moving %s to %s: %w", s.path(name), s.path(target), err)
		}
		if info, err := s.root.Lstat(target); err == nil && info.Mode().IsRegular() {
			if err := s.root.Chmod(target, privateFileMode); err != nil {
				return "", err
			}
		}
		if err := s.syncDir(lostDir); err != nil {
			return "", err
		}
		return target, s.syncDir(path.Dir(name))
	}
}

// path is the name as the user would open it.
func (s *store) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func packageFile(digest string) string { return path.Join(packagesDir, digest+".tgz") }

// keepPackage stores a package under its digest.
func (s *store) keepPackage(digest string, data []byte) error {
	name := packageFile(digest)
	if s.holds(name, data) {
		return s.syncDir(packagesDir)
	}
	return s.write(name, data, privateFileMode)
}

// openPackage opens a package whose bytes are those of its digest; others are a
// *DamageError, and are not to be served.
func (s *store) openPackage(p *packageRecord) (*os.File, error) {
	name := packageFile(p.Digest)
	file, _, err := s.open(name)
	if err != nil {
		return nil, err
	}
	err = s.verify(file, name, p)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// verify compares the bytes of a package with what the state says of them.
func (s *store) verify(file io.Reader, name string, p *packageRecord) error {
	digest, size, err := digestOf(file)
	switch {
	case err != nil:
		return fmt.Errorf("reading %s: %w", s.path(name), err)
	case size != p.Size:
		return s.damaged(name, "it has %d bytes instead of the %d of %s", size, p.Size, p.Filename)
	case digest != p.Digest:
		return s.damaged(name, "its bytes are no longer those of %s", p.Filename)
	}
	return nil
}

// dropReplaced removes the packages that old speaks of and next does not. The caller
// keeps others from changing the extension, or the same bytes could be pushed again
// just before they go. What cannot be removed now is found by the next Open.
func (s *store) dropReplaced(old, next *extensionRecord) {
	if old == nil {
		return
	}
	s.dropPackages(old, next)
}

// dropUnwritten removes the packages of next, which could not be written, as they take
// the space that is missing. The error may have come after the file had its name, so
// those that the state on disk speaks of stay.
func (s *store) dropUnwritten(old, next *extensionRecord) {
	if there, err := s.exists(extensionFile(next.Name)); err == nil && !there {
		s.dropPackages(next, old)
		return
	}
	if onDisk, err := s.readExtension(next.Name); err == nil {
		s.dropPackages(next, old, onDisk)
	}
}

// withdrawRecord removes the first record of an extension, and its packages, where the
// contents could not be written. The error may have come after the file had its name:
// then the record stays, or it would be missed.
func (s *store) withdrawRecord(record *extensionRecord) {
	onDisk, err := s.readContents()
	if err != nil || onDisk != nil && slices.Contains(onDisk.Extensions, record.Name) {
		return
	}
	if err := s.root.Remove(extensionFile(record.Name)); err == nil {
		s.dropPackages(record)
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

// list reads a folder of this directory, sorted by name; nil where there is none.
func (s *store) list(name string) ([]fs.DirEntry, error) {
	info, err := s.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, s.noFolder(name, info)
	}
	return fs.ReadDir(s.root.FS(), name)
}
