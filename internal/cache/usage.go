package cache

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// The folders next to the entries that other packages keep things in: downloaded charts
// (internal/dependency), and the platforms of images (internal/images/presence). What is in them is
// found by their names; they are no part of the limit, and each has bounds of its own.
const (
	Charts    = "charts"
	Platforms = "platforms"
)

// others are those folders, with the files that are theirs. Whoever names a folder that has other
// things in it loses none of them by Clean.
var others = []struct {
	name  string
	below []string // folders in it; "." for itself
	files *lazyregexp.Regexp
}{
	{Charts, []string{"sha256", "locked"}, lazyregexp.New(`^([0-9a-f]{64}\.(tgz|json)|\.ksrelease-[A-Z2-7]{26})$`)},
	{Platforms, []string{"."}, lazyregexp.New(`^(sha256-[0-9a-f]{64}\.json|\.ksrelease-[A-Z2-7]{26})$`)},
}

// Part is a part of what commands keep.
type Part struct {
	Name     string    `json:"name"`               // lint, charts
	Entries  int       `json:"entries"`            // files
	Bytes    int64     `json:"bytes"`              // on the disk
	LastUsed time.Time `json:"last_used,omitzero"` // of the latest of them, to the hour
}

func (p *Part) add(info fs.FileInfo) {
	p.Entries++
	p.Bytes += onDisk(info.Size())
	if info.ModTime().After(p.LastUsed) {
		p.LastUsed = info.ModTime()
	}
}

// Usage is what a folder has, the largest part first. Parts of which there is nothing are left out.
func Usage(ctx context.Context, dir string) ([]Part, error) {
	parts := map[string]*Part{}
	err := inspect(ctx, dir, func(name string, _ *os.Root, _ string, info fs.FileInfo) {
		if parts[name] == nil {
			parts[name] = &Part{Name: name}
		}
		parts[name].add(info)
	})
	var all []Part
	for _, p := range parts {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b Part) int { return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name)) })
	return all, err
}

// Clean removes all that Usage counts, and nothing else, and returns what it has removed. Other commands
// may use the folder meanwhile. The error says what could not be removed.
func Clean(ctx context.Context, dir string) (removed Part, err error) {
	var failed error
	err = inspect(ctx, dir, func(_ string, in *os.Root, file string, info fs.FileInfo) {
		switch err := in.Remove(file); {
		case err == nil:
			removed.add(info)
		case !errors.Is(err, fs.ErrNotExist) && failed == nil:
			failed = err
		}
	})
	return removed, cmp.Or(err, failed)
}

// inspect shows all files of a folder that are those of a cache.
func inspect(ctx context.Context, dir string, show func(part string, in *os.Root, file string, info fs.FileInfo)) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f, err := existing(dir)
	if err != nil {
		return err
	}
	if f != nil {
		defer f.close()
		f.walk(ctx, func(kind string, in *os.Root, file string, info fs.FileInfo) {
			if isEntry(file) || strings.HasPrefix(file, unfinished) {
				show(kind, in, file, info)
			}
		})
	}
	base, err := os.OpenRoot(dir)
	if err != nil {
		return failure.WithoutPath(err)
	}
	defer base.Close()
	for _, other := range others {
		for _, below := range other.below {
			name := filepath.Join(other.name, below)
			if info, err := base.Lstat(name); err != nil || !info.IsDir() {
				continue
			}
			in, err := base.OpenRoot(name)
			if err != nil {
				return failure.WithoutPath(err)
			}
			walkFiles(ctx, in, func(in *os.Root, file string, info fs.FileInfo) {
				if other.files.MatchString(file) {
					show(other.name, in, file, info)
				}
			})
			in.Close()
		}
	}
	return context.Cause(ctx)
}

// Check says what keeps a folder from being used as a cache, or from being written to; nil: nothing does. It makes the folder.
func Check(dir string) error {
	f, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer f.close()
	next, err := f.create("probe-0")
	if err != nil {
		return failure.WithoutPath(err)
	}
	_, err = io.WriteString(next, strings.Repeat("x", 4096))
	next.drop()
	_ = f.root.Remove("probe-0")
	return err
}
