package helmtest

import (
	"os/exec"
	"strings"
	"testing"
)

func TestBinaryIsOfTheRequiredVersion(t *testing.T) {
	required, err := requiredVersion()
	if err != nil {
		t.Fatal(err)
	}
	for version, helm := range map[string]string{required: Binary(t), Helm4: BinaryOf(t, Helm4)} {
		out, err := exec.CommandContext(t.Context(), helm, "version", "--short").CombinedOutput()
		if err != nil {
			t.Fatalf("helm version: %v\n%s", err, out)
		}
		if got := strings.TrimSpace(string(out)); got != version && !strings.HasPrefix(got, version+"+") {
			t.Errorf("helm version --short = %q, want %s", got, version)
		}
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
