package app

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

// TestAskGit: what git says is the same for whoever asks, and without a repository no process is started.
func TestAskGit(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a script takes the place of git")
	}
	r := gittest.New(t)
	r.Put("ext/a/extension.yaml", "name: a\n")
	r.Put("ext/a/more.txt", "x\n")
	head := r.Commit("one")
	under := t.Context()
	ask := func(root string, forTree bool) (revision string, knows bool) {
		p := &Project{Config: config.Default(root), Root: root, app: &App{Stop: t.Context()}}
		said := p.askGit(under, []config.Source{{Path: filepath.Join(root, "ext", "a")}}, forTree)
		defer said.Close()
		return said.Revision(), said.WorkTree() != nil
	}
	for _, forTree := range []bool{true, false} {
		if revision, knows := ask(r.Dir, forTree); revision != head || knows != forTree {
			t.Errorf("revision %q, want %q; a work tree: %t, want %t", revision, head, knows, forTree)
		}
	}
	started := filepath.Join(t.TempDir(), "started")
	t.Setenv("PATH", gittest.Program(t, ": >'"+started+"'\nexit 1"))
	if revision, knows := ask(t.TempDir(), true); revision != "" || knows {
		t.Errorf("without a repository: %q, %t", revision, knows)
	}
	if _, err := os.Stat(started); err == nil {
		t.Error("git was started where there is no repository")
	}
	ask(r.Dir, true)
	if _, err := os.Stat(started); err != nil {
		t.Error("git was not started where there is one: ", err)
	}

	t.Setenv("PATH", gittest.Program(t, "PATH=/bin:/usr/bin exec sleep 60"))
	under, cancel := context.WithTimeout(under, 50*time.Millisecond) // as --timeout
	defer cancel()
	begun := time.Now()
	if revision, knows := ask(r.Dir, true); revision != "" || knows || time.Since(begun) > 5*time.Second {
		t.Errorf("a git that says nothing: %q, %t after %s", revision, knows, time.Since(begun))
	}
}
