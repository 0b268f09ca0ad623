package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/shellword"
)

// RemoteBranch is a branch of a remote repository, which is read and added to without a work tree:
// in a bare repository of its own that is thrown away. The repository of the user, its index, its
// branches and what it knows of the remote are left alone; its settings for the remote hold (where
// it is, how to log in), those of the user too, and no hook is started. It is safe for concurrent
// use by several goroutines; those who change it have to take turns.
//
// Only what is asked for is brought from the remote: the newest commit with the names of its
// files, and the content of those that are read, where the remote can divide that (partial clones,
// git-clone(1) --filter).
type RemoteBranch struct {
	// Shown is what the branch is called in messages: "gh-pages of origin".
	Shown string

	home, remote, branch string
	address              string // of the remote, where it is no name

	mu          sync.Mutex // of what follows
	dir         string     // the bare repository; empty before it is needed
	environment []string
	from        string   // the folder that a relative path of a remote starts at
	at          string   // where the remote is, as far as is known
	identity    []string // options that say who makes a commit, where git does not know
	signs       bool     // commits are signed
	tip         string   // the newest commit that is known; empty for none
	made        int      // commits

	listed struct { // the last folder that was read
		commit, folder string
		entries        []Entry
	}
}

// NewRemoteBranch is a branch of a remote: the name of one in the repository that holds the folder
// home, or an address. Nothing is asked yet.
func NewRemoteBranch(home, remote, branch string) *RemoteBranch {
	shown := remote
	if isAddress(remote) {
		shown = "the remote"
	}
	return &RemoteBranch{Shown: branch + " of " + shown, home: home, remote: remote, branch: branch}
}

