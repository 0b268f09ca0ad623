package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

// The result documents have the revision, and none where there is no work tree.
func TestRevisionInTheResultDocument(t *testing.T) {
	gittest.Need(t)
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
	r := gittest.At(t, root)
	r.Git("init")
	want := r.Commit("one")
	for _, command := range []string{"lint", "package", "run"} {
		if got := read(command)["revision"]; got != want {
			t.Errorf("%s: %v, want %s", command, got, want)
		}
	}
}
