package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/shellword"
)

// NewTag is an annotated tag to be made.
type NewTag struct {
	Name    string // without refs/tags/
	Message string
}

// MakeTags makes annotated tags of a commit, all of them or none. A tag that is there is never
// moved: then none is made. They are signed where git is configured so (tag.gpgSign).
//
// Unlike all else of this package it works with the configuration and the environment of the
// user, as git does: who makes the tag, with which key, and the hook reference-transaction.
//
// Git tag makes an object and a reference at once, one tag at a time. So it is run in a
// repository that is thrown away, which has the objects of this one, and then all references
// are made in one transaction (git-update-ref(1)).
func (r *Repository) MakeTags(ctx context.Context, of string, all []NewTag) error {
	if len(all) == 0 {
		return nil
	}
	settings, err := r.tagSettings(ctx)
	if err != nil {
		return err
	}
	scratch, environment, err := r.scratch(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	wanted, _ := r.own(ctx, nil, "", "config", "--type=bool", "--get", "tag.gpgSign") // an error: not set
	signs := strings.TrimSpace(wanted) == "true"
	var transaction strings.Builder
	for _, tag := range all {
		args := append(slices.Clone(settings), "tag", "--annotate", "--message="+tag.Message, "--", tag.Name, of)
		if _, err := r.own(ctx, environment, "", args...); err != nil {
			return &Error{NoTag, fmt.Sprintf("the tag %s cannot be made: %s; none was made", tag.Name, failureText(err)), "git needs a name and an e-mail address for it (git config user.name, user.email), and the key where tag.gpgSign is set"}
		}
		printed, err := r.own(ctx, environment, "", "rev-parse", "--verify", "--end-of-options", "refs/tags/"+tag.Name)
		object := strings.TrimSpace(printed)
		if err != nil || !commit.MatchString(object) {
			return fmt.Errorf("reading the tag %s that was made: %w", tag.Name, err)
		}
		if signs {
			// Git 2.39 goes on where ssh-keygen finds no key.
			text, err := r.own(ctx, environment, "", "cat-file", "tag", object)
			if err != nil || !strings.Contains(text, "\n-----BEGIN ") {
				return &Error{NoTag, fmt.Sprintf("git has not signed the tag %s, and tag.gpgSign asks for it; none was made", tag.Name), "see what it says: git tag --sign --message=test " + shellword.Quote(tag.Name+"-test")}
			}
		}
		fmt.Fprintf(&transaction, "create refs/tags/%s %s\n", tag.Name, object)
	}
	if _, err := r.own(ctx, nil, transaction.String(), "update-ref", "--stdin"); err != nil {
		return &Error{NoTag, fmt.Sprintf("none of %d tags was made: %s", len(all), failureText(err)), "another tag is in the way, or somebody made one meanwhile: git tag --list shows them"}
	}
	return nil
}

// scratch makes a repository that is thrown away, whose objects are those of this one, and the
// environment in which git works on it.
func (r *Repository) scratch(ctx context.Context) (dir string, environment []string, err error) {
	format, err := r.own(ctx, nil, "", "rev-parse", "--show-object-format")
	if err != nil {
		return "", nil, fmt.Errorf("reading the form of the repository: %w", err)
	}
	objects, err := r.own(ctx, nil, "", "rev-parse", "--git-path", "objects")
	if err != nil {
		return "", nil, fmt.Errorf("finding the objects of the repository: %w", err)
	}
	at := filepath.FromSlash(strings.TrimSuffix(strings.TrimSuffix(objects, "\n"), "\r"))
	if !filepath.IsAbs(at) {
		at = filepath.Join(r.Top, at)
	}
	if dir, err = os.MkdirTemp("", "ksrelease-tags-"); err != nil {
		return "", nil, fmt.Errorf("making a folder for tags: %w", err)
	}
	if _, err := r.own(ctx, nil, "", "init", "--quiet", "--bare", "--template=", "--object-format="+strings.TrimSpace(format), "--", dir); err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("making a repository for tags: %w", err)
	}
	return dir, []string{"GIT_DIR=" + dir, "GIT_OBJECT_DIRECTORY=" + at}, nil
}

