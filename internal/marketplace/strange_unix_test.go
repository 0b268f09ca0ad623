//go:build unix

package marketplace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// In the place of each file and folder stands a link out of the marketplace, a link within
// it, a pipe or a socket of nobody: none is followed, opened or waited for, and what it
// leads to is neither shown nor changed.
func TestStrangeFilesInTheFolder(t *testing.T) {
	soak.Long(t)
	whole, _ := withEachState(t)
	outside := filepath.Join(t.TempDir(), "outside")
	targets := map[string]func(name string) error{
		"a link out of it": func(name string) error { return os.Symlink(outside, name) },
		"a link within it": func(name string) error { return os.Symlink("../state/extensions/web.json", name) },
		"a dangling link":  func(name string) error { return os.Symlink(outside+"-none", name) },
		"a pipe":           func(name string) error { return syscall.Mkfifo(name, 0o600) },
		"a device":         func(name string) error { return os.Symlink("/dev/zero", name) },
	}
	names := append(whole.files(), "state/extensions", "state/packages", "public", "public/charts", "state/serving.json", "public/files/local", "state/staging", "state/lost", "state")
	for kind, put := range targets {
		for _, at := range names {
			t.Run(at+" is "+kind, func(t *testing.T) {
				if err := os.RemoveAll(outside); err != nil {
					t.Fatal(err)
				}
				asideOf := whole
				content := "secret of another"
				if !strings.Contains(filepath.Base(at), ".") && at != "state/lock" {
					// A folder with the very files: a link to it must not be taken for it.
					err := os.MkdirAll(outside, 0o700)
					for name, data := range whole {
						if rest, ok := strings.CutPrefix(name, at+"/"); ok && rest != "" && !strings.Contains(rest, "/") {
							err = errors.Join(err, os.WriteFile(filepath.Join(outside, rest), []byte(data), 0o600))
						}
					}
					if err != nil {
						t.Fatal(err)
					}
				} else if err := os.WriteFile(outside, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				before := describe(t, outside)
				dir := t.TempDir()
				asideOf.without(at).write(t, dir)
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, at)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := put(filepath.Join(dir, filepath.FromSlash(at))); err != nil {
					t.Skip(err)
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					for _, options := range []Options{{ReadOnly: true}, {}} {
						m, err := Open(dir, options)
						if err != nil {
							continue
						}
						c := serve(t, m)
						for _, path := range []string{"/index.yaml", "/charts/alc-1.0.0.tgz", "/files/local/alc/1.0.0/i.svg", "/"} {
							if got := c.get(path); strings.Contains(string(got.body), content) {
								t.Errorf("%s shows what is outside", path)
							}
						}
						c.upload(files("/files/local/alc/1.0.0/j.svg", "<svg/>")...)
						if err := m.Close(); err != nil {
							t.Log(err)
						}
					}
					if said, err := Repair(dir, Options{}); err == nil {
						if m, err := Open(dir, Options{}); err != nil {
							t.Errorf("after the repair: %v; %q", err, said)
						} else if err := m.Close(); err != nil {
							t.Error(err)
						}
					}
				}()
				select {
				case <-done:
				case <-time.After(time.Minute):
					t.Fatal("it waits for ever")
				}
				if after := describe(t, outside); after != before {
					t.Errorf("what is outside was changed: %q, was %q", after, before)
				}
				if _, err := os.Stat(outside + "-none"); err == nil {
					t.Error("a file was made outside")
				}
			})
		}
	}
}

// describe is all that a file or folder holds.
func describe(t *testing.T, name string) string {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if !info.IsDir() {
		return string(readFile(t, name))
	}
	found := readTree(t, name)
	text := ""
	for _, file := range found.files() {
		text += file + "\n" + found[file] + "\n"
	}
	return text
}

// A link below the uploaded files leads to nothing private, and no upload writes through it.
func TestLinksBelowUploads(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir, Options{})
	c := serve(t, m)
	c.draft("alc", "1.0.0")
	c.want(200, c.upload(files("/files/local/x/i.svg", "<svg/>")...))
	outside := t.TempDir()
	for name, target := range map[string]string{"state": "../../../state", "outside": outside, "record": "../../../state/extensions/alc.json"} {
		if err := os.Symlink(target, filepath.Join(dir, "public/files/local", name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"state/contents.json", "state/extensions/alc.json", "record", "outside"} {
		c.want(404, c.get("/files/local/"+path))
	}
	for _, path := range []string{"state/extensions/web.json", "outside/x", "state/new/x"} {
		c.want(409, c.upload(files("/files/local/"+path, "x")...))
	}
	c.want(200, c.upload(files("/files/local/record", "mine")...)) // in the place of the link
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("written outside: %v, %v", left, err)
	}
	if _, err := m.state.Store.ReadExtension("alc"); err != nil {
		t.Error(err)
	}
	if names, err := m.state.Store.RecordNames(); err != nil || len(names) != 1 {
		t.Errorf("records: %v, %v", names, err)
	}
}
