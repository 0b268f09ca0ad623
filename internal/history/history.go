// Package history asks git for the past of single extensions: what was done since the last
// version, and which versions there were. Which extensions changed is for internal/changes.
package history

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/tags"
)

// most bounds the subjects of one extension: what is more is counted.
const most = 50

// Extension is one that lies in the repository.
type Extension struct {
	Name, Version string
	Path          string // of its folder
	Display       string // how users call that
}

// Done is what was done since the last version of an extension.
type Done struct {
	// Since is what the last version is known by: a tag, a commit; empty where nothing is known.
	Since string
	// Subjects are those of the commits, newest first; More of them are left out.
	Subjects []string
	More     int
	// Missing is why commits may be missing.
	Missing string
}

// Reader reads the history of a repository. Close ends it.
type Reader struct {
	repository *git.Repository
	objects    *git.Objects
	// since is the commit that the user named, and ref how.
	since, ref string
	tags       map[string][]tags.Tag
	commits    map[string]string // of tags
	// missing is why there is no history.
	missing string

	// moved are the places of extensions that were asked for, reopen makes a reader for another repository, and submodules are those made.
	moved      map[string][]place // of folders, as they are asked for
	reopen     func(ctx context.Context, dir string) (*Reader, error)
	submodules map[string]*Reader
}

// Open prepares to read the history of the repository that holds a folder. names are the
// declared extensions, and patterns the forms of their tags. Without a git command, a work tree
// or a commit, each history is empty and says why; where the user named a commit (since), that
// is an error.
func Open(ctx context.Context, dir, since string, patterns []tags.Pattern, names []string) (*Reader, error) {
	repository, err := git.Open(ctx, dir)
	if err == nil {
		return Of(ctx, repository, since, patterns, names)
	}
	return none(since, err)
}

// none is the reader of a history that is not there.
func none(since string, err error) (*Reader, error) {
	switch git.ReasonOf(err) {
	case git.NoGit, git.OldGit, git.NoWorkTree, git.NoCommit:
		if since == "" {
			return &Reader{missing: err.Error() + ", so that no commits are listed"}, nil
		}
	}
	return nil, err
}

