package changes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/commits"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
)

// Options say what Find looks at.
type Options struct {
	// Config is that of the project, and Sources are all extensions that it declares.
	Config  *config.Config
	Sources []config.Source
	// Ignore are absolute paths that are part of no extension, besides the output folders.
	Ignore []string
	// Since is the base: a ref, or auto.
	Since string
	// Environment looks up variables: those of the CI, and those that a config names.
	Environment func(string) (string, bool)
	// Published is asked by auto for extensions without a tag; nil: nobody is.
	Published Published
}

// Published is where extensions are released to.
type Published interface {
	// Compare compares an extension, in the folder or package at a path, with the version that
	// is published of it: its own, or else the newest. version is empty where there is none.
	Compare(ctx context.Context, path string, ext *extension.Extension) (version string, found compare.Differences, err error)
}

// Find finds out what became of each extension. Its error is that of a base that is not there,
// or of git; it has a hint.
func Find(ctx context.Context, o Options) (*Changes, error) {
	f := &finder{options: o, found: &Changes{Since: o.Since, Extensions: []Extension{}}, bases: map[string]*baseTree{}}
	defer f.close()
	if real, err := filepath.EvalSymlinks(o.Config.Dir); err == nil {
		f.dir = real
	} else {
		f.dir = o.Config.Dir
	}
	// git and the extensions are read at the same time.
	var group errgroup.Group
	group.Go(func() error { return f.identifyAll(ctx) })
	var paths []string
	for _, source := range o.Sources {
		paths = append(paths, source.Path)
	}
	repository, err := git.Open(ctx, git.Home(ctx, o.Config.Dir, paths...))
	without := err
	if err == nil {
		f.found.repository = repository
		err = f.open(ctx, repository)
	}
	if unread := group.Wait(); unread != nil {
		return nil, unread
	}
	switch {
	case err == nil:
		err = f.place()
		if err == nil && o.Since == Auto {
			err = f.auto(ctx)
		} else if err == nil {
			err = f.since(ctx)
		}
	case without == nil:
	case ctx.Err() == nil && o.Since == Auto && o.Published != nil:
		f.found.Warnings = append(f.found.Warnings, without.Error()+": each extension is compared with what is published of it")
		err = f.published(ctx, f.today)
	default:
		err = needsGit(o.Since, without)
	}
	if err != nil {
		return nil, err
	}
	f.found.sort()
	return f.found, nil
}

// finder is one search for changes.
type finder struct {
	options Options
	found   *Changes
	today   []*today
	main    *commits.Repository
	dir     string               // the folder of the config, links resolved
	bases   map[string]*baseTree // by commit of the main repository

	changed pathSet // what is not as in HEAD, in the main work tree and its submodules
	ignored pathSet
	absent  pathSet // what is left out of a sparse checkout
}

// today is an extension of the work tree.
type today struct {
	identity
	source config.Source
	rel    string        // as it is declared, relative to the main work tree, with slashes
	real   string        // the same, links resolved
	same   map[*was]bool // what isSame has found
}

func (f *finder) close() {
	if f.main != nil {
		f.main.Close()
	}
}

