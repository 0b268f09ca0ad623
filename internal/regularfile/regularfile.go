// Package regularfile reads files that may have been placed by others: a pull request
// can make any file of a project a link to what is secret on the machine of the CI job,
// a named pipe that nobody writes to, or a device that has no end. What is read is a
// regular file of bounded size and, where asked for, one that lies in a folder when all
// links are followed. What such a file means, and whether its content may be shown,
// others know.
package regularfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ksrelease/ksrelease/internal/failure"
)

// Refused is the error for a file that is there and is not read. It says why, without
// the path.
type Refused struct{ reason string }

// Error says what the file is: "it is a named pipe, and no regular file".
func (r *Refused) Error() string { return r.reason }

// Read reads a regular file of at most limit bytes. Links are followed. The error is a
// *Refused, or that of the system without the path; errors.Is finds fs.ErrNotExist.
func Read(path string, limit int64) ([]byte, error) {
	return read(limit, func() (fs.FileInfo, error) { return os.Stat(path) },
		func() (*os.File, error) { return os.OpenFile(path, os.O_RDONLY|AtOnce, 0) })
}

// ReadWithin is Read for a file that must lie in a folder: links may lead from one place
// in it to another, and not out of it. Nothing outside of the folder is opened, whatever
// happens to the links meanwhile.
func ReadWithin(folder, path string, limit int64) ([]byte, error) {
	place, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, failure.WithoutPath(err)
	}
	if place, err = filepath.Abs(place); err != nil {
		return nil, err
	}
	root, err := resolved(folder)
	if err != nil {
		return nil, err
	}
	below, err := filepath.Rel(root, place)
	if err != nil || !filepath.IsLocal(below) {
		return nil, &Refused{"it is a link that leads out of " + folder}
	}
	opened, err := os.OpenRoot(root)
	if err != nil {
		return nil, failure.WithoutPath(err)
	}
	defer opened.Close()
	return read(limit, func() (fs.FileInfo, error) { return opened.Stat(below) },
		func() (*os.File, error) { return opened.OpenFile(below, os.O_RDONLY|AtOnce, 0) })
}

func resolved(folder string) (string, error) {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return "", failure.WithoutPath(err)
	}
	return filepath.Abs(folder)
}

// read looks at a file before it opens it, because to open a device may do something,
// and once more at what it opened, which may be another by then.
func read(limit int64, stat func() (fs.FileInfo, error), open func() (*os.File, error)) ([]byte, error) {
	info, err := stat()
	if err != nil {
		return nil, failure.WithoutPath(err)
	}
	if err := check(info, limit); err != nil {
		return nil, err
	}
	file, err := open()
	if err != nil {
		return nil, failure.WithoutPath(err)
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, failure.WithoutPath(err)
	}
	if err := check(info, limit); err != nil {
		return nil, err
	}
	// The size of a file in /proc is 0, and one that is written to may grow.
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, failure.WithoutPath(err)
	}
	if int64(len(data)) > limit {
		return nil, tooLarge(limit)
	}
	return data, nil
}

func check(info fs.FileInfo, limit int64) error {
	if kind := kindOf(info.Mode()); kind != "" {
		return &Refused{"it is " + kind + ", and no regular file"}
	}
	if info.Size() > limit {
		return tooLarge(limit)
	}
	return nil
}

func tooLarge(limit int64) error {
	if limit >= 1<<20 {
		return &Refused{fmt.Sprintf("it has more than %d MiB", limit>>20)}
	}
	return &Refused{fmt.Sprintf("it has more than %d bytes", limit)}
}

// kindOf is what something is that is no regular file; empty for one that is.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return ""
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}
