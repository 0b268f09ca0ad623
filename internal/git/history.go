package git

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Listed is something that a commit has at a path.
type Listed struct {
	Path   string // relative to the root, with slashes
	Mode   Mode   // no folder
	Object string
}

// List is all that a commit has, but for folders.
func (r *Repository) List(ctx context.Context, commit string) ([]Listed, error) {
	printed, err := r.run(ctx, "ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit)
	if err != nil {
		return nil, fmt.Errorf("listing the files of %s: %w", Short(commit), err)
	}
	var list []Listed
	for _, line := range fields(printed) {
		about, path, ok := strings.Cut(line, "\t")
		parts := strings.Fields(about)
		if !ok || len(parts) != 3 {
			return nil, fmt.Errorf("git ls-tree printed an entry that is unknown: %q", line)
		}
		mode, err := strconv.ParseUint(parts[0], 8, 32)
		if err != nil {
			return nil, fmt.Errorf("git ls-tree printed an entry that is unknown: %q", line)
		}
		list = append(list, Listed{path, Mode(mode), parts[2]})
	}
	return list, nil
}

// Tag is a tag of the repository.
type Tag struct {
	Name string // without refs/tags/
	// Commit is the commit that it means in the end; empty where it is of something else.
	Commit string
}

// Tags are the tags of the repository, sorted by name as git does.
func (r *Repository) Tags(ctx context.Context) ([]Tag, error) {
	printed, err := r.run(ctx, "for-each-ref", "--format=%(refname)%00%(objectname)%00%(objecttype)%00%(*objectname)%00%(*objecttype)", "refs/tags/")
	if err != nil {
		return nil, fmt.Errorf("listing the tags: %w", err)
	}
	var list []Tag
	for line := range strings.Lines(printed) { // a ref has no line breaks (git-check-ref-format)
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "\x00")
		if len(parts) != 5 {
			return nil, fmt.Errorf("git for-each-ref printed a line that is unknown: %q", line)
		}
		tag := Tag{Name: strings.TrimPrefix(parts[0], "refs/tags/")}
		switch {
		case parts[2] == "commit":
			tag.Commit = parts[1]
		case parts[4] == "commit":
			tag.Commit = parts[3]
		case parts[4] == "tag": // a tag of a tag, which git peels once only before 2.45
			name, ok, err := r.resolve(ctx, parts[1])
			if err != nil {
				return nil, err
			}
			if ok {
				tag.Commit = name
			}
		}
		list = append(list, tag)
	}
	return list, nil
}

// Merged are the names of the tags, without refs/tags/, whose commits can be reached from a
// commit.
func (r *Repository) Merged(ctx context.Context, commit string) (map[string]bool, error) {
	printed, err := r.run(ctx, "for-each-ref", "--merged="+commit, "--format=%(refname)", "refs/tags/")
	if err != nil {
		return nil, fmt.Errorf("listing the tags in %s: %w", Short(commit), err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(printed) {
		names[strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "refs/tags/")] = true
	}
	return names, nil
}

// LogEntry is a commit.
type LogEntry struct {
	Hash    string
	Parents []string
	Subject string // one line
}

// Log are the commits that can be reached from to and not from from, newest first. With paths
// they are those that touched one of them, literally, relative to Top with slashes; a merge
// is among them only if it made a change of its own. An empty from is the whole history.
// Both are object names, as Resolve gives them.
func (r *Repository) Log(ctx context.Context, from, to string, paths ...string) ([]LogEntry, error) {
	revisions := []string{to}
	if from != "" {
		revisions = append(revisions, "^"+from)
	}
	args := append([]string{"-c", "log.follow=false", "-c", "log.mailmap=false", "log", "-z", "--encoding=UTF-8", "--no-color", "--no-decorate", "--no-patch", "--no-ext-diff", "--no-textconv",
		"--no-show-signature", "--format=tformat:%H%x00%P%x00%s"}, revisions...)
	printed, err := r.run(ctx, append(append(args, "--"), paths...)...)
	if err != nil {
		return nil, fmt.Errorf("reading the commits up to %s: %w", Short(to), err)
	}
	parts := fields(printed)
	if len(parts)%3 != 0 {
		return nil, fmt.Errorf("git log printed %d fields, which are no whole commits", len(parts))
	}
	var list []LogEntry
	for ; len(parts) > 0; parts = parts[3:] {
		list = append(list, LogEntry{Hash: parts[0], Parents: strings.Fields(parts[1]), Subject: strings.Join(strings.Fields(parts[2]), " ")})
	}
	return list, nil
}
