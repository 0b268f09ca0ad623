package atomicfile

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

var writers = map[string]func(string, []byte, fs.FileMode) error{"Write": Write, "WriteSynced": WriteSynced}

func TestReplacesAFileAndItsMode(t *testing.T) {
	for name, write := range writers {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			if err := os.WriteFile(path, []byte("an earlier and longer content"), 0o666); err != nil {
				t.Fatal(err)
			}
			if err := write(path, []byte("new"), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != "new" {
				t.Errorf("%q, %v", got, err)
			}
			if info, err := os.Stat(path); runtime.GOOS != "windows" && (err != nil || info.Mode() != 0o600) {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			alone(t, dir)
		})
	}
}

// alone checks that nothing but one file is left in a folder.
func alone(t *testing.T, dir string) {
	t.Helper()
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("in the folder: %v, %v", names, err)
	}
}

// An error names the file that was asked for, keeps its cause, and leaves
// nothing behind.
func TestErrorsNameTheFile(t *testing.T) {
	for name, write := range writers {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			missing := filepath.Join(dir, "missing", "file")
			err := write(missing, nil, 0o600)
			if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "replace "+missing+": ") {
				t.Errorf("no folder: %v", err)
			}
			taken := filepath.Join(dir, "taken")
			if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := write(taken, nil, 0o600); err == nil || !strings.HasPrefix(err.Error(), "replace "+taken+": ") {
				t.Errorf("a folder in its place: %v", err)
			}
			alone(t, dir)
		})
	}
}

// Readers and other writers never see a part of a file.
// A stream that breaks off leaves the file as it was, and nothing next to it.
func TestWriteStream(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the connection was reset")
	err := WriteStream(path, 0o600, func(file *os.File) error {
		_, err := file.WriteString("half")
		return errors.Join(err, broken)
	})
	if got, _ := os.ReadFile(path); !errors.Is(err, broken) || string(got) != "before" {
		t.Errorf("%q, %v", got, err)
	}
	alone(t, dir)
	err = WriteStream(path, 0o600, func(file *os.File) error { _, err := file.WriteString("after"); return err })
	if got, _ := os.ReadFile(path); err != nil || string(got) != "after" {
		t.Errorf("%q, %v", got, err)
	}
	alone(t, dir)
}

func TestNobodySeesAPart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	contents := [][]byte{bytes.Repeat([]byte("a"), 300_000), bytes.Repeat([]byte("b"), 200_000)}
	if err := Write(path, contents[0], 0o600); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, content := range contents {
		all.Go(func() {
			for range 20 {
				if err := Write(path, content, 0o600); err != nil && runtime.GOOS != "windows" {
					t.Error(err)
				}
			}
		})
	}
	all.Go(func() {
		for range 40 {
			got, err := os.ReadFile(path)
			if err == nil && !bytes.Equal(got, contents[0]) && !bytes.Equal(got, contents[1]) {
				t.Errorf("%d bytes of neither content", len(got))
			}
		}
	})
	all.Wait()
	alone(t, filepath.Dir(path))
}

// A name at the limit of what file systems take can be replaced, too.
func TestLongNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("n", 250))
	if err := Write(path, []byte("x"), 0o600); err != nil {
		t.Error(err)
	}
}

// What writers that were killed left is removed, and nothing else.
func TestRemoveLeftovers(t *testing.T) {
	dir, below := t.TempDir(), ".ksrelease-"+rand.Text()
	for _, name := range []string{".ksrelease-" + rand.Text(), ".ksrelease-" + rand.Text(), ".ksrelease-baseline.yaml", "kept", filepath.Join("below", below)} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := RemoveLeftovers(dir); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 3 {
		t.Errorf("left: %v, %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "below", below)); err != nil {
		t.Error(err)
	}
}
