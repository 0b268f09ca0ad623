package marketplace

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ksrelease/ksrelease/internal/marketplace/store"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// smallDisk is a file system of its own with room for so many files and 4 MiB.
func smallDisk(t *testing.T, files int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=4m,nr_inodes=%d", files)); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// kept is how many of the versions of TestFullDisk there are.
func (c *client) kept() int {
	found := 0
	for _, name := range []string{"old", "new"} {
		if c.get("/apis/extension/v1/extensions/"+name+"/versions/1.0.0").status == 200 {
			found++
		}
	}
	return found
}

// write is a request that changes the marketplace, and what it changes.
type write struct {
	name string
	ask  func(c *client) (reply, error)
	was  int // of seen, before it was done
	is   int // after it
	seen string
}

// writes are one request of each kind; draft is the ID of a snapshot to submit.
func writes(draft string, replacement []byte) []write {
	const icon = "/files/local/new/1.0.0/deep/i.svg"
	versionOf := func(name string) string { return "/apis/extension/v1/extensions/" + name + "/versions/1.0.0" }
	push := func(name string, archive []byte) func(c *client) (reply, error) {
		return func(c *client) (reply, error) {
			contentType, body := form(field{packagePart, "p.tgz", archive})
			return c.try(c.request("POST", c.packagePath(name), contentType, body))
		}
	}
	return []write{
		{"upload", func(c *client) (reply, error) {
			contentType, body := form(files(icon, strings.Repeat("<svg/>", 2000))...)
			return c.try(c.request("POST", c.filesPath(), contentType, body))
		}, 404, 200, icon},
		{"push", push("new", packed("new", "1.0.0")), 404, 200, versionOf("new")},
		{"push over a draft", push("old", replacement), 200, 200, versionOf("old")},
		{"submit", func(c *client) (reply, error) {
			return c.try(c.request("POST", "/apis/extension/v1/users/local/snapshots/"+draft+"/action:submit", "application/json", []byte(`{}`)))
		}, 404, 200, "/charts/old-1.0.0.tgz"},
	}
}

// A full disk is reported as one, with what to do, nothing that was not kept whole is
// acknowledged, what was acknowledged before stays, over a kill as well, and with room
// the same requests work. The disk is full by the size of a file, by its bytes, and by
// the number of its files, at each number of them at which something else does not fit.
func TestFullDisk(t *testing.T) {
	soak.Long(t)
	t.Run("size of a file", func(t *testing.T) {
		fullDisk(t, t.TempDir(), func(t *testing.T, pid, room int) (makeRoom func()) {
			var old unix.Rlimit
			if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, nil, &old); err != nil {
				t.Fatal(err)
			}
			// Files that are there can be opened; more than a part of a new one is not kept.
			if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(room) * 100, Max: old.Max}, nil); err != nil {
				t.Skipf("the size of files cannot be limited here: %v", err)
			}
			return func() {
				if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &old, nil); err != nil {
					t.Error(err)
				}
			}
		})
	})
	t.Run("bytes", func(t *testing.T) {
		dir := smallDisk(t, 1000)
		fullDisk(t, filepath.Join(dir, "m"), func(t *testing.T, _, room int) func() {
			filler := filepath.Join(dir, "filler")
			file, err := os.Create(filler)
			if err != nil {
				t.Fatal(err)
			}
			page := make([]byte, os.Getpagesize())
			size := int64(0)
			for err == nil {
				_, err = file.Write(page)
				size += int64(len(page))
			}
			if !errors.Is(err, unix.ENOSPC) {
				t.Fatal(err)
			}
			size -= int64(len(page)) * int64(room+1)
			if err := errors.Join(file.Truncate(size), file.Close()); err != nil {
				t.Fatal(err)
			}
			return func() { os.Remove(filler) }
		})
	})
	t.Run("number of files", func(t *testing.T) {
		dir := smallDisk(t, 200)
		fullDisk(t, filepath.Join(dir, "m"), func(t *testing.T, _, room int) func() {
			filler := filepath.Join(dir, "filler")
			err := os.Mkdir(filler, 0o755)
			made := 0
			for ; err == nil; made++ {
				err = os.WriteFile(filepath.Join(filler, fmt.Sprint(made)), nil, 0o644)
			}
			if !errors.Is(err, unix.ENOSPC) {
				t.Fatal(err)
			}
			for i := range room {
				os.Remove(filepath.Join(filler, fmt.Sprint(i)))
			}
			return func() { os.RemoveAll(filler) }
		})
	})
}

// fullDisk fills the disk so that there is room for nothing, then for a little more each
// time, until the request works.
func fullDisk(t *testing.T, dir string, fill func(t *testing.T, pid, room int) (makeRoom func())) {
	c, victim := startVictim(t, dir)
	defer func() {
		victim.Process.Kill()
		victim.Wait()
	}()
	draft := c.draft("old", "1.0.0")
	refusals := 0
	for _, w := range writes(draft, packed("old", "1.0.0", "values.yaml", "other: true\n")) {
		t.Run(w.name, func(t *testing.T) {
			for room := 0; ; room++ {
				c.t = t
				makeRoom := fill(t, victim.Process.Pid, room)
				before := c.get(w.seen)
				answer, err := w.ask(c)
				if err != nil {
					makeRoom()
					t.Fatal(err)
				}
				after := c.get(w.seen)
				makeRoom()
				if before.status != w.was {
					t.Fatalf("before: %d %s", before.status, before.body)
				}
				if answer.status == 200 {
					break
				}
				refusals++
				if answer.status != http.StatusInsufficientStorage || !strings.Contains(answer.message(), dir) || !strings.HasSuffix(answer.message(), "; free some and ask again") {
					t.Fatalf("with room for %d: %d %s", room, answer.status, answer.body)
				}
				if after.status != before.status || !bytes.Equal(after.body, before.body) {
					t.Fatalf("with room for %d: refused, and %s is %d %s, was %d %s", room, w.seen, after.status, after.body, before.status, before.body)
				}
				// Nothing that was refused takes the room that is missing.
				if packages, err := filepath.Glob(filepath.Join(dir, store.PackagesDir, "*")); err != nil || len(packages) != c.kept() {
					t.Fatalf("with room for %d: %d packages are spoken of, and there are %v (%v)", room, c.kept(), packages, err)
				}
				if left, err := os.ReadDir(filepath.Join(dir, store.StagingDir)); err != nil || len(left) > 0 {
					t.Fatalf("with room for %d: staged files are left: %v (%v)", room, left, err)
				}
				if room == 0 {
					// What is on disk is what was acknowledged.
					victim.Process.Kill()
					victim.Wait()
					c, victim = startVictim(t, dir)
					if again := c.get(w.seen); again.status != before.status || !bytes.Equal(again.body, before.body) {
						t.Fatalf("opened again, %s is %d %s, was %d %s", w.seen, again.status, again.body, before.status, before.body)
					}
				}
			}
			if done := c.get(w.seen); done.status != w.is {
				t.Errorf("done, and %s is %d %s", w.seen, done.status, done.body)
			}
		})
	}
	c.t = t
	before := c.index()
	victim.Process.Kill()
	victim.Wait()
	if refusals < 4 {
		t.Errorf("%d requests were refused: the test has shown nothing", refusals)
	}
	t.Logf("%d requests refused for want of room", refusals)
	m := open(t, dir, Options{})
	checkStatic(t, dir, before.listed()...)
	if len(before.listed()) != 1 {
		t.Errorf("listed: %v", before.listed())
	}
	for _, name := range []string{"new", "old"} {
		if found, err := m.state.Find(name); err != nil || len(found.Snapshots) != 1 {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}
