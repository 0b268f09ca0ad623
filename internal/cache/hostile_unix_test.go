//go:build unix

package cache

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ksrelease/ksrelease/internal/failure"
)

// What is no regular file is no entry, and nobody waits for it.
func TestOddFiles(t *testing.T) {
	dir := t.TempDir()
	c := opened(t, dir)
	key := c.Key("lint/1", "a")
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, seal(key, []byte("outside")), 0o600); err != nil {
		t.Fatal(err)
	}
	file := entryFile(dir, key)
	c.Put(t.Context(), key, nil)
	for _, odd := range []struct {
		name string
		make func() error
	}{
		{"folder", func() error { return os.Mkdir(file, 0o700) }},
		{"pipe", func() error { return syscall.Mkfifo(file, 0o600) }},
		{"link", func() error { return os.Symlink(outside, file) }},
	} {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if err := odd.make(); err != nil {
			t.Fatal(err)
		}
		if got, ok := c.Get(t.Context(), key); ok {
			t.Errorf("%s: it has %q", odd.name, got)
		}
		if odd.name == "folder" { // which cannot be replaced, and keeps no other entry away
			c.Put(t.Context(), key, nil)
			c.Put(t.Context(), c.Key("lint/1", "b"), []byte("b"))
			want(t, c, c.Key("lint/1", "b"), "b")
		}
	}
	// A link to another place is replaced, and what it leads to is not.
	c.Put(t.Context(), key, []byte("inside"))
	if got, err := os.ReadFile(outside); err != nil || !bytes.Equal(got, seal(key, []byte("outside"))) {
		t.Errorf("%q, %v", got, err)
	}
}

// A folder to which others could have written is not used.
func TestHostileFolders(t *testing.T) {
	elsewhere := t.TempDir()
	for name, c := range map[string]struct {
		prepare func(dir string) error
		want    string
	}{
		"writable for others": {func(dir string) error {
			return os.Chmod(filepath.Join(dir, entriesName), 0o777)
		}, "other users may write to the folder"},
		"writable for the group": {func(dir string) error {
			return os.Chmod(filepath.Join(dir, entriesName), 0o720)
		}, "other users may write to the folder"},
		"a link": {func(dir string) error {
			return os.Rename(filepath.Join(dir, entriesName), filepath.Join(dir, "moved"))
		}, "is no folder"},
		"of another user": {func(dir string) error {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a folder to another user")
			}
			return os.Chown(filepath.Join(dir, entriesName), 12345, 12345)
		}, "belongs to another user (uid 12345)"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			opened(t, dir)
			if err := c.prepare(dir); err != nil {
				t.Fatal(err)
			}
			if name == "a link" {
				if err := os.Symlink(elsewhere, filepath.Join(dir, entriesName)); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Open(Options{Dir: dir})
			if err == nil || !strings.Contains(err.Error(), c.want) || failure.Hint(err) == "" {
				t.Errorf("%v, %v, hint %q", got, err, failure.Hint(err))
			}
		})
	}
	if left, err := os.ReadDir(elsewhere); err != nil || len(left) > 0 {
		t.Errorf("written through a link: %v, %v", left, err)
	}
}
