package changes

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/commits"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/git"
)

// compare finds out what became of an extension since a base, where it was at a place, or not
// at all (nil).
func (f *finder) compare(ctx context.Context, tree *baseTree, t *today, then *was) error {
	e := Extension{Name: t.name, Path: f.shown(t.rel), Version: t.version, Files: []string{}, Base: tree.base, source: &t.source, needs: t.needs}
	defer func() { f.found.Extensions = append(f.found.Extensions, e) }()
	if e.Name == "" {
		e.Name = path.Base(t.rel)
	}
	if t.err != nil {
		e.Notes = append(e.Notes, "its extension.yaml cannot be read: "+cause(t.err))
	}
	if then == nil {
		e.Status, e.Content = Added, true
		e.Files = f.filesToday(t)
		if f.ignored.holds(t.rel) {
			e.Notes = append(e.Notes, "git ignores its folder, and so knows nothing of it")
		}
		return nil
	}
	if then.rel != t.rel {
		e.BasePath = f.shown(then.rel)
	}
	same, err := f.isSame(ctx, tree, t, then)
	if err != nil {
		return err
	}
	if tree.note == "" && !tree.sameConfig {
		e.Settings = f.settings(tree, t, then)
	}
	if same {
		e.BaseVersion = e.Version
		e.differ(nil)
		return nil
	}
	then.identify()
	e.BaseVersion = then.version
	if t.err != nil || then.err != nil {
		// What cannot be read was not released, or will not be: that it differs is enough.
		if then.err != nil {
			e.Notes = append(e.Notes, unreadable(tree.base, then.err))
		}
		e.differ(compare.Differences{{File: extension.MetadataFile, Kind: compare.Changed}})
		e.Status = Changed
		return nil
	}
	found, notes, err := f.differences(ctx, tree, t, then)
	if err != nil {
		return err
	}
	e.Notes = append(e.Notes, notes...)
	e.differ(found)
	if len(e.LineEnds) > 0 && len(e.Differences) == 0 {
		e.Notes = append(e.Notes, "only line ends differ: "+strings.Join(e.LineEnds, ", "))
	}
	return nil
}

// load reads an extension of the work tree.
func (f *finder) load(t *today) (*extension.Extension, error) {
	return extension.Load(t.source.Path, extension.Options{Display: t.source.Display, Ignore: f.ignore(t)})
}

// ignore are absolute paths that are no part of an extension.
func (f *finder) ignore(t *today) []string {
	return append([]string{t.source.Settings.Package.Output}, f.options.Ignore...)
}

// filesToday are the files of an extension of the work tree: those that git ignores are none,
// unless it ignores all.
func (f *finder) filesToday(t *today) []string {
	ext, err := f.load(t)
	if err != nil {
		return []string{extension.MetadataFile}
	}
	names := namesIn(ext)
	if f.ignored.holds(t.rel) {
		return names
	}
	return slices.DeleteFunc(names, func(name string) bool { return f.ignored.holds(path.Join(t.real, name)) })
}

// filesThen are the files of an extension at a base.
func (f *finder) filesThen(ctx context.Context, tree *baseTree, then *was) ([]string, error) {
	if then.err != nil {
		return []string{extension.MetadataFile}, nil
	}
	checkout, dir, err := f.checkout(ctx, tree, then)
	if err != nil {
		return nil, err
	}
	defer checkout.Remove()
	ext, err := extension.Load(dir, extension.Options{})
	if err != nil {
		return []string{extension.MetadataFile}, nil // the only file of which something is known
	}
	return namesIn(ext), nil
}

// namesIn are the names of the files of an extension, sorted.
func namesIn(ext *extension.Extension) []string {
	names := make([]string, len(ext.Files))
	for i, file := range ext.Files {
		names[i] = file.Name
	}
	slices.Sort(names)
	return names
}

