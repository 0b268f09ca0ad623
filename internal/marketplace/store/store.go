// Package store is the directory of a local marketplace: its files, read and written so
// that a crash, a damage or a link leaves no wrong state unseen.
//
// # What is kept where
//
//	public/                      what any web server may serve: a static Helm repository
//	public/index.yaml, charts/   derived from the state: what is submitted
//	public/files/USER/…          uploaded files
//	state/                       private (0700): tokens, drafts, rejected packages, reviews
//	state/extensions/NAME.json   the truth: one extension, its snapshots and their states
//	state/packages/DIGEST.tgz    the packages the truth speaks of, by SHA-256
//	state/contents.json          which extensions there are, and the external URL
//	state/lost/                  what no record speaks of, moved there instead of removed
//	state/serving.json           address and key of the process that serves it
//	state/lock                   held by that process
//
// A write is acknowledged once its bytes and their names are on disk: package first,
// then the state that speaks of it, each written aside, synced, renamed, and the
// directory synced. What is public follows in the background and is made anew on Open,
// so a crash can make it late but not wrong; over HTTP the index is always that of the
// moment.
//
// Records and contents carry their own digest (sealed.go), and packages are named by
// theirs, so a change from outside is seen wherever it is. Then reading is a *DamageError;
// internal/marketplace/repair rebuilds what it can from the packages. Nothing that is not understood is
// removed.
package store

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
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
)

// Names below the directory of a marketplace, with slashes.
const (
	StateDir      = "state"
	ExtensionsDir = "state/extensions"
	PackagesDir   = "state/packages"
	StagingDir    = "state/staging"
	LostDir       = "state/lost"
	ContentsFile  = "state/contents.json"
	ServingFile   = "state/serving.json"
	LockName      = "state/lock"
	PublicDir     = "public"
	UploadsDir    = "public/files"
	PublicCharts  = "public/charts"
	PublicIndex   = "public/index.yaml"
)

// Names of the Helm repository and of uploaded files: below public/, and in addresses.
const (
	FilesDir  = "files"
	ChartsDir = catalog.ChartsDir
	IndexName = "index.yaml"
)

const (
	PrivateDirMode  fs.FileMode = 0o700
	PrivateFileMode fs.FileMode = 0o600
	PublicDirMode   fs.FileMode = 0o755
	PublicFileMode  fs.FileMode = 0o644
)

// Store is the directory of a marketplace. Every access goes through an os.Root, so no
// name, however it came about, and no symbolic link leads out of it. Within it no link
// is followed either, and nothing is opened but regular files: state/ and public/ are
// the very folders, and a pipe or a device in the place of a file is an error instead of
// a wait without end.
type Store struct {
	Dir  string
	Root *os.Root
}

// Open opens the directory, which has to be there.
func Open(dir string) (*Store, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Store{Dir: dir, Root: root}, nil
}

// Make opens the directory, makes it where there is none, and makes the private
// folder in it.
func Make(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, PublicDirMode); err != nil {
		return nil, err
	}
	s, err := Open(dir)
	if err != nil {
		return nil, err
	}
	if err = s.checkFolders(); err == nil {
		err = s.MakeDir(StateDir, PrivateDirMode)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// MakeFolders makes what is missing of folders. Only once the state was read: a folder
// that is away for a moment must find its place free.
func (s *Store) MakeFolders() error {
	for _, folder := range Folders {
		if err := s.MakeDir(folder.Name, folder.perm); err != nil {
			return err
		}
	}
	return nil
}

// Folders are those of a marketplace, but for those that are made when they are needed.
var Folders = []struct {
	Name string
	perm fs.FileMode
}{
	{StateDir, PrivateDirMode}, {ExtensionsDir, PrivateDirMode}, {PackagesDir, PrivateDirMode}, {StagingDir, PrivateDirMode},
	{PublicDir, PublicDirMode}, {PublicCharts, PublicDirMode},
}

// checkFolders is an error where something else is in the place of a folder.
func (s *Store) checkFolders() error {
	for _, folder := range Folders {
		if info, err := s.Root.Lstat(folder.Name); err == nil && !info.IsDir() {
			return s.noFolder(folder.Name, info)
		}
	}
	return nil
}

// noFolder is the error of something in the place of a folder. A link to another folder
// is not followed: what is private and what is public would no longer be apart.
func (s *Store) noFolder(name string, info fs.FileInfo) error {
	if info.Mode()&fs.ModeSymlink != 0 {
		return s.Damaged(name, "it is a link and no folder; to keep a marketplace elsewhere, name the whole folder with --dir")
	}
	return s.Damaged(name, "it is no folder")
}

// CheckStateless is an error where there is no state and yet packages that were
// published: a state that is away for a moment is not one that never was.
func CheckStateless(dir string) error {
	s, err := Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer s.Close()
	if there, err := s.Exists(StateDir); err != nil || there {
		return err
	}
	damages, err := s.withoutContents(&Inventory{})
	return errors.Join(append(damages, err)...)
}

func (s *Store) Close() {
	if s.Root != nil {
		s.Root.Close()
	}
}

func (s *Store) LockFile() string { return filepath.Join(s.Dir, filepath.FromSlash(LockName)) }

// MakeDir makes a directory and those above it, and syncs each directory in which a
// name was added: after a crash, a file that was synced is nothing without its path.
func (s *Store) MakeDir(name string, perm fs.FileMode) error {
	if name == "." {
		return nil
	}
	if err := s.MakeDir(path.Dir(name), perm); err != nil {
		return err
	}
	switch info, err := s.Root.Lstat(name); {
	case err == nil && !info.IsDir():
		return fmt.Errorf("making directory %s: a file has that name, or a link", name)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := s.Root.Mkdir(name, perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return s.SyncDir(path.Dir(name))
}

// SyncDir makes the names in a directory durable.
func (s *Store) SyncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there, and NTFS journals its names
	}
	dir, err := s.Root.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("syncing directory %s: %w", name, err)
	}
	return nil
}