// isAddress says that a remote is no name: a path, an URL, or HOST:PATH.
func isAddress(remote string) bool { return strings.ContainsAny(remote, `:/\`) }

// ref is the branch in full.
func (b *RemoteBranch) ref() string { return "refs/heads/" + b.branch }

// Close removes what the branch has on disk.
func (b *RemoteBranch) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	dir := b.dir
	b.dir, b.tip = "", ""
	if dir == "" {
		return nil
	}
	return os.RemoveAll(dir)
}

// settings are the keys of the configuration of a repository that hold for its remotes and its
// commits. Others, such as filters and aliases, have no say here.
var settings = []string{"http.", "https.", "url.", "credential.", "ssh.", "protocol.", "core.sshcommand", "core.gitproxy", "core.askpass", "user.", "author.", "committer.", "gpg.", "commit.gpgsign"}

// open makes the repository that is thrown away. The lock is held.
func (b *RemoteBranch) open(ctx context.Context) error {
	if b.dir != "" {
		return nil
	}
	if strings.HasPrefix(b.remote, "-") || strings.HasPrefix(b.branch, "-") || b.remote == "" || b.branch == "" {
		return &Error{UnknownRef, fmt.Sprintf("%q is no branch of a remote", b.branch+" of "+b.remote), "name a remote, such as origin, and a branch, such as gh-pages"}
	}
	home, err := Open(ctx, b.home)
	if err != nil && (ReasonOf(err) != NoWorkTree || !isAddress(b.remote)) {
		return err
	}
	dir, err := os.MkdirTemp("", "ksrelease-branch-")
	if err != nil {
		return fmt.Errorf("making a folder for the branch: %w", err)
	}
	if err := b.prepare(ctx, home, dir); err != nil {
		_ = os.RemoveAll(dir)
		b.environment = nil
		return err
	}
	b.dir = dir
	return nil
}

// prepare makes it in a folder, with the settings of the repository of the user, if there is one.
// They are handed over by the environment (git-config(1), GIT_CONFIG_COUNT, from git 2.31 on), for
// there may be passwords among them.
func (b *RemoteBranch) prepare(ctx context.Context, home *Repository, dir string) error {
	format := "sha1"
	b.from = b.home
	if home != nil {
		b.from = home.Top
		printed, err := home.own(ctx, nil, "", "rev-parse", "--show-object-format")
		if err != nil {
			return fmt.Errorf("reading the form of the repository: %w", err)
		}
		format = strings.TrimSpace(printed)
	}
	b.environment = []string{"GIT_DIR=" + dir, "GIT_TERMINAL_PROMPT=0"}
	if _, err := ownIn(ctx, b.from, mostPrinted, b.environment, nil, "init", "--quiet", "--bare", "--template=", "--object-format="+format, "--", dir); err != nil {
		return fmt.Errorf("making a repository for the branch: %w", err)
	}
	count, _ := strconv.Atoi(os.Getenv("GIT_CONFIG_COUNT")) // those of the user come first
	add := func(key, value string) {
		b.environment = append(b.environment, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", count, key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", count, value))
		count++
	}
	add("core.hooksPath", os.DevNull)
	add("gc.auto", "0")
	add("maintenance.auto", "false")
	b.address, b.at = b.remote, b.remote
	// What holds here as well, as of the user or the system, must not come twice.
	there, err := ownIn(ctx, b.from, mostPrinted, b.environment[:2], nil, "config", "--list", "-z")
	if err != nil {
		return fmt.Errorf("reading the settings of git: %w", err)
	}
	effective := map[string]string{}
	note := func(setting string) (key, value string) {
		key, value, hasValue := strings.Cut(setting, "\n")
		if !hasValue {
			value = "true"
		}
		effective[key] = value
		return key, value
	}
	for setting := range strings.SplitSeq(there, "\x00") {
		note(setting)
	}
	if home != nil {
		own, err := home.own(ctx, nil, "", "config", "--list", "-z")
		if err != nil {
			return fmt.Errorf("reading the settings of the repository: %w", err)
		}
		known := map[string]int{}
		for _, setting := range strings.Split(there, "\x00") {
			known[setting]++
		}
		found := false
		for setting := range strings.SplitSeq(strings.TrimSuffix(own, "\x00"), "\x00") {
			if known[setting]--; known[setting] >= 0 {
				continue
			}
			key, value := note(setting)
			rest, ofRemote := strings.CutPrefix(key, "remote."+b.remote+".")
			switch {
			case ofRemote && slices.Contains([]string{"fetch", "push", "mirror", "prune", "prunetags", "tagopt", "promisor", "partialclonefilter", "skipdefaultupdate", "skipfetchall"}, rest):
				continue // how the repository of the user is kept up to date
			case ofRemote:
				if found = found || rest == "url" || rest == "pushurl"; rest == "url" {
					b.at = value
				}
			case !slices.ContainsFunc(settings, func(prefix string) bool { return strings.HasPrefix(key, prefix) }):
				continue
			}
			add(key, value)
		}
		if !found && !isAddress(b.remote) {
			remotes := home.remotes(ctx)
			if len(remotes) == 0 {
				return &Error{UnknownRef, "there is no remote to push to", "git remote add origin ADDRESS"}
			}
			return &Error{UnknownRef, fmt.Sprintf("%q is the name of no remote", b.remote), "there are: " + strings.Join(remotes, ", ")}
		}
	}
	name := b.remote
	if isAddress(b.remote) {
		name = "target"
		address := b.remote
		// A path is one from home, and not from where this repository is.
		if info, err := os.Stat(filepath.Join(b.home, filepath.FromSlash(address))); err == nil && info.IsDir() && !filepath.IsAbs(address) {
			address = filepath.Join(b.home, filepath.FromSlash(address))
		}
		add("remote.target.url", address)
		b.at = address
	}
	b.address = name
	if effective["http.lowspeedlimit"] == "" && effective["http.lowspeedtime"] == "" {
		add("http.lowSpeedLimit", "1")
		add("http.lowSpeedTime", stalled)
	}
	b.signs = slices.Contains([]string{"true", "yes", "on", "1"}, strings.ToLower(effective["commit.gpgsign"]))
	add("remote."+name+".promisor", "true")
	add("remote."+name+".partialclonefilter", "blob:none")
	b.environment = append(b.environment, fmt.Sprintf("GIT_CONFIG_COUNT=%d", count))
	b.identity = nil
	if effective["user.name"] == "" {
		b.identity = append(b.identity, "-c", "user.name=ksrelease")
	}
	if effective["user.email"] == "" && os.Getenv("EMAIL") == "" {
		b.identity = append(b.identity, "-c", "user.email=ksrelease@localhost")
	}
	printed, err := ownIn(ctx, b.from, mostPrinted, b.environment, nil, "config", "--get", "core.hooksPath")
	if err != nil || strings.TrimSpace(printed) != os.DevNull {
		return &Error{OldGit, "git is older than 2.31, which releasing to a branch needs", "install git 2.31 or newer"}
	}
	return nil
}

// git runs git in that repository. The lock is held, or the branch is open.
func (b *RemoteBranch) git(ctx context.Context, most int, input io.Reader, args ...string) (string, error) {
	timed, cancel := context.WithTimeout(ctx, longTransfer)
	defer cancel()
	printed, err := ownIn(timed, b.from, most, b.environment, input, args...)
	if timed.Err() != nil && ctx.Err() == nil {
		err = &failedError{command: nameOf(args), said: fmt.Sprintf("it took longer than %s", longTransfer)}
	}
	return printed, err
}

const (
	// longTransfer bounds what git has to do with a remote: a server may never answer.
	longTransfer = 10 * time.Minute
	// stalled is for how many seconds a transfer by HTTP may bring less than a byte each
	// (git-config(1), http.lowSpeedTime).
	stalled = "60"
)

// Tip asks for the newest commit of the branch; it is empty where there is no such branch.
func (b *RemoteBranch) Tip(ctx context.Context) (commit string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return "", err
	}
	printed, err := b.git(ctx, mostPrinted, nil, "ls-remote", "--quiet", "--", b.address, b.ref())
	if err != nil {
		return "", b.unreadable(ctx, err)
	}
	newest := ""
	for line := range strings.Lines(printed) { // others may end in this name
		if object, ref, _ := strings.Cut(strings.TrimSpace(line), "\t"); ref == b.ref() {
			newest = object
		}
	}
	if newest == "" || newest == b.tip {
		b.tip = newest
		return newest, nil
	}
	if _, err := b.git(ctx, mostPrinted, nil, "fetch", "--quiet", "--depth=1", "--filter=blob:none", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--refmap=", "--", b.address, "+"+b.ref()+":refs/ksrelease/tip"); err != nil {
		return "", b.unreadable(ctx, err)
	}
	printed, err = b.git(ctx, mostPrinted, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", "refs/ksrelease/tip^{commit}")
	if newest = strings.TrimSpace(printed); err != nil || !isCommit(newest) {
		return "", fmt.Errorf("reading the branch %s: %w", b.Shown, err)
	}
	b.tip = newest
	return newest, nil
}

// isCommit says that a text is the name of a commit.
func isCommit(name string) bool { return commit.MatchString(name) }

// unreadable is why a branch cannot be read.
func (b *RemoteBranch) unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("reading the branch %s: %w", b.Shown, context.Cause(ctx))
	}
	if errors.Is(err, exec.ErrNotFound) {
		return err
	}
	ask := "git ls-remote ADDRESS"
	if !isAddress(b.remote) {
		ask = "git ls-remote " + shellword.Quote(b.remote)
	}
	return &Error{Unreadable, fmt.Sprintf("the branch %s cannot be read: %s", b.Shown, failureText(err)), "see what it says, and whether git may ask for a password here: " + ask}
}

// Place is what the branch is known by on this machine: where its remote is, and its name.
func (b *RemoteBranch) Place(ctx context.Context) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return "", err
	}
	return b.at + "\x00" + b.branch, nil
}

// Files are the files in a folder of a commit, without those in folders below it, by name; sorted.
// A folder that is not there has none.
func (b *RemoteBranch) Files(ctx context.Context, commit, folder string) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	entries, err := b.list(ctx, commit, folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if entry.Mode.IsFile() {
			names = append(names, entry.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// list are the entries of a folder of a commit; none where there is no folder. The lock is held.
func (b *RemoteBranch) list(ctx context.Context, commit, folder string) ([]Entry, error) {
	if commit == "" {
		return nil, nil
	}
	if folder = path.Clean("/" + folder)[1:]; b.listed.commit == commit && b.listed.folder == folder {
		return b.listed.entries, nil
	}
	args := []string{"--literal-pathspecs", "ls-tree", "-z", "--full-tree", "--end-of-options", commit}
	if folder != "" {
		args = append(args, folder+"/")
	}
	printed, err := b.git(ctx, mostPrinted, nil, args...)
	if err != nil {
		return nil, b.unreadable(ctx, err)
	}
	var entries []Entry
	for line := range strings.SplitSeq(printed, "\x00") {
		head, name, found := strings.Cut(line, "\t")
		fields := strings.Fields(head)
		if !found || len(fields) != 3 {
			continue
		}
		mode, err := strconv.ParseUint(fields[0], 8, 32)
		if err != nil {
			return nil, fmt.Errorf("reading the branch %s: %w", b.Shown, err)
		}
		entries = append(entries, Entry{Mode: Mode(mode), Name: path.Base(name), Object: fields[2]})
	}
	b.listed.commit, b.listed.folder, b.listed.entries = commit, folder, entries
	return entries, nil
}

// entry is what is at a path of a commit. The lock is held.
func (b *RemoteBranch) entry(ctx context.Context, commit, name string) (Entry, bool, error) {
	entries, err := b.list(ctx, commit, path.Dir(name))
	if err != nil {
		return Entry{}, false, err
	}
	e, ok := entryOf(entries, path.Base(name))
	return e, ok, nil
}

// File reads a file of a commit, of at most so many bytes. errors.Is finds fs.ErrNotExist where
// there is none.
func (b *RemoteBranch) File(ctx context.Context, commit, name string, limit int64) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	entry, there, err := b.entry(ctx, commit, name)
	switch {
	case err != nil:
		return nil, err
	case !there:
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	case !entry.Mode.IsFile():
		return nil, &Error{NoFile, fmt.Sprintf("%s on the branch %s is no regular file", name, b.Shown), "remove it from the branch"}
	}
	printed, err := b.git(ctx, int(limit), nil, "cat-file", "blob", entry.Object)
	if err != nil {
		return nil, b.unreadable(ctx, err)
	}
	return []byte(printed), nil
}

// NewFile is a file of a commit that is made.
type NewFile struct {
	Name string // from the top of the branch, with slashes
	Data []byte
}

// Commit makes a commit of files on top of another one, or without one before it. It is not on
// the branch before it is pushed. Who makes it is whom git is configured for, or else nobody in
// particular, as in a fresh container; it is signed where git is configured so (commit.gpgSign).
func (b *RemoteBranch) Commit(ctx context.Context, parent string, files []NewFile, message string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return "", err
	}
	for _, file := range files {
		if err := b.mayWrite(ctx, parent, file.Name); err != nil {
			return "", err
		}
	}
	// A tree is made in one go, whatever the branch has: git-fast-import(1). It knows no
	// configuration for commits, so the commit is made of the tree once more.
	b.made++
	ref := fmt.Sprintf("refs/ksrelease/%d", b.made)
	var stream bytes.Buffer
	fmt.Fprintf(&stream, "feature done\ncommit %s\ncommitter ksrelease <> 0 +0000\ndata 0\n", ref)
	if parent != "" {
		fmt.Fprintf(&stream, "from %s\n", parent)
	}
	for _, file := range files {
		fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n", file.Name, len(file.Data))
		stream.Write(file.Data)
		stream.WriteString("\n")
	}
	stream.WriteString("done\n")
	if _, err := b.git(ctx, mostPrinted, &stream, "fast-import", "--quiet"); err != nil {
		return "", fmt.Errorf("making a commit for the branch %s: %w", b.Shown, err)
	}
	args := append(slices.Clone(b.identity), "commit-tree")
	if b.signs {
		args = append(args, "-S")
	}
	if parent != "" {
		args = append(args, "-p", parent)
	}
	printed, err := b.git(ctx, mostPrinted, strings.NewReader(message), append(args, ref+"^{tree}")...)
	made := strings.TrimSpace(printed)
	if err != nil || !isCommit(made) {
		return "", fmt.Errorf("making a commit for the branch %s: %w", b.Shown, err)
	}
	return made, nil
}

// mayWrite refuses what would remove something else: a folder, a link or a submodule at the path of
// a file, or a file at that of a folder.
func (b *RemoteBranch) mayWrite(ctx context.Context, parent, name string) error {
	if strings.ContainsAny(name, "\x00\n\r\"") || !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name || slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return strings.EqualFold(part, ".git") }) {
		return &Error{NoFile, fmt.Sprintf("%q is no name of a file on a branch", name), "choose another folder"}
	}
	if entry, there, err := b.entry(ctx, parent, name); err != nil || there && entry.Mode.IsFile() {
		return err // and so all above it are folders
	} else if there {
		return b.inTheWay(name)
	}
	for at := path.Dir(name); at != "."; at = path.Dir(at) {
		if entries, err := b.list(ctx, parent, at); err != nil || len(entries) > 0 {
			return err
		}
		if entry, there, err := b.entry(ctx, parent, at); err != nil {
			return err
		} else if there && entry.Mode != ModeFolder {
			return b.inTheWay(at)
		}
	}
	return nil
}

func (b *RemoteBranch) inTheWay(name string) error {
	return &Error{NoFile, fmt.Sprintf("%s on the branch %s is something else, and stays", name, b.Shown), "choose another folder, or remove it from the branch"}
}

// Push puts the branch from one commit to the next, which was made on top of it; old is empty for a
// branch that is not there yet. Nothing but that is replaced: where the branch is at another commit,
// the error is an *Error with the reason Moved, and where the remote says no, Refused. After any
// other error the branch has to be read.
func (b *RemoteBranch) Push(ctx context.Context, old, next string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return err
	}
	printed, err := b.git(ctx, mostPrinted, nil, "push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no",
		"--force-with-lease="+b.ref()+":"+old, "--", b.address, next+":"+b.ref())
	if err == nil {
		b.tip = next
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("pushing to the branch %s: %w", b.Shown, context.Cause(ctx))
	}
	// FLAG, FROM:TO and a summary, divided by tabs (git-push(1), "Output"): what is refused here,
	// before anything is sent, is "[rejected]", by the remote "[remote rejected]".
	for line := range strings.Lines(printed) {
		parts := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(parts) != 3 || parts[0] != "!" {
			continue
		}
		if strings.HasPrefix(parts[2], "[rejected]") {
			return &Error{Moved, fmt.Sprintf("somebody else has changed the branch %s", b.Shown), "run again"}
		}
		why := strings.Trim(strings.TrimSpace(strings.TrimPrefix(parts[2], "[remote rejected]")), "()")
		if said := failureText(err); said != "" && !strings.Contains(why, said) {
			why += ": " + said
		}
		return &Error{Refused, fmt.Sprintf("the remote refuses a commit on the branch %s: %s", b.Shown, why),
			"a protected branch, or a hook of the server, has to let through who releases; or name another branch in the config"}
	}
	return fmt.Errorf("pushing to the branch %s: %w", b.Shown, err)
}
