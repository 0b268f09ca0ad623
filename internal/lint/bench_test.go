package lint

import (
	"maps"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/kubeapi"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
)

// BenchmarkCheck holds the cost of all rules against what Helm takes to render,
// for each example and, where they are beside the project, each real package. The
// three take turns, and the fastest of each counts, so that the ratios hold on a
// busy machine, too:
//
//   - rendering: what `helm template` and each installation do once (renderResources
//     of helm.sh/helm/v3/pkg/action): load the chart, merge the values, render, and
//     read what was rendered into sorted manifests;
//   - renderings: that for all that the rules look at: the chart with its own values;
//     with all subcharts, where some are off; each chart by itself with each of its
//     ci/*-values.yaml. The chart is loaded once. The markers are not counted: they
//     are to cost little more;
//   - rules: Examine.
func BenchmarkCheck(b *testing.B) {
	b.Run("examples", func(b *testing.B) { benchmarkEach(b, examples(b)) })
	b.Run("corpus", func(b *testing.B) { benchmarkEach(b, corpus(b)) })
}

func benchmarkEach(b *testing.B, packages map[string]*extension.Extension) {
	for _, name := range rule.SortedKeys(packages) {
		b.Run(name, func(b *testing.B) { benchmarkCheck(b, packages[name]) })
	}
}

func benchmarkCheck(b *testing.B, ext *extension.Extension) {
	once, needed, rules := time.Hour, time.Hour, time.Hour
	count := 0
	for b.Loop() {
		once = min(once, timed(func() { stockRendering(b, ext, stockLoad(b, ext), map[string]any{}) }))
		needed = min(needed, timed(func() { count = stockRenderings(b, ext) }))
		rules = min(rules, timed(func() { Examine(b.Context(), ext, Options{}) }))
	}
	const ms = float64(time.Millisecond)
	b.ReportMetric(0, "ns/op") // the sum says nothing
	b.ReportMetric(float64(once)/ms, "ms/rendering")
	b.ReportMetric(float64(needed)/ms, "ms/renderings")
	b.ReportMetric(float64(rules)/ms, "ms/rules")
	b.ReportMetric(float64(count), "renderings")
	b.ReportMetric(float64(rules)/float64(once), "rules:rendering")
	b.ReportMetric(float64(rules)/float64(needed), "rules:renderings")
}

// timed begins with a clean heap: the three allocate the same in each turn, and
// so one of them would pay for the garbage of all, each time.
func timed(do func()) time.Duration {
	runtime.GC()
	begin := time.Now()
	do()
	return time.Since(begin)
}

func stockLoad(b *testing.B, ext *extension.Extension) *chart.Chart {
	loaded, err := ext.Chart()
	if err != nil {
		b.Fatal(err)
	}
	return loaded
}

// stockRendering is what `helm template` does with a chart that is loaded. It
// reports whether the chart renders.
func stockRendering(b *testing.B, ext *extension.Extension, c *chart.Chart, given map[string]any) bool {
	if err := chartutil.ProcessDependenciesWithMerge(c, given); err != nil {
		b.Fatal(err)
	}
	values, err := chartutil.ToRenderValues(c, given, chartutil.ReleaseOptions{Name: c.Name(), Namespace: "x", Revision: 1, IsInstall: true}, helmtest.Capabilities(kubeapi.Capabilities(ext.Metadata.KubeVersion)))
	if err != nil {
		b.Fatal(err)
	}
	texts, err := engine.Engine{}.Render(c, values)
	if err != nil {
		return false
	}
	maps.DeleteFunc(texts, func(name, _ string) bool { return strings.HasSuffix(name, "NOTES.txt") })
	_, _, err = releaseutil.SortManifests(texts, nil, releaseutil.InstallOrder)
	return err == nil
}

// stockRenderings renders all that the rules look at.
func stockRenderings(b *testing.B, ext *extension.Extension) (count int) {
	loaded := stockLoad(b, ext)
	trees := []*chart.Chart{helmchart.Clone(loaded)}
	if own, err := helmchart.Process(loaded, map[string]any{}); err != nil {
		b.Fatal(err)
	} else if len(helmchart.SwitchedOff(loaded, own)) > 0 {
		trees = append(trees, helmchart.WithAllDependencies(loaded))
	}
	for _, tree := range trees {
		count++
		if !stockRendering(b, ext, tree, map[string]any{}) {
			b.Fatal("the chart does not render")
		}
	}
	helmchart.Each(loaded, func(c *chart.Chart) {
		for _, file := range c.Raw {
			if ok, err := path.Match("ci/*-values.yaml", file.Name); !ok || err != nil || !rendersAlone(c) {
				continue
			}
			given, err := chartutil.ReadValues(file.Data)
			if err != nil {
				b.Fatal(err)
			}
			if !c.IsRoot() {
				given[chartutil.GlobalKey] = map[string]any{}
			}
			count++
			stockRendering(b, ext, helmchart.Clone(c), given) // one of them does not render
		}
	})
	return count
}

// examples are those of the project, by name.
func examples(t testing.TB) map[string]*extension.Extension {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "examples", "monorepo", "extensions", "*", extension.MetadataFile))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no examples (%v)", err)
	}
	loaded := map[string]*extension.Extension{}
	for _, file := range files {
		dir := filepath.Dir(file)
		ext, err := extension.Load(dir, extension.Options{Display: filepath.Base(dir)})
		if err != nil {
			t.Fatal(err)
		}
		loaded[filepath.Base(dir)] = ext
	}
	return loaded
}

// rendersAlone is true of a chart that the rule ci-values renders by itself.
func rendersAlone(c *chart.Chart) bool {
	return c.Metadata.Type != "library" && !slices.ContainsFunc(c.Metadata.Dependencies, func(d *chart.Dependency) bool {
		return d == nil || helmchart.ChildNamed(c, d.Name) == nil
	})
}
