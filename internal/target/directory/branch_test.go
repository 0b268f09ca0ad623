package directory_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/sharedfiles"
	"github.com/ksrelease/ksrelease/internal/target/directory"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

// pages is a bare repository, a work tree whose remote it is, and a target on a branch of it.
type pages struct {
	bare   string
	work   *gittest.Repository
	target *directory.Target
}

func openPages(t *testing.T, path string) *pages {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	p := &pages{bare: filepath.Join(t.TempDir(), "museum.git"), work: gittest.New(t)}
	must(t, os.Mkdir(p.bare, 0o755))
	gittest.Git(t, p.bare, "init", "-q", "--bare")
	gittest.Git(t, p.bare, "config", "uploadpack.allowFilter", "true")
	p.work.Git("remote", "add", "origin", p.bare)
	p.target = p.another(t, path)
	return p
}

// another is the target of another process.
func (p *pages) another(t *testing.T, path string) *directory.Target {
	t.Helper()
	branch := sharedfiles.NewBranch(sharedfiles.BranchOptions{Home: p.work.Dir, Remote: "origin", Branch: "gh-pages", Path: path})
	d, err := directory.New(directory.Options{Store: branch, Shown: branch.Shown(), URL: "https://example.github.io/charts"})
	must(t, err)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (p *pages) hook(t *testing.T, name, script string) {
	file := filepath.Join(p.bare, "hooks", name)
	must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(t, os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o755))
}

// replace puts something else in the place of a file on the branch, by another clone.
func (p *pages) replace(t *testing.T, name, text string) {
	other := gittest.At(t, filepath.Join(t.TempDir(), "other"))
	gittest.Git(t, p.work.Dir, "init", "-q", other.Dir)
	other.Git("remote", "add", "origin", p.bare)
	if strings.Contains(gittest.Git(t, p.bare, "for-each-ref"), "gh-pages") {
		other.Git("fetch", "-q", "origin", "gh-pages")
		other.Git("reset", "-q", "--hard", "FETCH_HEAD")
	}
	other.Put(name, text)
	other.Commit("Replace " + name)
	other.Git("push", "-q", "origin", "HEAD:refs/heads/gh-pages")
}

func TestContractOnABranch(t *testing.T) {
	targettest.Run(t, func(t *testing.T) targettest.Fixture {
		p := openPages(t, "charts")
		hang := filepath.Join(t.TempDir(), "hang")
		wrapper := filepath.Join(t.TempDir(), "upload-pack")
		must(t, os.WriteFile(wrapper, []byte("#!/bin/sh\n[ -e "+hang+" ] && sleep 60\nexec git upload-pack \"$@\"\n"), 0o755))
		p.work.Git("config", "remote.origin.uploadpack", wrapper)
		moved := p.bare + "-moved"
		restore := func() {}
		return targettest.Fixture{
			Target: p.target,
			Break: func(r targettest.Request, f targettest.Fault) bool {
				switch {
				case f == targettest.Fails && r != targettest.Fetch:
					must(t, os.Rename(p.bare, moved))
					restore = func() { must(t, os.Rename(moved, p.bare)) }
				case f == targettest.Garbage && (r == targettest.Index || r == targettest.Lookup):
					was := gittest.Git(t, p.bare, "rev-parse", "gh-pages")
					p.replace(t, "charts/index.yaml", "<html>\n")
					restore = func() { gittest.Git(t, p.bare, "update-ref", "refs/heads/gh-pages", was) }
				case f == targettest.Garbage && r == targettest.Fetch:
					was := gittest.Git(t, p.bare, "rev-parse", "gh-pages")
					p.replace(t, "charts/alc-1.0.0.tgz", "<html>\n")
					restore = func() { gittest.Git(t, p.bare, "update-ref", "refs/heads/gh-pages", was) }
				case f == targettest.LosesReply && r == targettest.Publish: // and nobody can read the branch afterwards
					p.hook(t, "post-receive", "mv '"+p.bare+"' '"+moved+"'; kill -9 $PPID")
					restore = func() {
						must(t, os.Rename(moved, p.bare))
						must(t, os.Remove(filepath.Join(p.bare, "hooks", "post-receive")))
					}
				case f == targettest.Hangs && r != targettest.Fetch:
					must(t, os.WriteFile(hang, nil, 0o600))
					restore = func() { must(t, os.Remove(hang)) }
				default:
					return false
				}
				return true
			},
			Restore: func() { restore() },
		}
	})
}

// What is published at the same time is one commit, with all versions in its message.
func TestOneCommitForMany(t *testing.T) {
	p := openPages(t, "")
	p.replace(t, "CNAME", "charts.example.com\n")
	done := make(chan error)
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	var packages []*extension.Package
	for _, name := range names { // which takes its time, so that they would come one by one
		packages = append(packages, targettest.Package(t, name, "1.0.0", name))
	}
	for _, pkg := range packages {
		go func() {
			_, err := p.target.Publish(t.Context(), pkg)
			done <- err
		}()
	}
	for range names {
		must(t, <-done)
	}
	messages := gittest.Git(t, p.bare, "log", "--format=%B", "gh-pages")
	if commits := strings.Count(gittest.Git(t, p.bare, "log", "--format=%H", "gh-pages"), "\n") + 1; commits > 4 {
		t.Errorf("%d commits:\n%s", commits, messages)
	}
	for _, name := range names {
		if strings.Count(messages, name+" 1.0.0") == 0 {
			t.Errorf("%s is in no message:\n%s", name, messages)
		}
	}
	if index := gittest.Git(t, p.bare, "show", "gh-pages:index.yaml"); strings.Count(index, "https://example.github.io/charts/") != len(names) {
		t.Errorf("index:\n%s", index)
	}
	if gittest.Git(t, p.bare, "show", "gh-pages:CNAME") != "charts.example.com" {
		t.Error("what else is on the branch is gone")
	}
}

// A push that was done and of which the answer was lost is no second version and no failure.
func TestALostPushIsReadBack(t *testing.T) {
	p := openPages(t, "")
	p.hook(t, "post-receive", "kill -9 $PPID")
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	publish(t, p.target, pkg)
	if commits := gittest.Git(t, p.bare, "rev-list", "--count", "gh-pages"); commits != "1" {
		t.Errorf("%s commits", commits)
	}
}

// A branch that nobody may push to is an error that says so, and what to do.
func TestAProtectedBranch(t *testing.T) {
	p := openPages(t, "")
	p.hook(t, "update", "echo 'GH006: Protected branch update failed for refs/heads/gh-pages.' >&2; exit 1")
	_, err := p.target.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one"))
	if err == nil || failure.InDoubt(err) || !strings.Contains(err.Error(), "GH006") || !strings.Contains(failure.Hint(err), "protected branch") {
		t.Errorf("%v (%s)", err, failure.Hint(err))
	}
}

// Of two packages of one version, released at the same time on two machines, one is there.
func TestOneOfTwoOnABranch(t *testing.T) {
	p := openPages(t, "")
	errs := make(chan error)
	for _, content := range []string{"one", "two", "three"} {
		d, pkg := p.another(t, ""), targettest.Package(t, "alc", "1.0.0", content)
		go func() {
			_, err := d.Publish(t.Context(), pkg)
			errs <- err
		}()
	}
	var all []error
	for range 3 {
		if err := <-errs; err != nil {
			all = append(all, err)
		}
	}
	if len(all) != 2 || !strings.Contains(errors.Join(all...).Error(), "already, as another package") {
		t.Errorf("%v", all)
	}
}
