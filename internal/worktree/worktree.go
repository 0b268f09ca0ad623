// Package worktree finds out what of an extension is not as it was committed: what a package
// would hold that nobody finds again in the history.
package worktree

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/commits"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/results"
)

// The states of a file, as results.Uncommitted has them.
const (
	Changed   = "changed"   // with other content, or not committed yet
	Removed   = "removed"   // the commit has it, and the package would not
	Untracked = "untracked" // nobody has added it
	Ignored   = "ignored"   // a .gitignore names it
	LineEnds  = "line-ends" // only CR LF and LF differ
)

// Found is what of an extension is not as it was committed.
type Found struct {
	// Known is false where git cannot say: there is no commit yet, the folder lies elsewhere,
	// or the extension is a package.
	Known bool
	// Files are sorted by name. One of a file:// dependency leads there
	// (../../charts/base/values.yaml), and a whole folder ends with a slash.
	Files []results.Uncommitted
}

// Tree is the work tree that holds a project. It may be used by several goroutines.
type Tree struct {
	repository *git.Repository
	once       sync.Mutex
	looked     bool
	status     []git.Status // sorted by path
	commits    *commits.Repository
	unknown    error
}

// Open finds the work tree that holds a folder. The error is that of git.Open.
func Open(ctx context.Context, dir string) (*Tree, error) {
	repository, err := git.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	return &Tree{repository: repository}, nil
}

// Revision is the commit that is checked out; empty where there is none.
func (t *Tree) Revision() string { return t.repository.Head }

// Close ends the processes of git.
func (t *Tree) Close() {
	t.once.Lock()
	defer t.once.Unlock()
	if t.commits != nil {
		t.commits.Close()
	}
}

// Look asks git what is not committed now. What is written later is not reported: hooks of the
// config, for one, make what belongs to the extension.
func (t *Tree) Look(ctx context.Context) error {
	t.once.Lock()
	defer t.once.Unlock()
	return t.look(ctx)
}

func (t *Tree) look(ctx context.Context) error {
	if t.looked || t.unknown != nil {
		return t.unknown
	}
	status, err := t.repository.Status(ctx)
	if ctx.Err() != nil {
		return ctx.Err() // somebody else may ask again
	}
	slices.SortFunc(status, func(a, b git.Status) int { return strings.Compare(a.Path, b.Path) })
	t.status, t.unknown, t.looked = status, err, err == nil
	return err
}

// read asks git once.
func (t *Tree) read(ctx context.Context) error {
	t.once.Lock()
	defer t.once.Unlock()
	if err := t.look(ctx); err != nil || t.commits != nil {
		return err
	}
	opened, err := commits.Open(context.WithoutCancel(ctx), t.repository) // for all who ask later; Close ends it
	if ctx.Err() != nil {
		return ctx.Err()
	}
	t.commits, t.unknown = opened, err
	return err
}

// Uncommitted are the files of an extension that are not as they were committed. dir is its
// folder, and ext what was read of it.
func (t *Tree) Uncommitted(ctx context.Context, dir string, ext *extension.Extension) (Found, error) {
	if t.repository.Head == "" || ext.ArchiveDigest != "" {
		return Found{}, nil
	}
	if err := t.read(ctx); err != nil {
		return Found{}, err
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return Found{}, err
	}
	rel, ok := git.Within(t.repository.Top, real)
	if !ok {
		return Found{}, nil
	}
	l := looked{ctx: ctx, tree: t, dir: real, rel: rel}
	l.files(ext)
	l.removed()
	l.removedInModules()
	for _, d := range ext.Metadata.Dependencies {
		if folder, ok := strings.CutPrefix(d.Repository, "file://"); ok && wasResolved(ext, d.Name) {
			l.folder(folder)
		}
	}
	slices.SortFunc(l.found, func(a, b results.Uncommitted) int { return strings.Compare(a.File, b.File) })
	return Found{true, slices.Compact(l.found)}, ctx.Err()
}

func wasResolved(ext *extension.Extension, name string) bool {
	return slices.ContainsFunc(ext.Resolved, func(r extension.Resolved) bool { return r.Name == name })
}

// find is what git says of a path: itself, or of a folder or submodule above it.
func (t *Tree) find(at string) (git.Status, bool) {
	for name := at; name != "." && name != "/"; name = path.Dir(name) {
		// A folder may be in the place of a file that the commit has: that says nothing of what is in it.
		if found, ok := t.listed(name); ok && (name == at || found.Submodule) {
			return found, true
		}
		if found, ok := t.listed(name + "/"); ok {
			return found, true
		}
	}
	return git.Status{}, false
}

func (t *Tree) listed(name string) (git.Status, bool) {
	i, ok := slices.BinarySearchFunc(t.status, name, func(s git.Status, name string) int { return strings.Compare(s.Path, name) })
	if !ok {
		return git.Status{}, false
	}
	return t.status[i], true
}

// below are what git lists in a folder.
func (t *Tree) below(folder string) []git.Status {
	prefix := folder + "/"
	if folder == "." {
		prefix = ""
	}
	var list []git.Status
	for _, s := range t.status {
		if strings.HasPrefix(s.Path, prefix) && s.Path != prefix {
			list = append(list, s)
		}
	}
	return list
}

// committed is a file as the commit has it, in submodules the commit that it has of them; ok is
// false where it has none.
func (t *Tree) committed(ctx context.Context, at string) ([]byte, bool) {
	found, err := t.commits.Find(ctx, t.repository.Head, at)
	if err != nil || found == nil || !found.Entry.Mode.IsFile() {
		return nil, false
	}
	data, err := found.Repository.Objects.Blob(found.Entry.Object)
	return data, err == nil
}

