package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/testutil/canary"
	"github.com/ksrelease/ksrelease/internal/testutil/screen"
)

// Somebody watches a run, which says what it waits for, and ends it by Ctrl-C: once, and it comes to
// an end; twice, and it ends at once. In both cases nothing of what was redrawn is left behind. Ctrl-Z
// leaves nothing behind either, nor is anything redrawn in the background of a shell.
func TestInterruptedAtATerminal(t *testing.T) {
	for _, twice := range []bool{false, true} {
		dir := t.TempDir()
		market, err := marketplace.Open(filepath.Join(t.TempDir(), "market"), marketplace.Options{})
		if err != nil {
			t.Fatal(err)
		}
		pushed, goOn := make(chan struct{}, 1), make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if twice && strings.HasSuffix(r.URL.Path, "/package") {
				pushed <- struct{}{}
				<-goOn // the package is on its way when it is interrupted
			}
			market.ServeHTTP(w, r)
		}))
		files := map[string]string{
			".ksrelease.yaml":     "version: 1\ncloud: {server: '" + server.URL + "'}\nrepository: {url: '" + server.URL + "'}\nverify: {until: active, timeout: 5m}\nextensions: [{path: 扩展组件}]\n",
			"扩展组件/extension.yaml": "apiVersion: kubesphere.io/v1alpha1\nname: alc\nversion: 1.0.0\ndisplayName: {en: E}\ndescription: {en: An extension}\ncategory: computing\nprovider: {en: {name: Example}}\nicon: https://example.com/icon.svg\n",
			"扩展组件/values.yaml":    "global: {}\n", "扩展组件/README.md": "# About\n", "扩展组件/CHANGELOG.md": "## 1.0.0\n",
		}
		for name, text := range files {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		terminal := screen.Open(t, 80, 24)
		process := exec.Command(os.Args[0], "run")
		if !twice { // by a shell with jobs
			process = exec.Command("sh", "-c", `set -m; "$0" run; bg; sleep 1; echo what a shell says; fg`, os.Args[0])
		}
		process.Dir = dir
		process.Env = slices.Concat(os.Environ(), []string{"KSRELEASE_TEST_MAIN=1", "CI=", "TERM=xterm", "KSRELEASE_TOKEN=" + canary.Token, "HTTP_PROXY="}, ownFolders(dir))
		process.Stdin, process.Stdout, process.Stderr = terminal.File, terminal.File, terminal.File
		process.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		stopAndGoOn := func() { // without a warning
			terminal.Screen.Await(t, "under way")
			if err := process.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			for {
				state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process.Process.Pid))
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(state), ") T ") {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if _, err := terminal.File.WriteString("\nwhat a shell says\n"); err != nil {
				t.Fatal(err)
			}
			if err := process.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			terminal.Screen.Await(t, "what a shell says\nalc 1.0.0")
		}
		if twice {
			<-pushed
			terminal.Screen.Await(t, "alc 1.0.0  push")
			stopAndGoOn()
			terminal.Type("\x03")
			terminal.Screen.Await(t, "coming to an end: 0 of 1 done, 1 under way")
		} else {
			terminal.Screen.Await(t, "s  waiting for the review, ")
			terminal.Type("\x1a") // Ctrl-Z
			terminal.Screen.Await(t, "what a shell says\n")
			if before, _, _ := strings.Cut(terminal.Screen.String(), "what a shell says\n"); strings.Contains(before, "under way") || strings.Contains(before, "of 5 m") {
				t.Errorf("left to the shell:\n%s", before)
			}
			terminal.Screen.Await(t, "s  waiting for the review, ")
		}
		exit := make(chan error, 1)
		go func() { exit <- process.Wait() }()
		terminal.Type("\x03")
		var result error
	waiting:
		for again := time.Tick(100 * time.Millisecond); ; { // those that come at once are one
			select {
			case result = <-exit:
				break waiting
			case <-again:
				if twice {
					terminal.Type("\x03")
				}
			}
		}
		var ended *exec.ExitError
		if !errors.As(result, &ended) || ended.ExitCode() != 130 {
			t.Errorf("twice %t: %v", twice, result)
		}
		terminal.Done()
		close(goOn)
		server.Close()
		market.Close()
		_, left, said := strings.Cut(terminal.Screen.String(), "what a shell says\n")
		if strings.Contains(left, "under way") || strings.Contains(left, "of 5 m") || strings.Contains(left, "  push") {
			t.Errorf("twice %t: left behind:\n%s", twice, left)
		}
		if !said {
			t.Errorf("twice %t: what a shell wrote is gone:\n%s", twice, terminal.Screen)
		}
		want := "alc        1.0.0    unverified"
		if twice {
			want = "once more ends it at once\n"
		}
		if !strings.Contains(left, want) {
			t.Errorf("twice %t: no %q in:\n%s", twice, want, left)
		}
	}
}

// An API key that is typed is never shown, also where the program was stopped meanwhile and its shell
// shows again what is typed.
func TestKeyIsHiddenAfterAStop(t *testing.T) {
	terminal := screen.Open(t, 80, 24)
	hidden := func() {
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			modes, err := unix.IoctlGetTermios(int(terminal.File.Fd()), unix.TCGETS)
			switch {
			case err != nil:
				t.Fatal(err)
			case modes.Lflag&unix.ECHO == 0:
				return
			case time.Now().After(end):
				t.Fatalf("what is typed is shown:\n%s", terminal.Screen)
			}
		}
	}
	shell := exec.Command("sh", "-c", `set -m; "$0" login --server http://127.0.0.1:1; stty echo; echo what a shell says; fg; echo the end`, os.Args[0])
	shell.Dir = t.TempDir()
	shell.Env = slices.Concat(os.Environ(), []string{"KSRELEASE_TEST_MAIN=1", "CI=", "TERM=xterm"}, ownFolders(shell.Dir))
	shell.Stdin, shell.Stdout, shell.Stderr = terminal.File, terminal.File, terminal.File
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Screen.Await(t, "API key for http://127.0.0.1:1:")
	hidden()
	terminal.Type("\x1a") // Ctrl-Z
	terminal.Screen.Await(t, "what a shell says\n")
	hidden()
	terminal.Type(canary.Token)
	terminal.Type("\x03") // Ctrl-C
	terminal.Screen.Await(t, "reading the API key: interrupted\n")
	terminal.Screen.Await(t, "the end\n")
	if err := shell.Wait(); err != nil {
		t.Error(err)
	}
	terminal.Done()
	if strings.Contains(terminal.Screen.String(), canary.Token) {
		t.Errorf("the key is shown:\n%s", terminal.Screen)
	}
}