// Of is Open for a repository that is known.
func Of(ctx context.Context, repository *git.Repository, since string, patterns []tags.Pattern, names []string) (*Reader, error) {
	if repository.Head == "" {
		if _, err := repository.Resolve(ctx, "HEAD"); err != nil { // which says why
			return none(since, err)
		}
	}
	r := &Reader{repository: repository, commits: map[string]string{}, submodules: map[string]*Reader{}, moved: map[string][]place{}}
	r.reopen = func(ctx context.Context, dir string) (*Reader, error) { return Open(ctx, dir, "", patterns, names) }
	var err error
	if since != "" {
		if r.since, err = repository.Resolve(ctx, since); err != nil {
			return nil, err
		}
		r.ref = since
	}
	all, err := repository.Tags(ctx)
	if err != nil {
		return nil, err
	}
	texts := make([]string, 0, len(all))
	for _, tag := range all {
		if tag.Commit != "" {
			texts = append(texts, tag.Name)
			r.commits[tag.Name] = tag.Commit
		}
	}
	r.tags = tags.NewReader(patterns, names).Releases(texts)
	if r.objects, err = repository.Objects(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Close ends reading.
func (r *Reader) Close() {
	for _, submodule := range r.submodules {
		submodule.Close()
	}
	if r.objects != nil {
		r.objects.Close()
	}
}

// Done is what was done in an extension since its last version: since the commit that was named,
// else since the tag of its version, else since the commit that gave it that version. Commits
// are those that touched its folder, also an earlier one, without merges.
func (r *Reader) Done(ctx context.Context, e Extension) Done {
	if r.missing != "" {
		return Done{Missing: r.missing}
	}
	r, folder, err := r.at(ctx, e)
	if err != nil {
		return Done{Missing: "no commits are listed: " + err.Error()}
	}
	if r.missing != "" {
		return Done{Missing: r.missing}
	}
	places, err := r.places(ctx, e.Name, folder)
	if err != nil {
		return Done{Missing: "no commits are listed: " + err.Error()}
	}
	from, since, err := r.last(ctx, e, places)
	if err != nil {
		return Done{Missing: "no commits are listed: " + err.Error()}
	}
	found := Done{Since: since}
	log, err := r.log(ctx, from, places, "")
	if err != nil {
		return Done{Missing: "no commits are listed: " + err.Error()}
	}
	seen := map[string]bool{}
	for _, commit := range log {
		if len(commit.Parents) > 1 || commit.Subject == "" || seen[commit.Subject] {
			continue
		}
		seen[commit.Subject] = true
		if len(found.Subjects) == most {
			found.More++
			continue
		}
		found.Subjects = append(found.Subjects, commit.Subject)
	}
	if r.repository.Shallow {
		found.Missing = "this is a shallow clone, and commits may be missing: " + r.repository.Deepen(ctx)
	}
	return found
}

// at is the reader of the repository that holds an extension, which may be a submodule of this
// one, and where the extension is in it.
func (r *Reader) at(ctx context.Context, e Extension) (*Reader, string, error) {
	folder, err := r.folder(e)
	if err != nil {
		return nil, "", err
	}
	for at := folder; at != "."; at = path.Dir(at) {
		root := filepath.Join(r.repository.Top, filepath.FromSlash(at))
		if _, err := os.Lstat(filepath.Join(root, ".git")); err != nil {
			continue
		}
		submodule := r.submodules[at]
		if submodule == nil {
			if submodule, err = r.reopen(ctx, root); err != nil {
				return nil, "", err
			}
			r.submodules[at] = submodule
		}
		if submodule.missing != "" || submodule.repository.Top == r.repository.Top {
			return submodule, folder, nil
		}
		return submodule.at(ctx, e)
	}
	return r, folder, nil
}

// folder is where an extension lies in the repository, with slashes.
func (r *Reader) folder(e Extension) (string, error) {
	real, err := filepath.EvalSymlinks(e.Path)
	if err != nil {
		return "", failure.WithoutPath(err)
	}
	folder, ok := git.Within(r.repository.Top, real)
	if !ok {
		return "", fmt.Errorf("%s is not in the repository %s", e.Display, r.repository.Top)
	}
	return folder, nil
}

// last is the commit of the last version, and how it is known. It is empty where the whole
// history is new.
func (r *Reader) last(ctx context.Context, e Extension, places []place) (commit, since string, err error) {
	if r.since != "" {
		return r.since, r.ref, nil
	}
	current, ok := r.versionIn(r.repository.Head, places)
	if !ok {
		return "", "", nil // it is not committed yet
	}
	for _, tag := range r.tags[e.Name] {
		if tag.Means(current) {
			return r.commits[tag.Text], tag.Text, nil
		}
	}
	log, err := r.log(ctx, "", places, extension.MetadataFile)
	if err != nil {
		return "", "", err
	}
	for _, entry := range log {
		if version, ok := r.versionIn(entry.Hash, places); !ok || version != current {
			break
		}
		commit = entry.Hash
	}
	if commit == "" {
		return "", "", nil
	}
	return commit, "commit " + git.Short(commit), nil
}

// versionAt is the version of the extension in a folder as it was in a commit.
func (r *Reader) versionAt(commit, folder string) (version string, ok bool) {
	entry, ok, err := r.objects.Lookup(commit, path.Join(folder, extension.MetadataFile))
	if err != nil || !ok || !entry.Mode.IsFile() {
		return "", false
	}
	version, ok = r.fields(entry.Object)["version"].(string)
	return version, ok
}

// IsBumped says that an extension has another version than at the commit that was named, or
// than was committed last.
func (r *Reader) IsBumped(ctx context.Context, e Extension) bool {
	if r.missing != "" {
		return false
	}
	r, folder, err := r.at(ctx, e)
	if err != nil || r.missing != "" {
		return false
	}
	base := r.since
	if base == "" {
		base = r.repository.Head
	}
	places, err := r.places(ctx, e.Name, folder)
	if err != nil {
		return false
	}
	version, ok := r.versionIn(base, places)
	return ok && strings.TrimPrefix(version, "v") != strings.TrimPrefix(e.Version, "v")
}

// mostCommits bounds the commits whose versions are read, for one extension.
const mostCommits = 500

// Past is a version that an extension had.
type Past struct {
	Version string
	Tag     string // that has it; empty where a commit has it
	Commit  string
}

// String says where the version is seen.
func (p Past) String() string {
	if p.Tag != "" {
		return "the tag " + p.Tag
	}
	return "commit " + git.Short(p.Commit)
}

// Versions are those that an extension had between a commit and now, the oldest first, and those
// with other content that it had before that commit, or that a tag has. Its version of today is
// not among the former. With an empty base all commits are between, and tags alone before.
func (r *Reader) Versions(ctx context.Context, e Extension, base string) (between []string, before []Past, err error) {
	if r.missing != "" {
		return nil, nil, nil
	}
	outer := r
	r, folder, err := r.at(ctx, e)
	if err != nil || r.missing != "" {
		return nil, nil, err
	}
	if r != outer {
		base = "" // that is a commit of another repository
	}
	places, err := r.places(ctx, e.Name, folder)
	if err != nil {
		return nil, nil, err
	}
	today := r.treeIn(r.repository.Head, places)
	add := func(past Past) {
		if tree := r.treeIn(past.Commit, places); past.Version != e.Version || tree != today {
			before = append(before, past)
		}
	}
	for _, tag := range r.tags[e.Name] {
		add(Past{Version: tag.Version, Tag: tag.Text, Commit: r.commits[tag.Text]})
	}
	all, err := r.log(ctx, "", places, extension.MetadataFile)
	if err != nil {
		return nil, nil, err
	}
	since := map[string]bool{}
	if base == "" {
		for _, commit := range all {
			since[commit.Hash] = true
		}
	} else {
		later, err := r.log(ctx, base, places, extension.MetadataFile)
		if err != nil {
			return nil, nil, err
		}
		for _, commit := range later {
			since[commit.Hash] = true
		}
	}
	for _, commit := range all[:min(len(all), mostCommits)] {
		version, ok := r.versionIn(commit.Hash, places)
		switch {
		case !ok:
		case !since[commit.Hash]:
			add(Past{Version: version, Commit: commit.Hash})
		case strings.TrimPrefix(version, "v") != strings.TrimPrefix(e.Version, "v"):
			between = append(between, version)
		}
	}
	slices.Reverse(between)
	return slices.Compact(between), before, nil
}

// treeAt is the object name of a folder in a commit; empty where there is none.
func (r *Reader) treeAt(commit, folder string) string {
	entry, ok, err := r.objects.Lookup(commit, folder)
	if err != nil || !ok || entry.Below != "" {
		return ""
	}
	return entry.Object
}