// looked is one extension that is looked at.
type looked struct {
	ctx   context.Context
	tree  *Tree
	dir   string // absolute, links resolved
	rel   string // relative to the top
	found []results.Uncommitted
}

// files looks at the files that would be packed.
func (l *looked) files(ext *extension.Extension) {
	charts := map[string]bool{} // brought in, and no files of the folder
	for _, r := range ext.Resolved {
		charts["charts/"+r.Name+"-"+r.Version+".tgz"] = true
	}
	_, listed := l.tree.find(l.rel)
	touched := listed || len(l.tree.below(l.rel)) > 0
	for _, f := range ext.Files {
		if charts[f.Name] || !touched && !bytes.Contains(f.Data, []byte("\r\n")) {
			continue
		}
		at := path.Join(l.rel, f.Name)
		// A file may be in a folder that is a link.
		if real, err := filepath.EvalSymlinks(filepath.Join(l.dir, filepath.FromSlash(f.Name))); err == nil {
			if rel, ok := git.Within(l.tree.repository.Top, real); ok {
				at = rel
			}
		}
		if state := l.tree.stateOf(l.ctx, at, f.Data); state != "" {
			l.found = append(l.found, results.Uncommitted{File: f.Name, State: state})
		}
	}
}

// stateOf is in which way a file is not as it was committed; empty where it is.
func (t *Tree) stateOf(ctx context.Context, at string, data []byte) string {
	status, listed := t.find(at)
	switch {
	case listed && status.State == git.StateUntracked:
		return Untracked
	case listed && status.State == git.StateIgnored:
		return Ignored
	case !listed && !bytes.Contains(data, []byte("\r\n")):
		return ""
	}
	// git may take another content for the same (core.autocrlf), or another for what was
	// fetched in its place (git LFS): the package has the bytes that are here.
	committed, ok := t.committed(ctx, at)
	switch {
	case !ok && listed:
		return Changed
	case !ok, bytes.Equal(committed, data), unpack.PointsTo(committed, data):
		return ""
	case bytes.Equal(withoutReturns(committed), withoutReturns(data)):
		return LineEnds
	case listed:
		return Changed
	}
	return ""
}

func withoutReturns(data []byte) []byte { return bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")) }

// removed looks for files that the commit has, and the folder has not.
func (l *looked) removed() {
	for _, s := range l.tree.below(l.rel) {
		name := strings.TrimPrefix(s.Path, strings.TrimSuffix(l.rel+"/", "./"))
		file := filepath.Join(l.dir, filepath.FromSlash(name))
		if s.State != git.StateChanged || !s.Gone || exists(file) {
			continue
		}
		if !exists(filepath.Dir(file)) || extension.WouldPack(l.dir, file, extension.Options{}) {
			l.found = append(l.found, results.Uncommitted{File: name, State: Removed})
		}
	}
}

// removedInModules does the same in submodules of which the commit has another commit than is
// checked out.
func (l *looked) removedInModules() {
	modules := l.tree.below(l.rel)
	if above, ok := l.tree.find(l.rel); ok {
		modules = append(modules, above)
	}
	for _, s := range modules {
		if !s.Submodule {
			continue
		}
		at := s.Path
		if len(l.rel) > len(at) {
			at = l.rel // the extension lies in it
		}
		found, err := l.tree.commits.Find(l.ctx, l.tree.repository.Head, at)
		if err != nil || found == nil || found.Entry.Mode != git.ModeFolder { // each file in it has changed
			continue
		}
		l.removedBelow(found.Repository.Objects, found.Entry.Object, strings.Trim(strings.TrimPrefix(at, l.rel), "/"))
	}
}

// removedBelow looks for what a folder of a commit has; name is that of the folder in the extension.
func (l *looked) removedBelow(objects *git.Objects, folder, name string) {
	entries, err := objects.Tree(folder)
	if err != nil {
		return
	}
	for _, entry := range entries {
		name := path.Join(name, entry.Name)
		file := filepath.Join(l.dir, filepath.FromSlash(name))
		switch {
		case entry.Mode == git.ModeFolder:
			l.removedBelow(objects, entry.Object, name)
		case entry.Mode == git.ModeSubmodule || exists(file):
		case !exists(filepath.Dir(file)) || extension.WouldPack(l.dir, file, extension.Options{}):
			l.found = append(l.found, results.Uncommitted{File: name, State: Removed})
		}
	}
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return !errors.Is(err, fs.ErrNotExist)
}

// folder looks at the folder of a file:// dependency, whose files are packed, too.
func (l *looked) folder(written string) {
	at := filepath.FromSlash(written)
	if !filepath.IsAbs(at) {
		at = filepath.Join(l.dir, at)
	}
	real, err := filepath.EvalSymlinks(at)
	if err != nil {
		return
	}
	rel, ok := git.Within(l.tree.repository.Top, real)
	if !ok {
		return
	}
	list := l.tree.below(rel)
	if whole, listed := l.tree.find(rel); listed {
		list = append(list, git.Status{Path: rel + "/", State: whole.State})
	}
	for _, s := range list {
		name := strings.TrimPrefix(strings.TrimPrefix(s.Path, rel), "/")
		file := filepath.Join(real, filepath.FromSlash(name))
		if s.State == git.StateUnwatched || name != "" && exists(filepath.Dir(file)) && !extension.WouldPack(real, file, extension.Options{}) {
			continue
		}
		state := map[git.State]string{git.StateChanged: Changed, git.StateUntracked: Untracked, git.StateIgnored: Ignored}[s.State]
		if s.Gone {
			state = Removed
		}
		shown := path.Join(written, name)
		if strings.HasSuffix(s.Path, "/") {
			shown += "/"
		}
		l.found = append(l.found, results.Uncommitted{File: shown, State: state})
	}
}
