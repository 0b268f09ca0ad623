package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/shellword"
)

// Repository is the repository whose work tree holds a folder. It is only read, but for tags:
// see MakeTags. It may be used by several goroutines.
type Repository struct {
	// Top is the absolute root of the work tree, links resolved.
	Top string
	// Head is the commit that is checked out; empty where there is none yet.
	Head string
	// Shallow says that the clone has only a part of the history.
	Shallow bool

	mu    sync.Mutex
	names []string // of what is configured, once they are read
}

// versionText is what git says of its version: "git version 2.39.5 (Apple Git-154)".
var versionText = lazyregexp.New(`^git version ([0-9]{1,4})\.([0-9]{1,4})`)

// Open finds the repository whose work tree holds a folder. Its error is an *Error where
// there is no git (NoGit), one older than 2.30 (OldGit), or no work tree (NoWorkTree), which
// a bare repository has not.
func Open(ctx context.Context, dir string) (*Repository, error) {
	printed, err := runIn(ctx, dir, "", "version")
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return nil, &Error{NoGit, "there is no git command", "install git 2.30 or newer, and see that it is in the PATH"}
	case err != nil:
		return nil, fmt.Errorf("starting git: %w", err)
	}
	if found := versionText.FindStringSubmatch(printed); found != nil {
		major, _ := strconv.Atoi(found[1])
		minor, _ := strconv.Atoi(found[2])
		if major < 2 || major == 2 && minor < 30 {
			return nil, &Error{OldGit, fmt.Sprintf("git is of version %s.%s", found[1], found[2]), "install git 2.30 or newer"}
		}
	}
	printed, err = runIn(ctx, dir, "", "rev-parse", "--is-shallow-repository", "--is-inside-work-tree", "--show-toplevel")
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// The path comes last, for it may have line breaks in it.
	lines := strings.SplitN(strings.TrimSuffix(strings.TrimSuffix(printed, "\n"), "\r"), "\n", 3)
	switch {
	case err != nil && hasRepository(dir):
		return nil, &Error{NoWorkTree, "git cannot use the repository here: " + failureText(err), "run the command in a work tree of the repository: a bare clone, and the folder .git, have none"}
	case err != nil, len(lines) != 3 || lines[1] != "true":
		return nil, &Error{NoWorkTree, "there is no git work tree " + placeOf(dir), "run the command in a clone of the repository that has its files checked out (git clone ADDRESS)"}
	}
	top, err := filepath.EvalSymlinks(filepath.FromSlash(lines[2]))
	if err != nil {
		return nil, fmt.Errorf("finding the top of the work tree: %w", err)
	}
	return &Repository{Top: top, Head: Commit(ctx, top), Shallow: lines[0] == "true"}, ctx.Err()
}

// configured are the names of what is configured.
func (r *Repository) configured(ctx context.Context) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.names != nil {
		return r.names, nil
	}
	printed, err := runIn(ctx, r.Top, "", "config", "--list", "--name-only", "-z")
	if err != nil {
		return nil, err
	}
	r.names = fields(printed)
	return r.names, nil
}

// placeOf is a folder in a message: here, or its path.
func placeOf(dir string) string {
	if here, err := os.Getwd(); err == nil && (dir == "" || dir == "." || filepath.Clean(dir) == here) {
		return "here"
	}
	return "at " + dir
}

// Home is the folder at which to ask git about files: dir, where the work tree that holds it
// holds the first of them, too, and that of the first one otherwise. A config may lie outside of
// the repository of the extensions that it declares. Paths are absolute.
func Home(ctx context.Context, dir string, paths ...string) string {
	if len(paths) == 0 {
		return dir
	}
	first := paths[0]
	if info, err := os.Stat(first); err != nil || !info.IsDir() {
		first = filepath.Dir(first)
	}
	switch known := hasRepository(dir); {
	case holds(dir, first) && (known || !hasRepository(first)):
		return dir
	case !known:
		return first
	}
	printed, err := runIn(ctx, dir, "", "rev-parse", "--show-toplevel")
	if top := strings.TrimRight(printed, "\r\n"); err == nil && top != "" && holds(filepath.FromSlash(top), first) {
		return dir
	}
	return first
}

// holds reports whether a path is a folder, or lies below it, as it is written or with links
// resolved.
func holds(folder, name string) bool {
	if _, ok := Within(folder, name); ok {
		return true
	}
	realFolder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return false
	}
	realName, err := filepath.EvalSymlinks(name)
	if err != nil {
		return false
	}
	_, ok := Within(realFolder, realName)
	return ok
}

