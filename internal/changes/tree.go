package changes

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/commits"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/git"
)

// baseTree is a commit of the main repository that extensions are compared with.
type baseTree struct {
	base Base
	// config is that of the commit; today's where the commit has none, or one that cannot be
	// read, which note says.
	config *config.Config
	note   string
	// sameConfig says that the file is the one of today, byte for byte.
	sameConfig bool

	places map[string]*was // what look has found, by path
	list   []string        // what declared has found
	listed bool
}

// was is an extension at a base.
type was struct {
	identity
	*commits.Place        // the folder or the package
	read           bool   // identity is known
	rel            string // relative to the main repository, as it was declared
}

// base reads what has to be known of a commit, once.
func (f *finder) base(ctx context.Context, base Base) (*baseTree, error) {
	if known, ok := f.bases[base.Commit]; ok {
		again := *known
		again.base = base
		return &again, nil
	}
	tree := &baseTree{base: base, config: f.options.Config, sameConfig: true, places: map[string]*was{}}
	f.bases[base.Commit] = tree
	if f.options.Config.File == "" {
		return tree, nil
	}
	file, err := filepath.Abs(f.options.Config.File)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	rel, ok := git.Within(f.main.Top, filepath.Join(dir, filepath.Base(file)))
	if !ok {
		return tree, nil // a config from elsewhere has no history here
	}
	then, there, err := f.main.Objects.Lookup(base.Commit, rel)
	if err != nil {
		return nil, err
	}
	if !there || !then.Mode.IsFile() {
		return tree, nil
	}
	if !f.changed.touches(rel) && f.main.Head != "" {
		now, isNow, err := f.main.Objects.Lookup(f.main.Head, rel)
		if err != nil {
			return nil, err
		}
		if isNow && now.Object == then.Object {
			return tree, nil
		}
	}
	tree.sameConfig = false
	text, err := f.main.Objects.Blob(then.Object)
	if err != nil {
		return nil, err
	}
	read, err := config.Parse(file, text, f.options.Environment)
	if err != nil {
		tree.note = fmt.Sprintf("the config at %s cannot be read (%s): that of today is used, and settings are not compared", base, cause(err))
		f.found.Warnings = append(f.found.Warnings, tree.note)
		return tree, nil
	}
	tree.config = read
	return tree, nil
}

// cause is an error in one line: the first of several mistakes in a file.
func cause(err error) string {
	var problems diagnostic.List
	if errors.As(err, &problems) && len(problems) > 0 {
		return problems.Sorted()[0].Message
	}
	return err.Error()
}

// declares reports whether the config of the base declares an extension at a path.
func (b *baseTree) declares(f *finder, rel string) bool {
	if b.config.File == "" {
		return true
	}
	_, ok := b.config.Declared(f.absolute(rel), b.isExtension(f))
	return ok
}

// isExtension reports whether a folder was an extension at the base, by its absolute path.
func (b *baseTree) isExtension(f *finder) func(string) bool {
	return func(dir string) bool {
		rel, ok := git.Within(f.main.Top, dir)
		if !ok {
			return false
		}
		_, is, err := f.main.Objects.Lookup(b.base.Commit, path.Join(rel, extension.MetadataFile))
		return err == nil && is
	}
}

// declared are the paths of all extensions that the config of the base declares, sorted.
func (b *baseTree) declared(ctx context.Context, f *finder) ([]string, error) {
	if b.listed {
		return b.list, nil
	}
	if b.config.File == "" { // only what is named today is looked at
		return nil, nil
	}
	all, err := f.main.List(ctx, b.base.Commit)
	if err != nil {
		return nil, err
	}
	var candidates []string
	for _, file := range all {
		switch {
		case path.Base(file.Path) == naming.MetadataFile:
			candidates = append(candidates, path.Dir(file.Path))
		case strings.HasSuffix(file.Path, ".tgz"), file.Mode == git.ModeLink:
			candidates = append(candidates, file.Path)
		}
	}
	for _, t := range f.today { // those in submodules, which are not in the list
		if strings.HasPrefix(t.rel, "..") {
			continue
		}
		candidates = append(candidates, t.rel)
	}
	slices.Sort(candidates)
	places := map[string]bool{}
	var links []string
	for _, rel := range slices.Compact(candidates) {
		if !b.declares(f, rel) {
			continue
		}
		there, err := b.look(ctx, f, rel)
		if err != nil {
			return nil, err
		}
		switch {
		case there == nil:
		case there.Path != rel && there.Repository == f.main:
			links = append(links, rel)
		default:
			places[there.InProject()] = true
			b.list = append(b.list, rel)
		}
	}
	for _, rel := range links { // a link to another one is no second extension
		if at := b.places[rel].Path; !places[at] {
			places[at] = true
			b.list = append(b.list, rel)
		}
	}
	b.listed = true
	return b.list, nil
}

