package gotool

import (
	"errors"
	"strings"
	"testing"
)

// Without a proxy a command cannot be built, and that is another error than that of a build
// that fails: the one skips tests, the other fails them.
func TestUnreachableProxy(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	_, err := Tool{Name: "helm", Module: "helm.sh/helm/v3", Version: "v3.22.0", Package: "helm.sh/helm/v3/cmd/helm"}.Build(t.Context())
	var unreachable *FetchError
	if !errors.As(err, &unreachable) {
		t.Fatalf("error = %v, want one about fetching", err)
	}
	if want := "fetching the modules of helm.sh/helm/v3: "; !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "GOPROXY=off") {
		t.Errorf("error = %v", err)
	}
}
