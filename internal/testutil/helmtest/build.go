package helmtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ksrelease/ksrelease/internal/testutil/gotool"
)

// helmModule is the module whose command is built and whose version go.mod states.
const helmModule = "helm.sh/helm/v3"

// Helm4 is the version of Helm 4 that tests use besides.
const Helm4 = "v4.3.2"

// Build gives the path of a helm command of the version that the go.mod of the working
// directory, or of the nearest one above, requires. It is built once through the Go
// module proxy, which takes about a minute, and kept in the user's cache directory under
// ksrelease-test/helm-VERSION; later calls, of other processes too, find it there.
func Build(ctx context.Context) (string, error) {
	version, err := requiredVersion()
	if err != nil {
		return "", err
	}
	return tool(version).Build(ctx)
}

// tool is the helm command of a version, 3 or 4.
func tool(version string) gotool.Tool {
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	module := "helm.sh/helm/v" + major
	return gotool.Tool{
		Name: "helm", Module: module, Version: version, Package: module + "/cmd/helm",
		// The linker flags of helm's own Makefile: without them the command calls itself
		// another version, and helm 3 takes Kubernetes to be 1.20, which charts refuse.
		Flags: func(list func(string) (string, error)) (string, error) {
			flags := "-X " + module + "/internal/version.version=" + version
			if major != "3" {
				return flags, nil
			}
			kubernetes, err := list("k8s.io/client-go")
			if err != nil {
				return "", err
			}
			_, minor, _ := strings.Cut(kubernetes, ".") // v0.37.0 is Kubernetes 1.37
			minor, _, ok := strings.Cut(minor, ".")
			if !ok {
				return "", fmt.Errorf("the version of k8s.io/client-go is %q", kubernetes)
			}
			for _, pkg := range []string{"pkg/lint/rules", "pkg/chartutil"} {
				flags += fmt.Sprintf(" -X %[1]s/%[2]s.k8sVersionMajor=1 -X %[1]s/%[2]s.k8sVersionMinor=%[3]s", module, pkg, minor)
			}
			return flags, nil
		},
	}
}

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
