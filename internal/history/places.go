package history

import (
	"context"
	"os"
	"path"
	"path/filepath"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// mostMoves bounds the folders that an extension is followed through.
const mostMoves = 10

// place is a folder in which an extension lay, and the last commit in which it did; the commit
// that is checked out for where it is now.
type place struct{ folder, commit string }

// places are the folders that an extension lay in, the newest first: it is the same one by its
// name, as in internal/changes, and not by what git takes for a renamed file.
func (r *Reader) places(ctx context.Context, name, folder string) ([]place, error) {
	if known := r.moved[folder]; known != nil {
		return known, nil
	}
	all := []place{{folder, r.repository.Head}}
	for range mostMoves {
		last := all[len(all)-1]
		log, err := r.repository.Log(ctx, "", last.commit, path.Join(last.folder, extension.MetadataFile))
		if err != nil {
			return nil, err
		}
		var before place
		var ok bool
		switch {
		case len(log) == 0 && len(all) == 1: // it was moved, and that is not committed yet
			before, ok, err = r.named(ctx, name, r.repository.Head, func(folder string) bool {
				_, err := os.Lstat(filepath.Join(r.repository.Top, filepath.FromSlash(folder), extension.MetadataFile))
				return err == nil
			})
		case len(log) > 0 && len(log[len(log)-1].Parents) > 0:
			first := log[len(log)-1]
			before, ok, err = r.named(ctx, name, first.Parents[0], func(folder string) bool {
				_, is, err := r.objects.Lookup(first.Hash, path.Join(folder, extension.MetadataFile))
				return err != nil || is
			})
		}
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		all = append(all, before)
	}
	r.moved[folder] = all
	return all, nil
}

// named is where an extension lies in a commit, unless it stays there: two folders may have two
// versions of it.
func (r *Reader) named(ctx context.Context, name, commit string, stays func(folder string) bool) (place, bool, error) {
	all, err := r.repository.List(ctx, commit)
	if err != nil {
		return place{}, false, err
	}
	for _, file := range all {
		folder := path.Dir(file.Path)
		if path.Base(file.Path) != extension.MetadataFile || !file.Mode.IsFile() || r.fields(file.Object)["name"] != name || stays(folder) {
			continue
		}
		return place{folder, commit}, true, nil
	}
	return place{}, false, nil
}

// fields are those of an extension.yaml in the repository; nil where it cannot be read.
func (r *Reader) fields(object string) map[string]any {
	text, err := r.objects.Blob(object)
	if err != nil {
		return nil
	}
	doc, err := yamldoc.ParseLoose(extension.MetadataFile, text)
	if err != nil {
		return nil
	}
	fields, _ := doc.Value().(map[string]any)
	return fields
}

// log are the commits between two that touched an extension, or only a file of it, wherever it
// lay. A folder that it has left and that something else is in now counts as long as it was there.
func (r *Reader) log(ctx context.Context, from string, places []place, file string) ([]git.LogEntry, error) {
	var folders []string
	var all []git.LogEntry
	seen := map[string]bool{}
	for i, p := range places {
		if _, taken, err := r.objects.Lookup(r.repository.Head, p.folder); i == 0 || err == nil && !taken {
			folders = append(folders, path.Join(p.folder, file))
		}
	}
	add := func(to string, folders ...string) error {
		log, err := r.repository.Log(ctx, from, to, folders...)
		for _, entry := range log {
			if !seen[entry.Hash] {
				seen[entry.Hash] = true
				all = append(all, entry)
			}
		}
		return err
	}
	if err := add(r.repository.Head, folders...); err != nil {
		return nil, err
	}
	for i, p := range places {
		if _, taken, err := r.objects.Lookup(r.repository.Head, p.folder); i > 0 && (err != nil || taken) {
			if err := add(p.commit, path.Join(p.folder, file)); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// versionIn is the version of an extension in a commit, wherever it lay.
func (r *Reader) versionIn(commit string, places []place) (version string, ok bool) {
	for _, p := range places {
		if version, ok = r.versionAt(commit, p.folder); ok {
			return version, true
		}
	}
	return "", false
}

// treeIn is the object name of the folder of an extension in a commit; empty where there is none.
func (r *Reader) treeIn(commit string, places []place) string {
	for _, p := range places {
		if tree := r.treeAt(commit, p.folder); tree != "" {
			return tree
		}
	}
	return ""
}
