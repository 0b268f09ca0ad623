package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The result documents have the revision, and none where there is no work tree.
func TestRevisionInTheResultDocument(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	root := t.TempDir()
	t.Chdir(root)
	if err := os.WriteFile("extension.yaml", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	read := func(command string) (document map[string]any) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "result.json")
		runMain(t, command, ".", "--report", file)
		if err := json.Unmarshal([]byte(readString(t, file)), &document); err != nil {
			t.Fatal(err)
		}
		return document
	}
	if got, there := read("lint")["revision"]; there {
		t.Errorf("without a work tree: %v", got)
	}
	git := func(args ...string) string {
		t.Helper()
		git := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"}, args...)...)
		git.Env = append(os.Environ(), "HOME="+t.TempDir(), "GIT_CONFIG_NOSYSTEM=1")
		out, err := git.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init")
	git("commit", "--allow-empty", "-m", "one")
	want := git("rev-parse", "HEAD")
	for _, command := range []string{"lint", "package", "run"} {
		if got := read(command)["revision"]; got != want {
			t.Errorf("%s: %v, want %s", command, got, want)
		}
	}
}
