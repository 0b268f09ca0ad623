package testshared

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPath(t *testing.T) {
	outside, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(outside, "project", "internal", "room")
	for _, dir := range []string{below, filepath.Join(outside, "shared", "corpus")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "project", "go.mod"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(below)
	if got := Path(t, "corpus"); got != filepath.Join(outside, "shared", "corpus") {
		t.Error(got)
	}
	t.Run("what is not there", func(t *testing.T) {
		t.Cleanup(func() {
			if !t.Skipped() {
				t.Error("the test was not skipped")
			}
		})
		t.Errorf("found %s", Path(t, "corpus/none.tgz"))
	})
	if root := above(outside); root != "" {
		t.Errorf("a go.mod in %s", root)
	}
}
