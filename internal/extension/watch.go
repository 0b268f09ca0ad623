package extension

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Watcher is given what an extension is read from, so that somebody can see later whether it would
// be read as the same again. All paths are absolute and without links. It is called by one
// goroutine.
type Watcher interface {
	// Has gives the state of a file or folder, as it was before its content was read.
	Has(path string, state fs.FileInfo)
	// Leads gives where a link led when it was followed: see LeadsTo.
	Leads(path, real string, kind fs.FileMode)
	// Unsure says that the outcome depends on something else, and may be another one next time.
	Unsure()
}

// LeadsTo is where a path leads, all links resolved, and which kind of file is there (its type
// bits). real is empty where it leads to nothing that can be reached.
func LeadsTo(path string) (real string, kind fs.FileMode) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", 0
	}
	info, err := os.Lstat(real)
	if err != nil {
		return "", 0
	}
	return real, info.Mode().Type()
}

// has gives the state of what is at a path below the root to who watches, before it is read.
func (t *tree) has(at string) {
	if t.watch == nil {
		return
	}
	info, err := t.root.Lstat(filepath.FromSlash(at))
	if err != nil {
		t.watch.Unsure()
		return
	}
	t.watch.Has(t.full(at), info)
}

// leads gives where what is at a path below the root leads to who watches.
func (t *tree) leads(at string) {
	if t.watch != nil {
		real, kind := LeadsTo(t.full(at))
		t.watch.Leads(t.full(at), real, kind)
	}
}

// full is the path of what is at a path below the root.
func (t *tree) full(at string) string { return filepath.Join(t.real, filepath.FromSlash(at)) }

// Ignored is the path that Options.Ignore names, links resolved as far as it is there.
func Ignored(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	} else if folder, err := filepath.EvalSymlinks(filepath.Dir(name)); err == nil { // not written yet
		name = filepath.Join(folder, filepath.Base(name))
	}
	return filepath.Clean(name)
}
