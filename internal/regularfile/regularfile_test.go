package regularfile

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Skip(err)
	}
}

func TestReadsRegularFilesOfBoundedSize(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a")
	write(t, file, "12345")
	for limit, want := range map[int64]string{4: "it has more than 4 bytes", 5: "", 6: ""} {
		got, err := Read(file, limit)
		within, withinErr := ReadWithin(dir, file, limit)
		if want != "" {
			if err == nil || err.Error() != want || withinErr == nil || withinErr.Error() != want {
				t.Errorf("limit %d: %v, %v", limit, err, withinErr)
			}
			continue
		}
		if err != nil || withinErr != nil || string(got) != "12345" || string(within) != "12345" {
			t.Errorf("limit %d: %q, %v, %q, %v", limit, got, err, within, withinErr)
		}
	}
	for _, read := range []func(string) error{
		func(path string) error { _, err := Read(path, 9); return err },
		func(path string) error { _, err := ReadWithin(dir, path, 9); return err },
	} {
		if err := read(filepath.Join(dir, "absent")); !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), dir) {
			t.Errorf("%v", err)
		}
		if err := read(dir); err == nil || err.Error() != "it is a folder, and no regular file" {
			t.Errorf("%v", err)
		}
	}
}

// What is no regular file is neither waited for nor read, also behind a link.
func TestRefusesWhatIsNoRegularFile(t *testing.T) {
	dir := t.TempDir()
	wanted := map[string]string{}
	if runtime.GOOS != "windows" {
		link(t, "/dev/zero", filepath.Join(dir, "zero"))
		link(t, "/dev/null", filepath.Join(dir, "null"))
		wanted["zero"], wanted["null"] = "a device", "a device"
		pipe(t, filepath.Join(dir, "pipe"))
		link(t, "pipe", filepath.Join(dir, "to-pipe"))
		wanted["pipe"], wanted["to-pipe"] = "a named pipe", "a named pipe"
		if socket, err := net.Listen("unix", filepath.Join(dir, "socket")); err == nil {
			defer socket.Close()
			wanted["socket"] = "a socket"
		}
	}
	for name, kind := range wanted {
		done := make(chan error, 2)
		go func() {
			_, err := Read(filepath.Join(dir, name), 1<<20)
			done <- err
			_, err = ReadWithin("/", filepath.Join(dir, name), 1<<20)
			done <- err
		}()
		for range 2 {
			select {
			case err := <-done:
				var refused *Refused
				if !errors.As(err, &refused) || err.Error() != "it is "+kind+", and no regular file" {
					t.Errorf("%s: %v", name, err)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("%s is waited for", name)
			}
		}
	}
}

// A file that has no size, or grows, is not read beyond the limit.
func TestSizeIsThatOfWhatIsRead(t *testing.T) {
	const file = "/proc/self/status"
	whole, err := Read(file, 1<<20)
	if err != nil {
		t.Skip(err)
	}
	if len(whole) == 0 {
		t.Skip("it is empty here")
	}
	if _, err := Read(file, 10); err == nil || err.Error() != "it has more than 10 bytes" {
		t.Errorf("%v", err)
	}
}

func TestReadWithin(t *testing.T) {
	dir := t.TempDir()
	project := filepath.Join(dir, "project")
	write(t, filepath.Join(project, "shared", "config"), "inside")
	write(t, filepath.Join(dir, "secret"), "secret")
	write(t, filepath.Join(dir, "project-2", "secret"), "secret")
	if err := os.Mkdir(filepath.Join(project, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	link(t, filepath.Join("..", "shared", "config"), filepath.Join(project, "a", "relative"))
	link(t, filepath.Join(project, "shared", "config"), filepath.Join(project, "a", "absolute"))
	link(t, "relative", filepath.Join(project, "a", "of-a-link"))
	link(t, filepath.Join("..", "shared"), filepath.Join(project, "a", "folder"))
	link(t, filepath.Join("..", "..", "secret"), filepath.Join(project, "a", "out"))
	link(t, filepath.Join(dir, "secret"), filepath.Join(project, "a", "out-absolute"))
	link(t, "out", filepath.Join(project, "a", "out-by-another"))
	link(t, filepath.Join("..", ".."), filepath.Join(project, "a", "up"))
	link(t, filepath.Join(dir, "project-2", "secret"), filepath.Join(project, "a", "sibling"))
	link(t, "circle", filepath.Join(project, "a", "circle"))
	link(t, project, filepath.Join(dir, "named"))
	for _, folder := range []string{project, filepath.Join(dir, "named")} {
		for name, inside := range map[string]bool{
			"shared/config": true, "a/relative": true, "a/absolute": true, "a/of-a-link": true, "a/folder/config": true,
			"a/out": false, "a/out-absolute": false, "a/out-by-another": false, "a/up/secret": false, "a/sibling": false, "a/circle": false, "../secret": false,
		} {
			got, err := ReadWithin(folder, filepath.Join(folder, filepath.FromSlash(name)), 100)
			switch {
			case inside && (err != nil || string(got) != "inside"):
				t.Errorf("%s: %q, %v", name, got, err)
			case !inside && (err == nil || got != nil):
				t.Errorf("%s is read: %q", name, got)
			case !inside && name != "a/circle" && err.Error() != "it is a link that leads out of "+folder:
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
