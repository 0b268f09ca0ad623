//go:build unix

package atomicfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A named pipe, as a device, stays what it is: others use it. So does a link to an open file of a
// process, as /dev/stdout is one; the test makes its own, since a mistake would replace that one.
func TestWhatIsNoRegularFileIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	regular, pipe := filepath.Join(dir, "regular"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(regular, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"to pipe": pipe, "to folder": dir, "to open file": "/proc/self/fd/1", "to regular": regular, "to nothing": filepath.Join(dir, "nothing")} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for name, may := range map[string]bool{"pipe": false, ".": false, "to pipe": false, "to folder": false, "to open file": false, "to regular": true, "to nothing": true, "regular": true, "new": true} {
		path := filepath.Join(dir, name)
		before, _ := os.Lstat(path)
		for as, write := range writers {
			if err := write(path, []byte("new"), 0o600); (err == nil) != may {
				t.Errorf("%s %s: %v", as, name, err)
			}
		}
		after, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if !may && after.Mode() != before.Mode() || may && after.Mode().Type() != fs.FileMode(0) {
			t.Errorf("%s was %v, and is %v", name, before, after.Mode())
		}
	}
	if text, err := os.ReadFile(regular); err != nil || string(text) != "new" {
		t.Errorf("%q, %v", text, err)
	}
}
