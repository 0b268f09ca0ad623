package config

import (
	"path/filepath"
	"slices"
	"testing"
)

// Where there is no config yet, submodules that are not checked out are said all the same.
func TestAbsentSubmodules(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, ".gitmodules"), "[submodule \"s\"]\n\tpath = extensions/s\n[submodule \"t\"]\n\tpath = extensions/t\n")
	write(t, filepath.Join(root, "extensions/t/extension.yaml"), "")
	for dir, want := range map[string][]string{
		"":             {"extensions/s is a git submodule that is not checked out, so what is in it is passed over: run git submodule update --init extensions/s"},
		"extensions":   {"s is a git submodule that is not checked out, so what is in it is passed over: run git submodule update --init s"},
		"extensions/t": nil,
	} {
		if got := AbsentSubmodules(filepath.Join(root, dir)); !slices.Equal(got, want) {
			t.Errorf("%q: %q", dir, got)
		}
	}
}