// look finds the extension that was at a path; nil where there was none.
func (b *baseTree) look(ctx context.Context, f *finder, rel string) (*was, error) {
	if known, ok := b.places[rel]; ok {
		return known, nil
	}
	there, err := f.main.Find(ctx, b.base.Commit, rel)
	if err != nil {
		return nil, fmt.Errorf("reading %s at %s: %w", rel, b.base, err)
	}
	b.places[rel] = nil
	switch {
	case there == nil:
	case there.Entry.Mode == git.ModeFolder:
		if _, is, err := there.Below(extension.MetadataFile); err == nil && is {
			b.places[rel] = &was{Place: there, rel: rel}
		}
	case there.Entry.Mode.IsFile() && strings.HasSuffix(rel, ".tgz"):
		b.places[rel] = &was{Place: there, rel: rel}
	}
	return b.places[rel], nil
}

// isNamed reports whether the extension had a name, or may have had it: it cannot be read.
func (w *was) isNamed(name string) bool {
	w.identify()
	return w.name == name || w.err != nil
}

// identify reads the extension.yaml of the base, once.
func (w *was) identify() {
	if w.read {
		return
	}
	w.read = true
	if w.Entry.Mode != git.ModeFolder {
		data, err := w.Repository.Objects.Blob(w.Entry.Object)
		if err != nil {
			w.identity = identity{err: err}
			return
		}
		ext, err := extension.Read(w.rel, data, extension.Limits{})
		if err != nil {
			w.identity = identity{name: naming.GuessName(w.rel), err: err}
			return
		}
		w.identity = identityOf(ext.Metadata, w.rel)
		return
	}
	found, ok, err := w.Below(extension.MetadataFile)
	if err == nil && (!ok || !found.Mode.IsFile()) {
		err = errors.New("it is no file")
	}
	var text []byte
	if err == nil {
		text, err = w.Repository.Objects.Blob(found.Object)
	}
	if err != nil {
		w.identity = identity{err: err}
		return
	}
	w.identity = readIdentity(text, w.rel)
}

// isSame reports whether an extension has the very files that it had at a base, by their
// object names and by what git says of the work tree: then it need not be read.
func (f *finder) isSame(ctx context.Context, tree *baseTree, t *today, then *was) (bool, error) {
	if then == nil {
		return false, nil
	}
	if same, known := t.same[then]; known {
		return same, nil
	}
	same, err := f.sameFiles(ctx, tree, t, then)
	if t.same == nil {
		t.same = map[*was]bool{}
	}
	t.same[then] = same
	return same, err
}

func (f *finder) sameFiles(ctx context.Context, tree *baseTree, t *today, then *was) (bool, error) {
	same, err := f.sameFolder(ctx, t.rel, t.real, then.Place)
	if err != nil || !same {
		return false, err
	}
	for _, folder := range t.folders {
		rel, ok := f.dependency(t, folder)
		if !ok {
			continue
		}
		before, err := f.main.Find(ctx, tree.base.Commit, rel)
		if err != nil {
			return false, err
		}
		if before == nil {
			return false, nil
		}
		if same, err := f.sameFolder(ctx, rel, rel, before); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// sameFolder reports whether a folder or file of the work tree is what it was.
func (f *finder) sameFolder(ctx context.Context, rel, real string, then *commits.Place) (bool, error) {
	if f.changed.touches(rel) || f.changed.touches(real) {
		return false, nil
	}
	if f.main.Head == "" {
		return false, nil
	}
	now, err := f.main.Find(ctx, f.main.Head, rel)
	if err != nil || now == nil {
		return false, err
	}
	return now.Entry.Object == then.Entry.Object && now.Entry.Mode == then.Entry.Mode, nil
}

// dependency is the folder of a file:// dependency, relative to the main work tree; ok is false
// where it leads out of it.
func (f *finder) dependency(t *today, repository string) (string, bool) {
	at := filepath.FromSlash(strings.TrimPrefix(repository, "file://"))
	if !filepath.IsAbs(at) {
		at = filepath.Join(f.main.Top, filepath.FromSlash(t.real), at)
	}
	if real, err := filepath.EvalSymlinks(at); err == nil {
		at = real
	}
	return git.Within(f.main.Top, at)
}
