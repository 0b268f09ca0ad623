package sharedfiles

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/testutil/nobody"
)

// count is an edit that adds one to a number in the last file, and leaves another file for it.
func count(mark string) func(context.Context, View) (Change, error) {
	return func(ctx context.Context, v View) (Change, error) {
		data, err := v.Read(ctx, "count", 100)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Change{}, err
		}
		n := 0
		if err == nil {
			if _, err := fmt.Sscan(string(data), &n); err != nil {
				return Change{}, err
			}
		}
		return Change{Files: []File{{mark, []byte(mark)}, {"count", fmt.Append(nil, n+1)}}, Message: "Count " + mark}, nil
	}
}

func read(t *testing.T, s Store, name string) string {
	t.Helper()
	v, err := s.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data, err := v.Read(t.Context(), name, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestFolderIsChangedInTurn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	var group sync.WaitGroup
	for i := range 40 {
		f := NewFolder(dir, "folder") // as if it was another process: flock is by opened file
		group.Go(func() {
			if err := f.Change(t.Context(), count(fmt.Sprintf("m%02d", i))); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	f := NewFolder(dir, "folder")
	if n := read(t, f, "count"); n != "40" {
		t.Errorf("%s changes are left of 40", n)
	}
	v, err := f.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names, err := v.Names(t.Context())
	if err != nil || len(names) != 41 || !slices.IsSorted(names) || names[0] != "count" {
		t.Errorf("files: %q, %v", names, err)
	}
}

func TestFolderRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../secret", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	f := NewFolder(dir, "museum")
	v, _ := f.View(t.Context())
	for name, want := range map[string]string{
		"../secret": "no file of the folder", "/etc/passwd": "no file of the folder", "": "no file of the folder", "link": "out of", ".": "no regular file",
	} {
		if data, err := v.Read(t.Context(), name, 10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v", name, data, err)
		}
	}
	if _, err := v.Read(t.Context(), "none", 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	edited := errors.New("no")
	if err := f.Change(t.Context(), func(context.Context, View) (Change, error) { return Change{}, edited }); err != edited {
		t.Errorf("an edit that fails: %v", err)
	}
	if err := f.Change(t.Context(), func(context.Context, View) (Change, error) { return Change{}, nil }); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	if err := os.Mkdir(filepath.Join(dir, lockName), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := f.Change(t.Context(), count("x")); err == nil || failure.Hint(err) != "remove it" {
		t.Errorf("no lock: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := NewFolder(file, "museum").Change(t.Context(), count("x")); err == nil || failure.Hint(err) == "" {
		t.Errorf("a file in the place of the folder: %v", err)
	}
}

// Who waits for the lock leaves with its context.
func TestFolderIsLeftWithTheContext(t *testing.T) {
	f := NewFolder(t.TempDir(), "museum")
	locked, end := make(chan bool), make(chan bool)
	go func() {
		_ = f.Change(t.Context(), func(context.Context, View) (Change, error) {
			locked <- true
			<-end
			return Change{}, nil
		})
	}()
	<-locked
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := f.Change(ctx, count("x")); !errors.Is(err, context.DeadlineExceeded) || failure.InDoubt(err) {
		t.Errorf("locked out: %v", err)
	}
	close(end)
	if err := f.Change(t.Context(), count("x")); err != nil {
		t.Error(err)
	}
}

func TestFolderThatIsReadOnly(t *testing.T) {
	nobody.Run(t, func(t *testing.T) {
		dir := t.TempDir()
		f := NewFolder(dir, "museum")
		if err := f.Change(t.Context(), count("a")); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		err := f.Change(t.Context(), count("b"))
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(failure.Hint(err), "allowed to write") || failure.InDoubt(err) {
			t.Errorf("%v (%s)", err, failure.Hint(err))
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if n := read(t, f, "count"); n != "1" {
			t.Errorf("count is %s", n)
		}
	})
}
