package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	trimName  = "trim"
	grownName = "grown"

	trimAtMost   = time.Hour           // no two trims are closer to each other
	trimAtLeast  = 30 * 24 * time.Hour // one is due, whatever was counted: processes that were killed did not count
	trimPatience = 10 * time.Second
	// unfinishedFor is how old a file is that is not in its place and that nobody writes any more.
	unfinishedFor = 24 * time.Hour
	// keptShare of the limit is left by a trim, so that the next one is not due soon.
	keptShare = 0.75
)

// account adds what this process has written to what the folder has grown by since it was trimmed.
// So whether a trim is due is known without a look at all entries.
func (l *local) account() {
	written := l.written.Swap(0)
	if written == 0 {
		return
	}
	file, err := l.folder.root.OpenFile(grownName, os.O_WRONLY|os.O_CREATE|os.O_APPEND|atOnce, 0o600)
	if err == nil {
		_, err = fmt.Fprintf(file, "%d\n", written)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		l.fails(err)
	}
}

// due reports whether the folder is to be trimmed now.
func (l *local) due(now time.Time) bool {
	var had, at int64
	if text, err := l.small(trimName); err == nil {
		_, _ = fmt.Fscan(bytes.NewReader(text), &had, &at)
	}
	age := now.Sub(time.Unix(at, 0))
	if age >= 0 && age < trimAtMost {
		return false
	}
	text, err := l.small(grownName)
	if err != nil {
		return age > trimAtLeast && had > l.limit
	}
	for line := range bytes.Lines(text) {
		var n int64
		if _, err := fmt.Sscan(string(line), &n); err == nil && n > 0 {
			had += n
		}
	}
	return had > l.limit || age > trimAtLeast || age < 0
}

// small reads one of the two files of a trim.
func (l *local) small(name string) ([]byte, error) {
	file, err := l.folder.root.OpenFile(name, os.O_RDONLY|atOnce, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, 1<<20))
}

// trim removes the entries that were not used for longest, until the rest is well below the limit.
// The process that begins says so first, so that others do not.
func (l *local) trim(ctx context.Context) {
	now := l.now()
	if !l.due(now) || !l.trimmed(l.limit, now) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, trimPatience)
	defer cancel()
	_ = l.folder.root.Remove(grownName)
	// Entries may be hundreds of thousands, so that only sums are kept in memory.
	used := usage{now: now, hours: map[int64]int64{}}
	whole := l.folder.walk(ctx, func(_ string, dir *os.Root, name string, info fs.FileInfo) {
		if !isEntry(name) && now.Sub(info.ModTime()) > unfinishedFor && dir.Remove(name) == nil {
			return
		}
		used.hours[used.hour(info)] += onDisk(info.Size())
		used.total += onDisk(info.Size())
	})
	// A disk that is too slow to be looked through is trimmed by what was seen of it.
	if used.total > l.limit {
		l.folder.walk(context.WithoutCancel(ctx), used.keeping(int64(float64(l.limit)*keptShare)))
	}
	if whole {
		l.trimmed(used.total, now)
	}
}

// usage is how many bytes were used last in which hour.
type usage struct {
	now   time.Time
	hours map[int64]int64
	total int64
}

// hour is that in which a file was used last. A time that is yet to come says nothing: a clock was wrong.
func (u *usage) hour(info fs.FileInfo) int64 {
	if info.ModTime().Sub(u.now) > usedAgain {
		return 0
	}
	return info.ModTime().Unix() / 3600
}

// keeping removes what was used longest ago, so that limit bytes are left: all of earlier hours, and
// of the hour at the boundary as much as has to be.
func (u *usage) keeping(limit int64) func(kind string, dir *os.Root, name string, info fs.FileInfo) {
	boundary, excess := int64(0), u.total-limit
	for _, hour := range slices.Sorted(maps.Keys(u.hours)) {
		if boundary = hour; excess <= u.hours[hour] {
			break
		}
		excess -= u.hours[hour]
	}
	return func(_ string, dir *os.Root, name string, info fs.FileInfo) {
		hour, size := u.hour(info), onDisk(info.Size())
		if hour > boundary || hour == boundary && excess <= 0 || dir.Remove(name) != nil {
			return
		}
		u.total -= size
		if hour == boundary {
			excess -= size
		}
	}
}

// trimmed writes down when the folder was trimmed, and what it has, and reports whether that could be
// written.
func (l *local) trimmed(has int64, at time.Time) bool {
	next := "next-" + trimName
	file, err := l.folder.root.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|atOnce, 0o600)
	if err != nil {
		return false
	}
	_, err = fmt.Fprintf(file, "%d %d\n", has, at.Unix())
	return errors.Join(err, file.Close()) == nil && l.folder.root.Rename(next, trimName) == nil
}

// walk shows all files of entries, until ctx ends; whole says that it showed all.
func (f *folder) walk(ctx context.Context, show func(kind string, dir *os.Root, name string, info fs.FileInfo)) (whole bool) {
	kinds, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return false
	}
	whole = true
	for _, kind := range kinds {
		if !kind.IsDir() {
			continue
		}
		dir, err := f.kind(kind.Name(), false)
		if err != nil {
			whole = false
			continue
		}
		if !walkFiles(ctx, dir, func(dir *os.Root, name string, info fs.FileInfo) { show(kindName(kind.Name()), dir, name, info) }) {
			return false
		}
	}
	return whole
}

// kindName is the word of a kind, for people: lint of lint-1.
func kindName(folder string) string {
	if i := strings.LastIndexByte(folder, '-'); i > 0 {
		return folder[:i]
	}
	return folder
}

// atOnceNames is how many names of a folder are read at once.
const atOnceNames = 1024

func walkFiles(ctx context.Context, dir *os.Root, show func(dir *os.Root, name string, info fs.FileInfo)) bool {
	list, err := dir.Open(".")
	if err != nil {
		return false
	}
	defer list.Close()
	for {
		names, err := list.Readdirnames(atOnceNames)
		for _, name := range names {
			if ctx.Err() != nil {
				return false
			}
			if info, err := dir.Lstat(name); err == nil && !info.IsDir() {
				show(dir, name, info)
			}
		}
		if err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}