// Exists says whether something has that name.
func (s *Store) Exists(name string) (bool, error) {
	_, err := s.Root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// ErrIrregular is for what has the name of a file and is none.
var ErrIrregular = errors.New("it is no regular file")

// Open opens a regular file for reading. The folders above it must be folders of this
// directory, too: links within the directory would make private files public.
func (s *Store) Open(name string) (*os.File, fs.FileInfo, error) {
	for above := path.Dir(name); above != "."; above = path.Dir(above) {
		if info, err := s.Root.Lstat(above); err != nil {
			return nil, nil, err
		} else if !info.IsDir() {
			return nil, nil, &fs.PathError{Op: "open", Path: s.Path(name), Err: ErrIrregular}
		}
	}
	if info, err := s.Root.Lstat(name); err != nil {
		return nil, nil, err
	} else if !info.Mode().IsRegular() {
		return nil, nil, &fs.PathError{Op: "open", Path: s.Path(name), Err: ErrIrregular}
	}
	// Without waiting, should a pipe have taken its place since.
	file, err := s.Root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: s.Path(name), Err: ErrIrregular}
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// errTooLarge is for a file of the state that is larger than any that is written.
var errTooLarge = errors.New("it is too large to be one that was written here")

// Read reads a regular file of at most so many bytes.
func (s *Store) Read(name string, most int64) ([]byte, error) {
	file, info, err := s.Open(name)
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

// Digest is the SHA-256 of a regular file, in hex, and its size.
func (s *Store) Digest(name string) (digest string, size int64, err error) {
	file, _, err := s.Open(name)
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

// Staged is a file on its way: complete and synced, but not yet under its name.
type Staged struct {
	store *Store
	name  string
	size  int64
}

// Stage copies r into a file of its own and syncs it.
func (s *Store) Stage(r io.Reader, perm fs.FileMode) (*Staged, error) {
	name := path.Join(StagingDir, rand.Text())
	file, err := s.Root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
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
		s.Root.Remove(name)
		return nil, err
	}
	return &Staged{store: s, name: name, size: size}, nil
}

// Discard drops a staged file that was not kept; after keep it does nothing.
func (f *Staged) Discard() {
	if f.name != "" {
		f.store.Root.Remove(f.name)
	}
}

// Keep gives a staged file its name, for good: in place of what had it before.
func (f *Staged) Keep(name string) error {
	if err := f.store.Root.Rename(f.name, name); err != nil {
		return err
	}
	f.name = ""
	return f.store.SyncDir(path.Dir(name))
}

// stagedName is that of a staged file: 26 random characters (rand.Text).
var stagedName = lazyregexp.New(`^[A-Z2-7]{26}$`)

// TidyStaging removes what a crash left half written. Nothing of it was acknowledged.
func (s *Store) TidyStaging() error {
	entries, err := s.List(StagingDir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !stagedName.MatchString(entry.Name()) || !entry.Type().IsRegular() {
			continue // not from here
		}
		if err := s.Root.Remove(path.Join(StagingDir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Write puts data under name so that a crash leaves the old file or the new one, and
// after its return the new one.
func (s *Store) Write(name string, data []byte, perm fs.FileMode) error {
	file, err := s.Stage(bytes.NewReader(data), perm)
	if err == nil {
		defer file.Discard()
		err = file.Keep(name)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", s.Path(name), err)
	}
	return nil
}

// Holds says whether the file under name is regular and has these very bytes.
func (s *Store) Holds(name string, data []byte) bool {
	found, err := s.Read(name, int64(len(data)))
	return err == nil && bytes.Equal(found, data)
}

// Lose moves a file out of the way, into the folder of what nothing speaks of, and
// returns the name that it has there. Nothing is ever removed from that folder.
func (s *Store) Lose(name string) (string, error) {
	if err := s.MakeDir(LostDir, PrivateDirMode); err != nil {
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
		target := path.Join(LostDir, base+ending)
		if taken, err := s.Exists(target); err != nil {
			return "", err
		} else if taken {
			continue
		}
		if err := s.Root.Rename(name, target); err != nil {
			return "", fmt.Errorf("moving %s to %s: %w", s.Path(name), s.Path(target), err)
		}
		if info, err := s.Root.Lstat(target); err == nil && info.Mode().IsRegular() {
			if err := s.Root.Chmod(target, PrivateFileMode); err != nil {
				return "", err
			}
		}
		if err := s.SyncDir(LostDir); err != nil {
			return "", err
		}
		return target, s.SyncDir(path.Dir(name))
	}
}

// Path is the name as the user would open it.
func (s *Store) Path(name string) string { return filepath.Join(s.Dir, filepath.FromSlash(name)) }

func PackageFile(digest string) string { return path.Join(PackagesDir, digest+".tgz") }

// KeepPackage stores a package under its digest.
func (s *Store) KeepPackage(digest string, data []byte) error {
	name := PackageFile(digest)
	if s.Holds(name, data) {
		return s.SyncDir(PackagesDir)
	}
	return s.Write(name, data, PrivateFileMode)
}

// OpenPackage opens a package whose bytes are those of its digest; others are a
// *DamageError, and are not to be served.
func (s *Store) OpenPackage(p *catalog.Package) (*os.File, error) {
	name := PackageFile(p.Digest)
	file, _, err := s.Open(name)
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
func (s *Store) verify(file io.Reader, name string, p *catalog.Package) error {
	digest, size, err := digestOf(file)
	switch {
	case err != nil:
		return fmt.Errorf("reading %s: %w", s.Path(name), err)
	case size != p.Size:
		return s.Damaged(name, "it has %d bytes instead of the %d of %s", size, p.Size, p.Filename)
	case digest != p.Digest:
		return s.Damaged(name, "its bytes are no longer those of %s", p.Filename)
	}
	return nil
}

// DropReplaced removes the packages that old speaks of and next does not. The caller
// keeps others from changing the extension, or the same bytes could be pushed again
// just before they go. What cannot be removed now is found by the next Open.
func (s *Store) DropReplaced(old, next *catalog.Extension) {
	if old == nil {
		return
	}
	s.dropPackages(old, next)
}

// DropUnwritten removes the packages of next, which could not be written, as they take
// the space that is missing. The error may have come after the file had its name, so
// those that the state on disk speaks of stay.
func (s *Store) DropUnwritten(old, next *catalog.Extension) {
	if there, err := s.Exists(ExtensionFile(next.Name)); err == nil && !there {
		s.dropPackages(next, old)
		return
	}
	if onDisk, err := s.ReadExtension(next.Name); err == nil {
		s.dropPackages(next, old, onDisk)
	}
}

// WithdrawRecord removes the first record of an extension, and its packages, where the
// contents could not be written. The error may have come after the file had its name:
// then the record stays, or it would be missed.
func (s *Store) WithdrawRecord(record *catalog.Extension) {
	onDisk, err := s.ReadContents()
	if err != nil || onDisk != nil && slices.Contains(onDisk.Extensions, record.Name) {
		return
	}
	if err := s.Root.Remove(ExtensionFile(record.Name)); err == nil {
		s.dropPackages(record)
	}
}

// dropPackages removes the packages of a record, but for those of others.
func (s *Store) dropPackages(of *catalog.Extension, others ...*catalog.Extension) {
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
			s.Root.Remove(PackageFile(snapshot.Package.Digest))
		}
	}
}

// List reads a folder of this directory, sorted by name; nil where there is none.
func (s *Store) List(name string) ([]fs.DirEntry, error) {
	info, err := s.Root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, s.noFolder(name, info)
	}
	return fs.ReadDir(s.Root.FS(), name)
}

// HasMarketplace says whether a marketplace is kept in dir.
func HasMarketplace(dir string) bool {
	for _, name := range []string{StateDir, PublicDir} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.IsDir() {
			return true
		}
	}
	return false
}
