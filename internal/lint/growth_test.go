//go:build unix

package lint

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// growing are extensions of a size. What lint takes for four times as much may be some
// five times as much, and not sixteen times.
var growing = []struct {
	name string
	n    int
	make func(n int) map[string]string
}{
	{"pods of one template", 500, func(n int) map[string]string {
		return with(goodFiles(), "templates/pods.yaml", fmt.Sprintf(
			"{{ range $i := until %d }}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p{{ $i }}}\nspec: {containers: [{name: a, image: a/b{{ $i }}}]}\n{{ end }}", n))
	}},
	{"pods that differ by cluster", 250, func(n int) map[string]string {
		return with(goodFiles(), "extension.yaml", goodMetadata+"installationMode: Multicluster\n", "templates/pods.yaml", fmt.Sprintf(
			"{{ range $i := until %d }}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: {{ $.Values.global.clusterInfo.role }}-{{ $i }}}\nspec: {containers: [{name: a, image: a/b}]}\n{{ end }}", n))
	}},
	{"templates", 250, func(n int) map[string]string {
		files := goodFiles()
		for i := range n {
			files[fmt.Sprintf("templates/t%d.yaml", i)] = fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d}\n", i)
		}
		return files
	}},
	{"values", 800, func(n int) map[string]string {
		var values strings.Builder
		for i := range n {
			fmt.Fprintf(&values, "key%d: {a: 1, image: {repository: x/y%d}}\n", i, i)
		}
		return with(goodFiles(), "values.yaml", values.String())
	}},
	{"comments that silence", 300, func(n int) map[string]string {
		text := strings.Repeat("# ksrelease:ignore image-registry because\nkind: Pod\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a/b}]}\n---\n", n)
		return with(goodFiles(), "templates/pods.yaml", text)
	}},
	{"lines of a README", 2000, func(n int) map[string]string {
		return with(goodFiles(), "README.md", "# A\n"+strings.Repeat("[a](b.md) *c* ![d](e.png) `f` [g\n\n", n))
	}},
}

// TestGrowth: the rules take time in proportion to what they look at. It is processor
// time that counts, the least of two, so that a busy machine is no matter.
func TestGrowth(t *testing.T) {
	soak.Long(t)
	for _, g := range growing {
		t.Run(g.name, func(t *testing.T) {
			small, large := processorTime(t, g.make(g.n)), processorTime(t, g.make(4*g.n))
			t.Logf("%d: %s, %d: %s, %.1f times", g.n, small, 4*g.n, large, float64(large)/float64(small))
			if large > 9*max(small, 5*time.Millisecond) {
				t.Errorf("%s for %d, and %s for four times as many", small, g.n, large)
			}
		})
	}
}

func processorTime(t *testing.T, files map[string]string) time.Duration {
	t.Helper()
	ext := load(t, files)
	least := time.Duration(1 << 62)
	for range 2 {
		begin := processorTimeSoFar(t)
		Examine(t.Context(), ext, Options{})
		least = min(least, processorTimeSoFar(t)-begin)
	}
	return least
}

func processorTimeSoFar(t *testing.T) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
