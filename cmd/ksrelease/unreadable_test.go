package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/testutil/nobody"
)

// A folder that may not be written is named, also where it is the current one.
func TestPlaceThatMayNotBeWritten(t *testing.T) {
	nobody.Run(t, func(t *testing.T) {
		root := t.TempDir()
		sub := filepath.Join(root, "sub")
		if err := errors.Join(os.Mkdir(sub, 0o755), os.Chmod(sub, 0o555), os.Chmod(root, 0o555)); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(root, 0o755)
		for _, c := range []struct{ at, dir, want string }{
			{root, filepath.Join(root, ".ksrelease/marketplace"), root + " cannot be written: permission denied"},
			{root, ".ksrelease/marketplace", root + " cannot be written: permission denied"},
			{sub, filepath.Join(root, "market"), root + " cannot be written: permission denied"},
			{root, filepath.Join(sub, "market"), "sub cannot be written: permission denied"},
		} {
			t.Chdir(c.at)
			if err := atomicfile.ProbeBelow(c.dir, placeOf); err == nil || err.Error() != c.want {
				t.Errorf("%s in %s: %v, want %s", c.dir, c.at, err, c.want)
			}
		}
	})
}

// An extension that cannot be read comes with what to do about it, in check and in lint.
func TestUnreadableFilesOfAnExtensionHaveAHint(t *testing.T) {
	nobody.Run(t, func(t *testing.T) {
		root := t.TempDir()
		t.Chdir(root)
		for _, name := range []string{"a/extension.yaml", "a/values.yaml", "a/charts/x/templates/cm.yaml"} {
			put(t, filepath.Join(root, name))
		}
		config := "version: 1\nextensions: [{path: a}]\n"
		if err := os.WriteFile(filepath.Join(root, ".ksrelease.yaml"), []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		const leaveOut = "make it readable to the user that runs ksrelease, or leave it out of the package with .helmignore"
		for _, c := range []struct{ closed, place string }{
			{"a/charts/x/templates/cm.yaml", "reading charts/x/templates/cm.yaml: permission denied"},
			{"a/charts/x", "reading the folder charts/x: permission denied"},
			{"a/values.yaml", "reading values.yaml: permission denied"},
		} {
			path := filepath.Join(root, c.closed)
			if err := os.Chmod(path, 0); err != nil {
				t.Fatal(err)
			}
			for _, command := range [][]string{{"lint", "a"}, {"package", "a"}, {"check"}} {
				code, stdout, stderr := runMain(t, command...)
				if shown := stdout + stderr; code != app.ExitNotReleased || !strings.Contains(shown, c.place) || !strings.Contains(shown, leaveOut) {
					t.Errorf("%s, %s closed: exit code %d, %s", command, c.closed, code, shown)
				}
			}
			if err := os.Chmod(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// put writes an empty file, and makes the folders above it.
func put(t *testing.T, file string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}
