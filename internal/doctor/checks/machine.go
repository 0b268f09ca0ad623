package checks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/git"
)

// Free space below these is too little for a release, or worth a warning, in bytes: a package
// is downloaded, packed and reported at some MiB each.
const (
	leastSpace  = 16 << 20
	enoughSpace = 256 << 20
)

func bytesText(n uint64) string { return humanize.IBytes(n) }

// space says how much is free where a release writes.
func (c *Checker) space() Check {
	check := Check{Name: NameSpace, Status: OK}
	var parts []string
	for _, place := range []struct{ what, folder string }{{"temporary files", os.TempDir()}, {"the project", c.Project.Root}} {
		free, ok := freeSpace(existing(place.folder))
		if !ok {
			continue
		}
		parts = append(parts, fmt.Sprintf("%s for %s (%s)", bytesText(free), place.what, place.folder))
		if status := statusOfSpace(free); status == Failed || check.Status == OK {
			check.Status = status
		}
	}
	if len(parts) == 0 {
		return Check{Name: NameSpace, Status: Skipped, Message: "not known on this system"}
	}
	if check.Status != OK {
		check.Hint = "free some space, or set TMPDIR to a folder on another disk"
	}
	check.Message = strings.Join(parts, ", ") + " free"
	return check
}

// statusOfSpace judges so many free bytes.
func statusOfSpace(free uint64) Status {
	switch {
	case free < leastSpace:
		return Failed
	case free < enoughSpace:
		return Warning
	}
	return OK
}

// existing is the folder itself or the nearest one above it that is there.
func existing(folder string) string {
	for {
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			return folder
		}
		above := filepath.Dir(folder)
		if above == folder {
			return folder
		}
		folder = above
	}
}

// folders says whether a release may write where it has to. Nothing is written to find out.
func (c *Checker) folders() Check {
	var closed, open []string
	for _, folder := range []string{filepath.Join(c.Project.Root, ".ksrelease"), c.Project.Output, os.TempDir()} {
		if folder == "" {
			continue
		}
		if isWritable(existing(folder)) {
			open = append(open, folder)
		} else {
			closed = append(closed, folder)
		}
	}
	if len(closed) > 0 {
		return Check{Name: NameFolders, Status: Failed, Message: "not writable: " + strings.Join(closed, ", "), Hint: "run as a user who may write there, or choose other folders (package.output, TMPDIR)"}
	}
	return Check{Name: NameFolders, Status: OK, Message: "writable: " + strings.Join(open, ", ")}
}

// git says which commit reports will name.
func (c *Checker) git(ctx context.Context) Check {
	if revision := git.Commit(ctx, c.Project.Root); revision != "" {
		return Check{Name: NameGit, Status: OK, Message: "commit " + git.Short(revision) + " is checked out"}
	}
	return Check{Name: NameGit, Status: OK, Message: "there is no commit: results have no revision"}
}
