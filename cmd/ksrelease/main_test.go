package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/output"
)

// runMain runs a command line as main does.
func runMain(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	open := func(name string) *os.File {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	out, errs := open("stdout"), open("stderr")
	a := &app.App{Stdin: os.Stdin, Stdout: output.New(out), Stderr: output.New(errs), Stop: t.Context(),
		Env: func(string) (string, bool) { return "", false }}
	code = execute(a, args)
	return code, readString(t, out.Name()), readString(t, errs.Name())
}

func readString(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A test that starts ksrelease among what the user has kept is told so.
func TestSharedCacheIsRefused(t *testing.T) {
	t.Setenv("HOME", t.TempDir()) // there may be none
	users, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(cacheOfTests, users)
	for want, folders := range map[int][]string{0: ownFolders(t.TempDir()), 70: nil} {
		command := exec.Command(os.Args[0], "version")
		command.Env = append(append(os.Environ(), "KSRELEASE_TEST_MAIN=1"), folders...)
		if out, _ := command.CombinedOutput(); command.ProcessState.ExitCode() != want {
			t.Errorf("%q: it ended with %v, want %d\n%s", folders, command.ProcessState, want, out)
		}
	}
}