// differences compares the content of an extension with that at a base.
func (f *finder) differences(ctx context.Context, tree *baseTree, t *today, then *was) (compare.Differences, []string, error) {
	now, err := f.load(t)
	if err != nil {
		return compare.Differences{{File: extension.MetadataFile, Kind: compare.Changed}}, []string{"it cannot be read: " + cause(err)}, nil
	}
	checkout, dir, err := f.checkout(ctx, tree, then)
	if err != nil {
		return nil, nil, err
	}
	defer checkout.Remove()
	var ignore []string
	for _, ignored := range f.ignore(t) {
		if rel, ok := git.Within(f.options.Config.Dir, ignored); ok {
			if top, ok := git.Within(f.main.Top, filepath.Join(f.dir, filepath.FromSlash(rel))); ok {
				ignore = append(ignore, filepath.Join(checkout.Dir, filepath.FromSlash(top)))
			}
		}
	}
	before, err := extension.Load(dir, extension.Options{Display: t.source.Display + " at " + tree.base.String(), Ignore: ignore})
	if err != nil {
		return compare.Differences{{File: extension.MetadataFile, Kind: compare.Changed}}, []string{fmt.Sprintf("at %s it cannot be read: %s", tree.base, cause(err))}, nil
	}
	now, notes := withFolders(now, filepath.Join(f.main.Top, filepath.FromSlash(t.real)), f.main.Top)
	if err := checkout.WriteDependencies(ctx, dir, before); err != nil {
		return nil, nil, fmt.Errorf("the dependencies of %s at %s: %w", then.rel, tree.base, err)
	}
	before, _ = withFolders(before, dir, checkout.Dir)
	found, err := compare.Content(now, before, nil)
	if err != nil {
		return nil, nil, err
	}
	return slices.DeleteFunc(found, func(d compare.Difference) bool { return f.isNone(t, d, now, before) }), notes, nil
}

// isNone reports whether a difference is none for git: a file that it ignores, or one that git
// LFS keeps elsewhere, with a pointer in its place.
func (f *finder) isNone(t *today, d compare.Difference, now, before *extension.Extension) bool {
	name, _, _ := strings.Cut(d.File, "!")
	if d.Kind == compare.Added && f.ignored.holds(path.Join(t.real, name)) {
		return true
	}
	ours, there := fileOf(now, d.File)
	theirs, was := fileOf(before, d.File)
	return there && was && (unpack.PointsTo(theirs, ours) || unpack.PointsTo(ours, theirs))
}

func fileOf(e *extension.Extension, name string) ([]byte, bool) {
	for _, f := range e.Files {
		if f.Name == name {
			return f.Data, true
		}
	}
	return nil, false
}

// checkout writes an extension as it was at a base to a folder, and says where in it that is.
func (f *finder) checkout(ctx context.Context, tree *baseTree, then *was) (*commits.Checkout, string, error) {
	checkout, err := f.main.Checkout(tree.base.Commit)
	if err != nil {
		return nil, "", err
	}
	dir, ok, err := checkout.Write(ctx, then.rel)
	if err == nil && !ok {
		err = fs.ErrNotExist
	}
	if err != nil {
		checkout.Remove()
		return nil, "", fmt.Errorf("reading %s at %s: %w", then.rel, tree.base, err)
	}
	return checkout, dir, nil
}

// withFolders is an extension with those of its dependencies that lie in folders (file://), as a
// package has them. Dependencies from elsewhere are left as they are: their versions are in
// extension.yaml and Chart.lock, which are compared.
func withFolders(e *extension.Extension, dir, root string) (with *extension.Extension, notes []string) {
	var charts []extension.Resolved
	for _, i := range e.MissingDependencies() {
		folder, ok := strings.CutPrefix(e.Metadata.Dependencies[i].Repository, "file://")
		if !ok {
			continue
		}
		at := filepath.FromSlash(folder)
		if !filepath.IsAbs(at) {
			at = filepath.Join(dir, at)
		}
		real, err := filepath.EvalSymlinks(at)
		if err != nil {
			notes = append(notes, fmt.Sprintf("its dependency %s is not there", folder))
			continue
		}
		if _, ok := git.Within(root, real); !ok {
			notes = append(notes, fmt.Sprintf("its dependency %s leads out of the repository", folder))
			continue
		}
		md, data, err := extension.PackChart(real, e.Limits)
		if err != nil {
			notes = append(notes, fmt.Sprintf("its dependency %s cannot be read: %v", folder, err))
			continue
		}
		charts = append(charts, extension.Resolved{Dependency: i, Name: md.Name, Version: md.Version, Data: data})
	}
	with, err := e.WithCharts(charts)
	if err != nil {
		return e, append(notes, err.Error())
	}
	return with, notes
}
