package remote

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// Folder is a folder that several machines share, such as a mount:
//
//	lint-1/HEX   an entry of the kind lint/1
//
// A file system of another machine may not answer for as long as it likes, and nothing ends a system
// call that waits for it. So each is made in a goroutine, which is left behind then.
type Folder struct {
	place
	leftovers sync.Map // kinds of which leftovers were removed
}

// NewFolder is the remote cache in a folder, which has to be there: where a mount is missing, the
// folder below it is none.
func NewFolder(dir string, readOnly bool) *Folder {
	return &Folder{place: place{address: dir, readOnly: readOnly}}
}

// Fetch reads an entry.
func (f *Folder) Fetch(ctx context.Context, kind, name string, limit int64) ([]byte, error) {
	return graceful.Await(ctx, func() ([]byte, error) {
		data, err := regularfile.Read(filepath.Join(f.address, kind, name), limit)
		var refused *regularfile.Refused
		if errors.As(err, &refused) {
			return nil, nil // a pipe, or a file without an end, is no entry
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, f.missing()
		}
		return data, err
	})
}

// missing says that the folder itself is not there.
func (f *Folder) missing() error {
	info, err := os.Stat(f.address)
	if err == nil && !info.IsDir() {
		err = errors.New("it is no folder")
	}
	return err
}

// Store writes an entry.
func (f *Folder) Store(ctx context.Context, kind, name string, entry []byte) error {
	_, err := graceful.Await(ctx, func() (struct{}, error) {
		if err := f.missing(); err != nil {
			return struct{}{}, err
		}
		dir := filepath.Join(f.address, kind)
		// As open to others as the folder itself, as far as the umask goes.
		if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return struct{}{}, err
		}
		if _, done := f.leftovers.LoadOrStore(kind, true); !done {
			_ = atomicfile.RemoveLeftovers(dir)
		}
		return struct{}{}, atomicfile.Write(filepath.Join(dir, name), entry, 0o666)
	})
	return err
}
