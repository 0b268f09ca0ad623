package extension

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension/helmignore"
)

// LeftOut is a file that a line of .helmignore keeps out of the package.
type LeftOut struct {
	// Name is a slash path below the extension.
	Name string
	// Line is that of .helmignore, from 1, and Pattern what stands there.
	Line    int
	Pattern string
}

// maxListed bounds how many entries below folders that are left out are looked at: such a
// folder may be any (node_modules), and has mostly nothing that is needed.
const maxListed = 5000

// LeaveOut remembers what a line of .helmignore leaves out: a file, or the files in a
// folder.
func (t *tree) leaveOut(name, at string, info fs.FileInfo) {
	if t.lines == nil { // of most extensions nothing is left out
		t.lines = helmignore.Lines(t.patterns)
	}
	i := slices.IndexFunc(t.lines, func(l helmignore.Line) bool { return l.Rules.Ignore(name, info) })
	if i < 0 {
		return // Helm's own default, or a link to nothing
	}
	line := t.lines[i]
	if !info.IsDir() {
		if t.listed++; t.listed <= maxListed {
			t.leftOut = append(t.leftOut, LeftOut{name, line.Number, line.Pattern})
		}
		return
	}
	enough := errors.New("enough")
	// What cannot be read is not needed: nobody reads it.
	_ = fs.WalkDir(t.root.FS(), at, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || helmignore.NeverPackedPart(path.Base(file)):
			if err != nil && t.watch != nil {
				t.watch.Unsure()
			}
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			t.has(file)
			return nil
		}
		if t.listed++; t.listed > maxListed {
			return enough
		}
		t.leftOut = append(t.leftOut, LeftOut{name + strings.TrimPrefix(file, at), line.Number, line.Pattern})
		return nil
	})
}
