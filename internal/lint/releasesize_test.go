package lint

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// Measured on a cluster of Kubernetes 1.33 with Helm 3.12.1: a file of 764 KiB that cannot be
// compressed at the top of a small extension was installed, one of 767 KiB was not.
func TestReleaseSize(t *testing.T) {
	soak.Long(t)
	noise := func(size int) string {
		data := make([]byte, size)
		random := rand.NewChaCha8([32]byte{1})
		_, _ = random.Read(data)
		return string(data)
	}
	const near, over = "warning release-size ext/data.bin: ", "error release-size ext/data.bin: "
	for _, tt := range []struct {
		name    string
		changes []string
		want    string
	}{
		{"a file of 600 KiB", []string{"data.bin", noise(600 << 10)}, ""},
		{"a file of 700 KiB", []string{"data.bin", noise(700 << 10)}, near},
		{"a file that was installed, with less around it", []string{"data.bin", noise(763 << 10)}, near},
		{"a file that was refused", []string{"data.bin", noise(767 << 10)}, over},
		{"two files", []string{"data.bin", noise(500 << 10), "more.bin", noise(400 << 10)}, over},
		{"a file of text", []string{"data.txt", strings.Repeat("text that can be compressed\n", 80_000)}, ""},
		{"in the folder that is left out", []string{"static/data.bin", noise(800 << 10), "extension.yaml", goodMetadata + "staticFileDirectory: static\n"}, ""},
		{"in a subchart", []string{"charts/web/data.bin", noise(800 << 10)}, ""},
		{"in a subchart, and rendered", []string{"charts/web/data.bin", noise(800 << 10), "charts/web/templates/data.yaml",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: data}\nbinaryData:\n  data: {{ .Files.Get \"data.bin\" | b64enc }}\n"}, "error release-size ext: "},
		{"in both installations", []string{"data.bin", noise(800 << 10), "extension.yaml",
			strings.Replace(goodMetadata, "tags: [extension]", "tags: [agent]", 1) + "installationMode: Multicluster\n"}, over},
		{"on the chosen clusters alone", []string{"charts/web/data.bin", noise(800 << 10), "charts/web/templates/data.yaml",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: data}\nbinaryData:\n  data: {{ .Files.Get \"data.bin\" | b64enc }}\n", "extension.yaml",
			strings.Replace(goodMetadata, "tags: [extension]", "tags: [agent]", 1) + "installationMode: Multicluster\n"}, "error release-size ext: the Secret in which Helm keeps the installation on the chosen clusters"},
	} {
		got := told(check(t, with(goodFiles(), tt.changes...), "release-size"))
		if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tt.want)) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
