package helmtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// helmModule is the module whose command is built and whose version go.mod states.
const helmModule = "helm.sh/helm/v3"

// Build gives the path of a helm command of the version that the go.mod of the working
// directory, or of the nearest one above, requires. It is built once through the Go
// module proxy, which takes about a minute, and kept in the user's cache directory under
// ksrelease-test/helm-VERSION; later calls, of other processes too, find it there.
func Build(ctx context.Context) (string, error) {
	at, err := locate()
	if err != nil {
		return "", err
	}
	if at.built() {
		return at.binary, nil
	}
	if err := os.MkdirAll(at.dir, 0o755); err != nil {
		return "", &cacheError{err}
	}
	if err := buildOnce(ctx, at); err != nil {
		return "", err
	}
	return at.binary, nil
}

// place is where the command of one version is kept.
type place struct{ version, dir, binary string }

func (p place) built() bool {
	info, err := os.Stat(p.binary)
	return err == nil && info.Mode().IsRegular()
}

func locate() (place, error) {
	version, err := requiredVersion()
	if err != nil {
		return place{}, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return place{}, &cacheError{err}
	}
	dir := filepath.Join(cache, "ksrelease-test", "helm-"+version)
	binary := filepath.Join(dir, "helm")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	return place{version, dir, binary}, nil
}

// cacheError says that there is nowhere to keep the command: this machine's doing, not
// the code's.
type cacheError struct{ err error }

func (e *cacheError) Error() string {
	return "looking for a place to keep helm in: " + e.err.Error()
}

func (e *cacheError) Unwrap() error { return e.err }

// requiredVersion reads the version of Helm from the go.mod above the working
// directory, which for a test is the directory of its package.
func requiredVersion() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		file := filepath.Join(dir, "go.mod")
		src, err := os.ReadFile(file)
		if err == nil {
			return versionIn(file, src)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("finding the required version of %s: no go.mod in this directory or above", helmModule)
		}
		dir = parent
	}
}

var requirement = regexp.MustCompile(`(?m)^\s*(?:require\s+)?` + regexp.QuoteMeta(helmModule) + `\s+(v\S+)`)

func versionIn(file string, src []byte) (string, error) {
	found := requirement.FindSubmatch(src)
	if found == nil {
		return "", fmt.Errorf("%s does not require %s", file, helmModule)
	}
	return string(found[1]), nil
}

// fetchError says that the modules could not be had: the network's doing, not the code's.
type fetchError struct {
	err    error
	output string
}

func (e *fetchError) Error() string {
	return fmt.Sprintf("fetching the modules of %s: %v\n%s", helmModule, e.err, e.output)
}

func (e *fetchError) Unwrap() error { return e.err }

// buildOnce builds the command under a lock, because go test runs the tests of several
// packages at once and each of them may want it.
func buildOnce(ctx context.Context, at place) error {
	lock := flock.New(filepath.Join(at.dir, "lock"))
	if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return fmt.Errorf("waiting for another test that builds helm: %w", err)
	}
	defer lock.Unlock()
	if at.built() {
		return nil
	}
	return build(ctx, at)
}

func build(ctx context.Context, at place) error {
	module, err := os.MkdirTemp(at.dir, "module-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(module)
	gomod := fmt.Sprintf("module helmbuild\n\ngo %s\n\nrequire %s %s\n", goVersion(), helmModule, at.version)
	if err := os.WriteFile(filepath.Join(module, "go.mod"), []byte(gomod), 0o644); err != nil {
		return err
	}
	command := helmModule + "/cmd/helm"
	// Listing resolves and downloads everything the build needs, so that what fails
	// here is the network, and what fails afterwards is the build.
	if output, err := goCommand(ctx, module, "list", "-mod=mod", "-deps", "-f", "{{.ImportPath}}", command); err != nil {
		return &fetchError{err: err, output: output}
	}
	stamp, err := stamps(ctx, module, at.version)
	if err != nil {
		return err
	}
	unfinished := filepath.Join(module, filepath.Base(at.binary))
	if output, err := goCommand(ctx, module, "build", "-mod=mod", "-ldflags", stamp, "-o", unfinished, command); err != nil {
		return fmt.Errorf("building %s %s: %w\n%s", command, at.version, err, output)
	}
	return os.Rename(unfinished, at.binary)
}

// stamps are the linker flags of helm's own Makefile: without them the command calls
// itself another version and takes Kubernetes to be 1.20, which charts refuse.
func stamps(ctx context.Context, module, version string) (string, error) {
	kubernetes, err := goCommand(ctx, module, "list", "-mod=mod", "-m", "-f", "{{.Version}}", "k8s.io/client-go")
	if err != nil {
		return "", fmt.Errorf("asking for the version of k8s.io/client-go: %w\n%s", err, kubernetes)
	}
	_, minor, _ := strings.Cut(strings.TrimSpace(kubernetes), ".") // v0.37.0 is Kubernetes 1.37
	minor, _, ok := strings.Cut(minor, ".")
	if !ok {
		return "", fmt.Errorf("the version of k8s.io/client-go is %q", kubernetes)
	}
	flags := "-s -w -X " + helmModule + "/internal/version.version=" + version
	for _, pkg := range []string{"pkg/lint/rules", "pkg/chartutil"} {
		flags += fmt.Sprintf(" -X %[1]s/%[2]s.k8sVersionMajor=1 -X %[1]s/%[2]s.k8sVersionMinor=%[3]s", helmModule, pkg, minor)
	}
	return flags, nil
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
