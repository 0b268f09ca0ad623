// Package gotool builds commands of public Go modules for tests, through the Go module proxy:
// those of others that this project has to get on with. Each is built once for each version,
// and kept in the user's cache directory under ksrelease-test.
//
// It is for tests and the bench: nothing that ships may import it.
package gotool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// Tool is a command in one version.
type Tool struct {
	// Name is that of the command: "helm".
	Name string
	// Module and Version are what it is built from.
	Module, Version string
	// Package is the command in the module: "helm.sh/helm/v3/cmd/helm".
	Package string
	// Main is the source of a command to build in place of Package, in a module that requires
	// Module.
	Main string
	// Flags are for the linker; list asks for the version of a module that the build uses.
	Flags func(list func(module string) (string, error)) (string, error)
}

// place is where the command of one version is kept.
type place struct{ dir, binary string }

func (p place) built() bool {
	info, err := os.Stat(p.binary)
	return err == nil && info.Mode().IsRegular()
}

func (t Tool) locate() (place, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return place{}, &cacheError{t.Name, err}
	}
	dir := filepath.Join(cache, "ksrelease-test", t.Name+"-"+t.Version)
	binary := filepath.Join(dir, t.Name)
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	return place{dir, binary}, nil
}

// cacheError says that there is nowhere to keep the command: this machine's doing, not
// the code's.
type cacheError struct {
	name string
	err  error
}

func (e *cacheError) Error() string {
	return "looking for a place to keep " + e.name + " in: " + e.err.Error()
}

func (e *cacheError) Unwrap() error { return e.err }

// FetchError says that the modules could not be had: the network's doing, not the code's.
type FetchError struct {
	Module string
	Err    error
	Output string
}

func (e *FetchError) Error() string {
	return fmt.Sprintf("fetching the modules of %s: %v\n%s", e.Module, e.Err, e.Output)
}

func (e *FetchError) Unwrap() error { return e.Err }

// Build gives the path of the command. It is built if no call before, of another process
// either, has done so, which takes about a minute.
func (t Tool) Build(ctx context.Context) (string, error) {
	at, err := t.locate()
	if err != nil {
		return "", err
	}
	if at.built() {
		return at.binary, nil
	}
	if err := os.MkdirAll(at.dir, 0o755); err != nil {
		return "", &cacheError{t.Name, err}
	}
	if err := t.buildOnce(ctx, at); err != nil {
		return "", err
	}
	return at.binary, nil
}

// Binary is Build for a test, which is skipped, saying why, under -short when the command is
// not built yet, and where Go cannot fetch the modules; a build that fails with all modules
// at hand fails the test.
func (t Tool) Binary(tb testing.TB) string {
	tb.Helper()
	at, err := t.locate()
	if err == nil && !at.built() && testing.Short() {
		tb.Skipf("no stock %s: %s is not built yet and -short is set", t.Name, at.binary)
	}
	binary, err := t.Build(tb.Context())
	var unreachable *FetchError
	var homeless *cacheError
	switch {
	case errors.As(err, &unreachable), errors.As(err, &homeless):
		tb.Skipf("no stock %s: %v", t.Name, err)
	case err != nil:
		tb.Fatal(err)
	}
	return binary
}

// buildOnce builds the command under a lock, because go test runs the tests of several
// packages at once and each of them may want it.
func (t Tool) buildOnce(ctx context.Context, at place) error {
	lock := flock.New(filepath.Join(at.dir, "lock"))
	if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return fmt.Errorf("waiting for another test that builds %s: %w", t.Name, err)
	}
	defer lock.Unlock()
	if at.built() {
		return nil
	}
	return t.build(ctx, at)
}

func (t Tool) build(ctx context.Context, at place) error {
	module, err := os.MkdirTemp(at.dir, "module-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(module)
	gomod := fmt.Sprintf("module toolbuild\n\ngo %s\n\nrequire %s %s\n", goVersion(), t.Module, t.Version)
	if err := os.WriteFile(filepath.Join(module, "go.mod"), []byte(gomod), 0o644); err != nil {
		return err
	}
	command := t.Package
	if t.Main != "" {
		command = "."
		if err := os.WriteFile(filepath.Join(module, "main.go"), []byte(t.Main), 0o644); err != nil {
			return err
		}
	}
	// Listing resolves and downloads everything the build needs, so that what fails
	// here is the network, and what fails afterwards is the build.
	if output, err := goCommand(ctx, module, "list", "-mod=mod", "-deps", "-f", "{{.ImportPath}}", command); err != nil {
		return &FetchError{Module: t.Module, Err: err, Output: output}
	}
	flags := "-s -w"
	if t.Flags != nil {
		more, err := t.Flags(func(of string) (string, error) {
			version, err := goCommand(ctx, module, "list", "-mod=mod", "-m", "-f", "{{.Version}}", of)
			if err != nil {
				return "", fmt.Errorf("asking for the version of %s: %w\n%s", of, err, version)
			}
			return strings.TrimSpace(version), nil
		})
		if err != nil {
			return err
		}
		flags += " " + more
	}
	unfinished := filepath.Join(module, filepath.Base(at.binary))
	if output, err := goCommand(ctx, module, "build", "-mod=mod", "-ldflags", flags, "-o", unfinished, command); err != nil {
		return fmt.Errorf("building %s %s: %w\n%s", t.Name, t.Version, err, output)
	}
	return os.Rename(unfinished, at.binary)
}

// goVersion is the language version of the scratch module: that of the running
// toolchain, so that no other one is fetched.
func goVersion() string {
	if found := regexp.MustCompile(`^go(\d+\.\d+(?:\.\d+)?)`).FindStringSubmatch(runtime.Version()); found != nil {
		return found[1]
	}
	return "1.26"
}

func goCommand(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	// A workspace or vendoring of the caller has no say in the scratch module.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false")
	output, err := cmd.CombinedOutput()
	const most = 4000
	if len(output) > most {
		output = output[len(output)-most:]
	}
	return string(output), err
}