// tagSettings are the options that give a git elsewhere what is configured here for making tags:
// in the repository, and in files that are included for it.
func (r *Repository) tagSettings(ctx context.Context) (options []string, err error) {
	printed, err := r.own(ctx, nil, "", "config", "-z", "--get-regexp", `^(user|author|committer|gpg|tag|i18n)\.`)
	if err != nil && exitCode(err) != 1 { // 1: nothing is configured
		return nil, fmt.Errorf("reading how tags are made: %w", err)
	}
	for entry := range strings.SplitSeq(strings.TrimSuffix(printed, "\x00"), "\x00") {
		name, value, hasValue := strings.Cut(entry, "\n")
		switch {
		case name == "" || strings.Contains(name, "="): // which -c would take for the end of the name
		case hasValue:
			options = append(options, "-c", name+"="+value)
		default: // a switch that is on
			options = append(options, "-c", name)
		}
	}
	return options, nil
}

// PushTags sends tags to a remote that PushRemote has found, all of them or none, and never in the
// place of another. A tag that the remote has already is no error. It works as the user's own git does.
func (r *Repository) PushTags(ctx context.Context, to string, tags []string) error {
	if len(tags) == 0 {
		return nil
	}
	args := []string{"push", "--atomic", "--porcelain", "--no-follow-tags", "--", to}
	for _, tag := range tags {
		args = append(args, "refs/tags/"+tag+":refs/tags/"+tag)
	}
	printed, err := r.own(ctx, nil, "", args...)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("pushing to %s: %w", to, ctx.Err())
	}
	if taken := rejected(printed); len(taken) > 0 {
		return &Error{NoTag, fmt.Sprintf("nothing was pushed: %s has another tag %s", to, strings.Join(taken, ", ")), "see which one is right: git ls-remote --tags " + shellword.Quote(to) + "; ksrelease moves none"}
	}
	return &Error{NoTag, fmt.Sprintf("nothing was pushed to %s: %s", to, failureText(err)), "the tags are here: ksrelease tag --push sends them again"}
}

// rejected are the tags of which a remote has another one, in what git push --porcelain prints:
// FLAG, FROM:TO and a summary, divided by tabs (git-push(1), "Output"). Those that others keep
// back have "(atomic push failed)" there.
func rejected(printed string) (tags []string) {
	for line := range strings.Lines(printed) {
		parts := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(parts) != 3 || parts[0] != "!" || !strings.Contains(parts[2], "already exists") {
			continue
		}
		_, to, _ := strings.Cut(parts[1], ":")
		tags = append(tags, strings.TrimPrefix(to, "refs/tags/"))
	}
	return tags
}

// PushRemote is the remote of a name to push to; of none it is the one that is configured
// (remote.pushDefault), else origin, else the only one.
func (r *Repository) PushRemote(ctx context.Context, remote string) (string, error) {
	remotes := r.remotes(ctx)
	named := remote
	if remote == "" {
		printed, err := r.own(ctx, nil, "", "config", "--get", "remote.pushDefault")
		remote = firstRemote(remotes)
		if configured := strings.TrimSpace(printed); err == nil && slices.Contains(remotes, configured) {
			remote = configured
		}
	}
	switch {
	case slices.Contains(remotes, remote):
		return remote, nil
	case len(remotes) == 0:
		return "", &Error{UnknownRef, "there is no remote to push to", "git remote add origin ADDRESS"}
	}
	if strings.ContainsAny(named, ":@") { // an address, which may have a password in it
		named = "an address"
	}
	return "", &Error{UnknownRef, fmt.Sprintf("%q is the name of no remote", named), "there are: " + strings.Join(remotes, ", ")}
}

