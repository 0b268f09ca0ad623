//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/testutil/canary"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// started runs this test as ksrelease, in a process of its own with all secrets
// in its environment. What it prints goes to one buffer.
func started(t *testing.T, dir, stdin string, command []string, env ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	process := exec.Command(command[0], command[1:]...)
	process.Dir, process.Stdin = dir, strings.NewReader(stdin)
	process.Env = slices.Concat(os.Environ(), []string{"KSRELEASE_TEST_MAIN=1"}, ownFolders(dir), canary.Environment(), env)
	var printed bytes.Buffer
	process.Stdout, process.Stderr = &printed, &printed
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	return process, &printed
}

// A stack dump of the whole program, with requests on their way and a package in
// memory, has no secret in it.
func TestStackDumpHasNoSecrets(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector's own code runs on stacks of which Go cannot make a dump")
	}
	watch := canary.New()
	for _, at := range []string{"/index.yaml", "/versions/", "/user/v1/user", "/package"} {
		dir := t.TempDir()
		arrived := make(chan struct{})
		var once sync.Once
		market, err := marketplace.Open(filepath.Join(t.TempDir(), "market"), marketplace.Options{})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, at) {
				// A server sees a client go only when it has read what came.
				_, _ = io.Copy(io.Discard, r.Body)
				once.Do(func() { close(arrived) })
				<-r.Context().Done()
				return
			}
			market.ServeHTTP(w, r)
		}))
		for name, text := range parrotFiles() {
			file := filepath.Join(dir, filepath.FromSlash(name))
			text = strings.ReplaceAll(text, marketURL, server.URL)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		process, printed := started(t, dir, "", []string{os.Args[0], "run"}, "GOTRACEBACK=all")
		<-arrived
		if err := process.Process.Signal(syscall.SIGQUIT); err != nil {
			t.Fatal(err)
		}
		_ = process.Wait() // it ends by the signal
		server.Close()
		_ = market.Close()
		if !strings.Contains(printed.String(), "SIGQUIT") || !strings.Contains(printed.String(), "net/http.(*") {
			t.Errorf("%s: there is no stack dump:\n%s", at, printed)
		}
		watch.Check(t, "the stack dump at "+at, printed.Bytes())
		watch.CheckTree(t, dir, "key")
	}
	_, size := watch.Searched()
	t.Logf("%d bytes of stack dumps and files were searched", size)
}

// A login that is killed at any moment leaves the old key or the new one, and
// nothing that others can read. The next login works and leaves nothing else.
func TestLoginSurvivesItsKill(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"user_id": "me"}`)
	}))
	defer server.Close()
	dir := t.TempDir()
	folder := filepath.Join(dir, ".config", "ksrelease")
	file := filepath.Join(folder, "credentials.json")
	login := []string{os.Args[0], "login", "--token-stdin", "--server", server.URL}
	key := func(i int) string { return fmt.Sprintf("kck-%08d-0000-0000-0000-000000000000", i) }
	first, printed := started(t, dir, key(0), login)
	if err := first.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	cases := soak.Cases(t, 10, 200)
	kept, amid := key(0), 0
	for i := 1; i <= cases; i++ {
		process, _ := started(t, dir, key(i), login)
		over := make(chan struct{})
		go func() {
			_ = process.Wait() // it is killed
			close(over)
		}()
		// The file beside the credentials is there for a moment: kill it then.
		for waiting := true; waiting; {
			names, _ := os.ReadDir(folder)
			if len(names) > 2 {
				amid++
				waiting = false
			}
			select {
			case <-over:
				waiting = false
			default:
			}
		}
		_ = process.Process.Kill()
		<-over
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var content struct {
			Servers map[string]struct {
				Token string `json:"token"`
			} `json:"servers"`
		}
		if err := json.Unmarshal(data, &content); err != nil {
			t.Fatalf("half a file is left: %v\n%s", err, data)
		}
		if got := content.Servers[server.URL].Token; got != kept && got != key(i) {
			t.Fatalf("the key is %q, neither the old one nor the new", got)
		} else {
			kept = got
		}
		closedToOthers(t, folder)
	}
	t.Logf("%d of %d logins were killed while they wrote", amid, cases)
	last, printed := started(t, dir, key(cases+1), login)
	if err := last.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	if names, err := os.ReadDir(folder); err != nil || len(names) != 2 { // the file and its lock
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// closedToOthers checks that nobody else can read what is in a folder of keys.
func closedToOthers(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Whatever the umask, the key is for its owner alone, who can use it.
func TestLoginUnderAnyUmask(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"user_id": "me"}`)
	}))
	defer server.Close()
	for _, umask := range []string{"000", "022", "077"} {
		dir := t.TempDir()
		process, printed := started(t, dir, canary.Token, []string{"sh", "-c", "umask " + umask + "; exec \"$0\" login --token-stdin --server " + server.URL, os.Args[0]})
		if err := process.Wait(); err != nil {
			t.Fatalf("umask %s: %v\n%s", umask, err, printed)
		}
		canary.New().Check(t, "login", printed.Bytes())
		folder := filepath.Join(dir, ".config", "ksrelease")
		closedToOthers(t, folder)
		for path, want := range map[string]os.FileMode{folder: 0o700, filepath.Join(folder, "credentials.json"): 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("umask %s: %s has the mode %v, %v", umask, path, info.Mode(), err)
			}
		}
	}
}
