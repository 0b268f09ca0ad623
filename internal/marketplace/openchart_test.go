package marketplace

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/marketplace/store"
)

// TestOpenChartAsHelm: the Chart.yaml of a package is what Helm makes of the whole archive, whose other files are
// loaded once.
func TestOpenChartAsHelm(t *testing.T) {
	large := strings.Repeat("x", int(loader.MaxDecompressedFileSize)+1)
	chart := "apiVersion: v2\nname: a\nversion: 1.0.0\n"
	for name, archive := range map[string][]byte{
		"plain":                        packed("a", "1.0.0"),
		"other fields":                 packed("a", "1.0.0", "Chart.yaml", chart+"appVersion: '2'\nannotations: {b: c}\nmaintainers: [{name: x}]\n"),
		"a byte order mark":            packed("a", "1.0.0", "Chart.yaml", "\uFEFF"+chart),
		"no apiVersion":                packed("a", "1.0.0", "Chart.yaml", "name: a\nversion: 1.0.0\n"),
		"requirements":                 packed("a", "1.0.0", "Chart.yaml", "apiVersion: v1\nname: a\nversion: 1.0.0\n", "requirements.yaml", "dependencies: [{name: d, version: 1.0.0, repository: ''}]\n"),
		"requirements of a newer form": packed("a", "1.0.0", "requirements.yaml", "description: other\n"),
		"broken requirements":          packed("a", "1.0.0", "requirements.yaml", "dependencies: 1\n"),
		"a broken lock":                packed("a", "1.0.0", "Chart.lock", "dependencies: 1\n"),
		"an old broken lock":           packed("a", "1.0.0", "requirements.lock", "dependencies: 1\n"),
		"no mapping":                   packed("a", "1.0.0", "Chart.yaml", "- a\n"),
		"no version":                   packed("a", "1.0.0", "Chart.yaml", "apiVersion: v2\nname: a\n"),
		"a type that is none":          packed("a", "1.0.0", "Chart.yaml", chart+"type: x\n"),
		"no Chart.yaml":                packed("a", "1.0.0", "Chart.yaml", ""),
		"a subchart":                   packed("a", "1.0.0", "charts/b/Chart.yaml", "apiVersion: v2\nname: b\nversion: 1.0.0\n"),
		"a broken subchart":            packed("a", "1.0.0", "charts/b/Chart.yaml", "apiVersion: v2\nname: b\n"),
		"broken values":                packed("a", "1.0.0", "values.yaml", "- a\n"),
		"a file that is too large":     packed("a", "1.0.0", "files/large", large),
		"a colon in a name":            packed("a", "1.0.0", "c:x", "y"),
		"two dots in a name":           packed("a", "1.0.0", "..x", "y"),
		"a folder named as the chart":  tgz("Chart.yaml/Chart.yaml", chart, "Chart.yaml/extension.yaml", metadata("a", "1.0.0")),
	} {
		got, _, err := store.OpenChart("a.tgz", archive)
		want, refused := loader.LoadArchive(bytes.NewReader(archive))
		switch {
		case (err != nil) != (refused != nil):
			t.Errorf("%s: %v, and Helm says %v", name, err, refused)
		case err == nil && !reflect.DeepEqual(got, want.Metadata):
			t.Errorf("%s: %+v, and Helm has %+v", name, got, want.Metadata)
		}
	}
}

// BenchmarkOpenChart is what the marketplace does with a package that is pushed.
func BenchmarkOpenChart(b *testing.B) {
	var list, much strings.Builder
	for i := range 4_000 {
		fmt.Fprintf(&list, "- {a: %d, b: [2, 3]}\n", i)
		fmt.Fprintf(&much, "%0100d\n", i*i)
	}
	archive := packed("a", "1.0.0", "values.yaml", "list:\n"+list.String(), "files/much", much.String())
	for b.Loop() {
		if _, _, err := store.OpenChart("a.tgz", archive); err != nil {
			b.Fatal(err)
		}
	}
}