// Address is from where others can fetch the repository: the address of the remote origin, or of
// the only one, as a URL without user and password; empty where there is none, or it is a folder.
func (r *Repository) Address(ctx context.Context) string {
	remote := firstRemote(r.remotes(ctx))
	if remote == "" {
		return ""
	}
	printed, err := r.run(ctx, "config", "--get", "remote."+remote+".url")
	if err != nil {
		return ""
	}
	return publicAddress(strings.TrimSpace(printed))
}

// publicAddress is the address of a remote as a URL without what is secret in it.
func publicAddress(of string) string {
	if host, path, ok := strings.Cut(of, ":"); ok && !strings.Contains(of, "://") && !strings.Contains(host, "/") { // as of scp (git-fetch, "GIT URLS")
		_, host, _ := cutLast(host, "@")
		of = "ssh://" + host + "/" + strings.TrimPrefix(path, "/")
	}
	u, err := url.Parse(of)
	if err != nil || u.Host == "" || !slices.Contains([]string{"https", "http", "ssh", "git"}, u.Scheme) {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// cutLast is what stands before and behind the last separator; without one, all stands behind it.
func cutLast(text, separator string) (before, after string, found bool) {
	if at := strings.LastIndex(text, separator); at >= 0 {
		return text[:at], text[at+len(separator):], true
	}
	return "", text, false
}

// local are variables that lead git to another repository; git sets them for hooks
// (git rev-parse --local-env-vars).
var local = []string{
	"GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_OBJECT_DIRECTORY", "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE",
	"GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_QUARANTINE_PATH",
}

// own gives what git prints as the user's own git does: with all configuration and the
// environment, but for what leads to another repository, and for keys of a release, which are no
// business of hooks.
func (r *Repository) own(ctx context.Context, environment []string, input string, args ...string) (string, error) {
	const mostShort = 16 << 20
	return ownIn(ctx, r.Top, mostShort, environment, strings.NewReader(input), args...)
}

// ownIn is own in a folder, for what git prints at most.
func ownIn(ctx context.Context, dir string, most int, environment []string, input io.Reader, args ...string) (string, error) {
	git := exec.CommandContext(ctx, "git", append([]string{"--no-pager"}, args...)...)
	git.Dir = dir
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if name = strings.ToUpper(name); !slices.Contains(local, name) && !strings.HasPrefix(name, "KSRELEASE_") {
			git.Env = append(git.Env, variable)
		}
	}
	git.Env = append(append(git.Env, "LC_ALL=C"), environment...)
	git.Stdin = input
	// A git that is asked to end removes its locks.
	git.Cancel = func() error { return git.Process.Signal(os.Interrupt) }
	git.WaitDelay = 5 * time.Second
	printed, said := &bounded{most: most}, &bounded{most: 1 << 20}
	git.Stdout, git.Stderr = printed, said
	err := git.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return printed.String(), ctx.Err()
	case printed.full:
		return "", &failedError{command: nameOf(args), said: fmt.Sprintf("it printed more than %d MiB", most>>20)}
	case errors.As(err, &exit):
		return printed.String(), &failedError{command: nameOf(args), code: exit.ExitCode(), said: lastLines(said.String())}
	}
	return printed.String(), err
}

// advice is what git says below each failure to reach a remote, whatever it was, and would push out what it was.
var advice = []string{"Please make sure you have the correct access rights", "and the repository exists."}

// lastLines are the last lines of what git wrote to standard error as one: a program that git
// started, such as one that signs, says the cause before git says what failed.
func lastLines(said string) string {
	const shown = 3
	var lines []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		for _, prefix := range []string{"fatal: ", "error: "} {
			line = strings.TrimPrefix(line, prefix)
		}
		if line != "" && !strings.HasPrefix(line, "hint: ") && !slices.Contains(advice, line) {
			lines = append(lines, strings.TrimSuffix(line, "."))
		}
	}
	return strings.Join(lines[max(0, len(lines)-shown):], "; ")
}
