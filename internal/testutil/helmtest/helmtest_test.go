package helmtest

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestBinaryIsOfTheRequiredVersion(t *testing.T) {
	helm := Binary(t)
	want, err := requiredVersion()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), helm, "version", "--short").CombinedOutput()
	if err != nil {
		t.Fatalf("helm version: %v\n%s", err, out)
	}
	if got := strings.TrimSpace(string(out)); got != want && !strings.HasPrefix(got, want+"+") {
		t.Errorf("helm version --short = %q, want %s", got, want)
	}
}

func TestVersionIn(t *testing.T) {
	tests := []struct{ name, src, want, err string }{
		{name: "in a block", src: "module x\n\nrequire (\n\thelm.sh/helm/v3 v3.22.0\n)\n", want: "v3.22.0"},
		{name: "on its own", src: "require helm.sh/helm/v3 v3.1.0 // indirect\n", want: "v3.1.0"},
		{name: "absent", src: "require helm.sh/helm/v4 v4.0.0\n", err: "go.mod does not require helm.sh/helm/v3"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := versionIn("go.mod", []byte(test.src))
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Fatalf("error = %v, want %s", err, test.err)
				}
				return
			}
			if err != nil || got != test.want {
				t.Fatalf("version = %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

// Without a proxy the command cannot be built, and that is told apart from a build that
// fails: the one skips tests, the other fails them.
func TestUnreachableProxy(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	dir := t.TempDir()
	err := buildOnce(t.Context(), place{version: "v3.22.0", dir: dir, binary: filepath.Join(dir, "helm")})
	var unreachable *fetchError
	if !errors.As(err, &unreachable) {
		t.Fatalf("error = %v, want one about fetching", err)
	}
	if want := "fetching the modules of helm.sh/helm/v3: "; !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "GOPROXY=off") {
		t.Errorf("error = %v", err)
	}
}