// identifyAll reads the extension.yaml of each extension.
func (f *finder) identifyAll(ctx context.Context) error {
	f.today = make([]*today, len(f.options.Sources))
	var group errgroup.Group
	group.SetLimit(8)
	for i, source := range f.options.Sources {
		group.Go(func() error {
			f.today[i] = &today{identity: identify(source), source: source}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// open starts to read the repository, and asks for the status of its work tree.
func (f *finder) open(ctx context.Context, r *git.Repository) error {
	var (
		group  errgroup.Group
		status []git.Status
	)
	group.Go(func() (err error) {
		status, err = r.Status(ctx)
		return err
	})
	main, err := commits.Open(ctx, r)
	f.main = main
	if err := errors.Join(err, group.Wait()); err != nil {
		return err
	}
	for _, s := range status {
		if s.State == git.StateIgnored {
			f.ignored.add(s.Path)
			continue
		}
		if s.State == git.StateUnwatched {
			if _, err := os.Lstat(filepath.Join(r.Top, filepath.FromSlash(s.Path))); errors.Is(err, fs.ErrNotExist) {
				f.absent.add(s.Path)
			}
		}
		f.changed.add(s.Path)
	}
	for _, set := range []*pathSet{&f.changed, &f.ignored, &f.absent} {
		set.sort()
	}
	return nil
}

// place finds where the extensions are in the work tree.
func (f *finder) place() error {
	parents := map[string]string{} // links resolved
	for _, t := range f.today {
		at := t.source.Path
		parent, ok := parents[filepath.Dir(at)]
		if !ok {
			var err error
			if parent, err = filepath.EvalSymlinks(filepath.Dir(at)); err != nil {
				parent = filepath.Dir(at)
			}
			parents[filepath.Dir(at)] = parent
		}
		real := filepath.Join(parent, filepath.Base(at))
		if info, err := os.Lstat(real); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			if to, err := filepath.EvalSymlinks(real); err == nil {
				real = to
			}
		}
		if below, err := filepath.Rel(f.options.Config.Dir, at); err == nil && filepath.IsLocal(below) {
			at = filepath.Join(f.dir, below)
		} else {
			at = filepath.Join(parent, filepath.Base(at))
		}
		rel, ok := git.Within(f.main.Top, at)
		if !ok {
			return failure.WithHint(fmt.Errorf("%s lies outside of the git work tree %s, which has the history of the others", t.source.Display, f.main.Top),
				"exclude it, or leave out --since")
		}
		t.rel, t.real = rel, rel
		if rel, ok := git.Within(f.main.Top, real); ok {
			t.real = rel
		}
	}
	return nil
}

// absolute is the path of the work tree that a path relative to its top stands for, as the
// config has it.
func (f *finder) absolute(rel string) string {
	at := filepath.Join(f.main.Top, filepath.FromSlash(rel))
	if below, err := filepath.Rel(f.dir, at); err == nil {
		return filepath.Join(f.options.Config.Dir, below)
	}
	return at
}

// shown is a path relative to the top of the work tree, as reports have it: relative to the
// config.
func (f *finder) shown(rel string) string {
	if below, err := filepath.Rel(f.options.Config.Dir, f.absolute(rel)); err == nil {
		return filepath.ToSlash(below)
	}
	return rel
}

// since compares all extensions with the commit that the user named.
func (f *finder) since(ctx context.Context) error {
	commit, err := f.main.Resolve(ctx, f.options.Since)
	if err != nil {
		return fmt.Errorf("--since %s: %w", f.options.Since, err)
	}
	return f.all(ctx, Base{BaseRef, f.options.Since, commit})
}

// auto compares all extensions with the beginning of a pull request or, where there is none,
// each with its newest tag, or else with what is published.
func (f *finder) auto(ctx context.Context) error {
	if q, ok := requestOf(f.options.Environment); ok {
		base, err := q.base(ctx, f.main.Repository)
		if err != nil {
			return err
		}
		return f.all(ctx, base)
	}
	names := make([]string, len(f.today))
	for i, t := range f.today {
		names[i] = t.name
	}
	tagged, err := newestTags(ctx, f.main.Repository, f.options.Config.Tags, names)
	if err != nil {
		return err
	}
	var untagged []*today
	for _, t := range f.today {
		base, ok := tagged[t.name]
		if !ok {
			untagged = append(untagged, t)
			continue
		}
		tree, err := f.base(ctx, base)
		if err != nil {
			return err
		}
		at, err := f.pair(ctx, tree, []*today{t})
		if err != nil {
			return err
		}
		if err := f.compare(ctx, tree, t, at[t]); err != nil {
			return err
		}
	}
	if len(untagged) == 0 {
		return nil
	}
	fetch := ""
	if f.main.Shallow {
		fetch = f.main.DeepenWithTags(ctx)
		f.found.Warnings = append(f.found.Warnings, "the clone is shallow, so that tags may be missing, and extensions without one are compared with what is published: "+fetch)
	}
	if f.options.Published == nil {
		err = failure.WithHint(fmt.Errorf("%s has no tag, and what is published is not asked here", untagged[0].source.Display), "name a ref: --since main")
	} else {
		err = f.published(ctx, untagged)
	}
	if err != nil && fetch != "" && ctx.Err() == nil {
		hint := fetch
		if more := failure.Hint(err); more != "" {
			hint += "; or: " + more
		}
		return failure.WithHint(fmt.Errorf("the clone is shallow, so that tags may be missing: %w", err), "%s", hint)
	}
	return err
}

// all compares all extensions with one commit.
func (f *finder) all(ctx context.Context, base Base) error {
	tree, err := f.base(ctx, base)
	if err != nil {
		return err
	}
	at, err := f.pair(ctx, tree, f.today)
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, t := range f.today {
		if was := at[t]; was != nil {
			taken[was.rel] = true
		}
		if err := f.compare(ctx, tree, t, at[t]); err != nil {
			return err
		}
	}
	return f.removed(ctx, tree, taken)
}

// removed adds the extensions of a base that are not there any more.
func (f *finder) removed(ctx context.Context, tree *baseTree, taken map[string]bool) error {
	declared, err := tree.declared(ctx, f)
	if err != nil {
		return err
	}
	sparse := 0
	for _, rel := range declared {
		if taken[rel] {
			continue
		}
		was, err := tree.look(ctx, f, rel)
		if err != nil {
			return err
		}
		if was == nil {
			continue
		}
		was.identify()
		if f.absent.touches(rel) {
			sparse++
			continue
		}
		gone := Extension{Name: was.name, Path: f.shown(rel), BaseVersion: was.version, Status: Removed, Content: true, Base: tree.base}
		if gone.Files, err = f.filesThen(ctx, tree, was); err != nil {
			return err
		}
		if was.err != nil {
			gone.Notes = append(gone.Notes, unreadable(tree.base, was.err))
		}
		if gone.Name == "" {
			gone.Name = path.Base(rel)
		}
		f.found.Extensions = append(f.found.Extensions, gone)
	}
	if sparse > 0 {
		f.found.Warnings = append(f.found.Warnings, fmt.Sprintf("this is a sparse checkout: %d extensions are not in it, and left out", sparse))
	}
	return nil
}

func unreadable(base Base, err error) string {
	return fmt.Sprintf("its extension.yaml at %s cannot be read: %s", base, cause(err))
}

// pair finds, for some extensions, where each was at a base: at the same path, or else where
// one of its name was that is not there any more.
func (f *finder) pair(ctx context.Context, tree *baseTree, some []*today) (map[*today]*was, error) {
	at := map[*today]*was{}
	var open []*today
	for _, t := range some {
		if !tree.declares(f, t.rel) {
			open = append(open, t)
			continue
		}
		there, err := tree.look(ctx, f, t.rel)
		if err != nil {
			return nil, err
		}
		same, err := f.isSame(ctx, tree, t, there)
		if err != nil {
			return nil, err
		}
		if there != nil && (same || there.isNamed(t.name) || t.err != nil) {
			at[t] = there
		} else {
			open = append(open, t)
		}
	}
	if len(open) == 0 {
		return at, nil
	}
	declared, err := tree.declared(ctx, f)
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for _, t := range f.today {
		if !slices.Contains(open, t) {
			taken[t.rel] = true
		}
	}
	byName := map[string][]*was{}
	for _, rel := range declared {
		if taken[rel] {
			continue
		}
		there, err := tree.look(ctx, f, rel)
		if err != nil {
			return nil, err
		}
		if there == nil {
			continue
		}
		if there.identify(); there.name != "" {
			byName[there.name] = append(byName[there.name], there)
		}
	}
	for _, t := range open {
		if candidates := byName[t.name]; len(candidates) > 0 {
			at[t], byName[t.name] = candidates[0], candidates[1:]
		}
	}
	return at, nil
}

// pathSet are paths, some of whole folders, which end with a slash.
type pathSet struct {
	paths []string
}

func (s *pathSet) add(name string) { s.paths = append(s.paths, name) }
func (s *pathSet) sort()           { slices.Sort(s.paths) }

// touches reports whether a path of the set is at or below a folder, or a folder of the set
// holds it.
func (s *pathSet) touches(folder string) bool {
	if folder == "." {
		return len(s.paths) > 0
	}
	below, _ := slices.BinarySearch(s.paths, folder+"/")
	if below < len(s.paths) && strings.HasPrefix(s.paths[below], folder+"/") {
		return true
	}
	return s.holds(folder)
}

// holds reports whether a path, or a folder or submodule above it, is in the set.
func (s *pathSet) holds(name string) bool {
	for at := name; at != "." && at != "/"; at = path.Dir(at) {
		for _, listed := range []string{at, at + "/"} {
			if _, ok := slices.BinarySearch(s.paths, listed); ok {
				return true
			}
		}
	}
	return false
}