// Within is a path relative to a folder that it is, or that it lies below, with slashes; ok is false where
// it lies elsewhere. It goes by the names alone: where the folder is the top of a work tree, links
// have to be resolved before.
func Within(folder, name string) (rel string, ok bool) {
	rel, err := filepath.Rel(folder, name)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// failureText is what git said of a failure.
func failureText(err error) string {
	var failed *failedError
	if errors.As(err, &failed) && failed.said != "" {
		return failed.said
	}
	return err.Error()
}

// hasRepository reports whether a folder, or one above it, looks like one with a
// repository, which git then has a reason not to use.
func hasRepository(dir string) bool {
	dir, err := filepath.Abs(dir)
	for err == nil {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		if _, err := os.Lstat(filepath.Join(dir, "HEAD")); err == nil {
			if _, err := os.Lstat(filepath.Join(dir, "objects")); err == nil {
				return true
			}
		}
		if filepath.Dir(dir) == dir {
			return false
		}
		dir = filepath.Dir(dir)
	}
	return false
}

// MayHold reports whether a work tree may hold a folder. If not, git has nothing to say of it, and need not
// be started.
func MayHold(dir string) bool {
	absolute, err := filepath.Abs(dir)
	if err != nil || hasRepository(absolute) {
		return true
	}
	real, err := filepath.EvalSymlinks(absolute)
	return err != nil || real != absolute && hasRepository(real)
}

// fields divides what git prints with -z.
func fields(printed string) []string {
	list := strings.Split(printed, "\x00")
	return list[:len(list)-1] // each ends with NUL, so the last one is empty
}

// run gives what git prints for a command at the top of the work tree. Paths among the
// arguments are taken literally.
func (r *Repository) run(ctx context.Context, args ...string) (string, error) {
	return runFor(ctx, longTime, r.Top, "", append([]string{"--literal-pathspecs"}, args...)...)
}

// filterKey is the name of what configures a filter: filter.NAME.clean.
var filterKey = lazyregexp.New(`(?s)^filter\.(.+)\.(?:clean|smudge|process|required)$`)

// withoutFilters are the options that empty each filter that is configured, so that none is
// started for a file that git compares.
func (r *Repository) withoutFilters(ctx context.Context) ([]string, error) {
	names, err := r.configured(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading which filters git has: %w", err)
	}
	var (
		options []string
		seen    = map[string]bool{}
	)
	for _, name := range names {
		found := filterKey.FindStringSubmatch(name)
		if found == nil || seen[found[1]] {
			continue
		}
		filter := found[1]
		seen[filter] = true
		if strings.Contains(filter, "=") { // -c would take it for the end of the name
			return nil, &Error{Unsupported, fmt.Sprintf("git is configured with a filter %q, and a name with = in it cannot be switched off", filter), "git config --remove-section " + shellword.Quote("filter."+filter)}
		}
		for _, setting := range []string{"clean=", "smudge=", "process=", "required=false"} {
			options = append(options, "-c", "filter."+filter+"."+setting)
		}
	}
	return options, nil
}

// remotes are the names of the remotes that are configured.
func (r *Repository) remotes(ctx context.Context) []string {
	names, _ := r.configured(ctx) // without an answer the usual name is as good as any
	var remotes []string
	for _, name := range names {
		rest, isRemote := strings.CutPrefix(name, "remote.")
		if remote, isURL := strings.CutSuffix(rest, ".url"); isRemote && isURL && remote != "" && !slices.Contains(remotes, remote) {
			remotes = append(remotes, remote)
		}
	}
	return remotes
}

// Resolve finds the commit that a user means by a ref: a branch, a tag, an object name,
// HEAD~3. It is never taken for an option. Its error is an *Error where there is no commit
// yet (NoCommit), or none of that name (UnknownRef, or Shallow where the clone lacks a part
// of the history): the hint is the command that fetches it.
func (r *Repository) Resolve(ctx context.Context, ref string) (string, error) {
	if name, ok, err := r.resolve(ctx, ref); err != nil || ok {
		return name, err
	}
	switch {
	case ref == "":
		return "", &Error{UnknownRef, "the ref is empty", "name a branch, a tag or a commit"}
	case r.Head == "" && (ref == "HEAD" || ref == "@"):
		return "", &Error{NoCommit, "there is no commit yet", "commit something first (git commit)"}
	}
	return "", r.unknown(ctx, ref)
}

// resolve is Resolve where the name may well be unknown.
func (r *Repository) resolve(ctx context.Context, ref string) (name string, ok bool, err error) {
	if ref == "" || strings.ContainsAny(ref, "\x00\n") {
		return "", false, nil
	}
	printed, err := r.run(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
	if ctx.Err() != nil {
		return "", false, ctx.Err()
	}
	name = strings.TrimSpace(printed)
	if err != nil && exitCode(err) == 0 {
		return "", false, fmt.Errorf("resolving %q: %w", ref, err)
	}
	return name, err == nil && commit.MatchString(name), nil
}

// unknown is the error of a ref that is not here, with the command that fetches it.
func (r *Repository) unknown(ctx context.Context, ref string) error {
	known := &Error{Reason: UnknownRef, what: fmt.Sprintf("git knows no commit %q", ref)}
	if r.Shallow {
		known.Reason = Shallow
		known.what += ", in a shallow clone"
	}
	remotes := r.remotes(ctx)
	if len(remotes) == 0 {
		known.hint = "name a branch, a tag or a commit of this repository; there is no remote to fetch it from"
		return known
	}
	if !r.Shallow && isPlainName(ref) {
		for _, remote := range remotes {
			if _, ok, _ := r.resolve(ctx, "refs/remotes/"+remote+"/"+ref); ok {
				known.hint = "did you mean " + shellword.Quote(remote+"/"+ref) + "?"
				return known
			}
		}
	}
	known.hint = "git fetch " + r.fetchOf(ref, remotes)
	if isPlainName(ref) && !slices.ContainsFunc(remotes, func(remote string) bool { return strings.HasPrefix(ref, remote+"/") }) {
		known.hint += "; a branch of the remote is " + shellword.Quote(firstRemote(remotes)+"/"+ref) + " then"
	}
	return known
}

// plainName is a ref that may be a branch or tag as it is written.
var plainName = lazyregexp.New(`^[^\s~^:?*\[\\@{}-][^\s~^:?*\[\\@{}]*$`)

func isPlainName(ref string) bool { return plainName.MatchString(ref) && !commit.MatchString(ref) }

// firstRemote is the remote that people fetch from: origin, if there is one.
func firstRemote(remotes []string) string {
	if slices.Contains(remotes, "origin") || len(remotes) == 0 {
		return "origin"
	}
	return remotes[0]
}

// fetchOf are the arguments with which git fetch brings a ref.
func (r *Repository) fetchOf(ref string, remotes []string) string {
	unshallow := ""
	if r.Shallow {
		unshallow = "--unshallow "
	}
	short := strings.TrimPrefix(ref, "refs/remotes/")
	for _, remote := range remotes {
		if branch, ok := strings.CutPrefix(short, remote+"/"); ok && isPlainName(branch) {
			return unshallow + shellword.Quote(remote) + " " + shellword.Quote(branch+":refs/remotes/"+remote+"/"+branch)
		}
	}
	remote := firstRemote(remotes)
	return unshallow + "--tags " + shellword.Quote(remote) + " " + shellword.Quote("+refs/heads/*:refs/remotes/"+remote+"/*")
}

// Deepen is the command that fetches the history which a shallow clone lacks.
func (r *Repository) Deepen(ctx context.Context) string {
	return "git fetch --unshallow " + shellword.Quote(firstRemote(r.remotes(ctx)))
}

// DeepenWithTags is the command that fetches the history which a shallow clone lacks, and all tags.
func (r *Repository) DeepenWithTags(ctx context.Context) string {
	return "git fetch --unshallow --tags " + shellword.Quote(firstRemote(r.remotes(ctx)))
}

// MergeBase is the best common ancestor of two commits. Its error is an *Error where there
// is none (Unrelated), or none that a shallow clone has (Shallow).
func (r *Repository) MergeBase(ctx context.Context, a, b string) (string, error) {
	printed, err := r.run(ctx, "merge-base", "--end-of-options", a, b)
	if name := strings.TrimSpace(printed); err == nil && commit.MatchString(name) {
		return name, nil
	}
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case r.Shallow:
		return "", &Error{Shallow, fmt.Sprintf("the common ancestor of %s and %s is not in this shallow clone", Short(a), Short(b)), r.Deepen(ctx)}
	case exitCode(err) == 1:
		return "", &Error{Unrelated, fmt.Sprintf("%s and %s have no common ancestor", Short(a), Short(b)), "name a commit of the same history"}
	}
	return "", fmt.Errorf("looking for the common ancestor of %s and %s: %w", Short(a), Short(b), err)
}

// Short is an object name as people write it.
func Short(name string) string {
	if commit.MatchString(name) {
		return name[:12]
	}
	return name
}
