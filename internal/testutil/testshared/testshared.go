// Package testshared finds, for tests, what lies next to the project and is no
// part of it: real packages, and recordings of other tools. It knows nothing of
// what is in them, and nothing that ships may import it.
package testshared

import (
	"os"
	"path/filepath"
	"testing"
)

// Path is the file or folder of that name, with slashes, in ../shared next to
// the project. The test is skipped, saying so, where it is not there.
func Path(tb testing.TB, name string) string {
	tb.Helper()
	dir, err := os.Getwd() // that of the package under test
	if err != nil {
		tb.Fatal(err)
	}
	root := above(dir)
	if root == "" {
		tb.Fatalf("there is no go.mod in %s or above", dir)
	}
	path := filepath.Join(filepath.Dir(root), "shared", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("skipped: ../shared/%s next to the project is not here", name)
	}
	return path
}

// Corpus are the archives of the real packages, at least one; see Path.
func Corpus(tb testing.TB) []string {
	tb.Helper()
	archives, err := filepath.Glob(filepath.Join(Path(tb, "corpus"), "*.tgz"))
	if err != nil || len(archives) == 0 {
		tb.Fatalf("there are no packages in ../shared/corpus (%v)", err)
	}
	return archives
}

// above is the folder of the nearest go.mod; empty where there is none.
func above(dir string) string {
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}
