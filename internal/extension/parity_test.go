package extension

import (
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"bytes"
	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// chartView is what Helm made of a chart, in an order that does not change.
type chartView struct {
	Metadata     *chart.Metadata
	Values       map[string]any
	Schema       string
	Templates    map[string]string
	Files        map[string]string
	Dependencies []chartView
}

func viewOf(c *chart.Chart) chartView {
	v := chartView{
		Metadata:  c.Metadata,
		Values:    c.Values,
		Schema:    string(c.Schema),
		Templates: contents(c.Templates),
		Files:     contents(c.Files),
	}
	for _, d := range c.Dependencies() {
		v.Dependencies = append(v.Dependencies, viewOf(d))
	}
	sort.Slice(v.Dependencies, func(i, j int) bool { return v.Dependencies[i].Metadata.Name < v.Dependencies[j].Metadata.Name })
	return v
}

func contents(files []*chart.File) map[string]string {
	out := make(map[string]string, len(files))
	for _, f := range files {
		out[f.Name] = string(f.Data)
	}
	return out
}

func loadChart(t *testing.T, archive []byte) *chart.Chart {
	t.Helper()
	c, err := loader.LoadArchive(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// withoutOurs removes what is ours from the metadata, and the icon: that names
// the place it was uploaded to.
func withoutOurs(t *testing.T, c *chart.Chart) *chart.Chart {
	t.Helper()
	delete(c.Metadata.Annotations, ContentDigestAnnotation)
	if len(c.Metadata.Annotations) == 0 {
		c.Metadata.Annotations = nil
	}
	c.Metadata.Icon = ""
	return c
}

func render(t *testing.T, c *chart.Chart) map[string]string {
	t.Helper()
	if err := chartutil.ProcessDependenciesWithMerge(c, chartutil.Values{}); err != nil {
		t.Fatal(err)
	}
	values, err := chartutil.ToRenderValues(c, chartutil.Values{}, chartutil.ReleaseOptions{Name: c.Name(), Namespace: "extension-" + c.Name(), IsInstall: true}, chartutil.DefaultCapabilities)
	if err != nil {
		t.Fatal(err)
	}
	out, err := engine.Render(c, values)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// withoutChance is a rendering without the lines that are another in each: some
// templates make up passwords and names.
func withoutChance(once, again map[string]string) map[string]string {
	return withoutChanceIn(once, once, again)
}

func withoutChanceIn(ours, once, again map[string]string) map[string]string {
	out := make(map[string]string, len(ours))
	for name, text := range ours {
		lines := strings.Split(text, "\n")
		first, second := strings.Split(once[name], "\n"), strings.Split(again[name], "\n")
		for i := range lines {
			if i < len(first) && i < len(second) && first[i] != second[i] {
				lines[i] = "(by chance)"
			}
		}
		out[name] = strings.Join(lines, "\n")
	}
	return out
}

// The package that we push loads in Helm to the same chart as the one that
// ksbuilder pushes, with and without a Chart.yaml in the source tree.
func TestPackLoadsLikeKsbuilders(t *testing.T) {
	for _, archive := range corpusPackages(t) {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			theirs := pushedPackage(t, archive)
			e := mustLoad(t, unpackTo(t, archive, false))
			p, err := e.Pack(testURLs(e))
			if err != nil {
				t.Fatal(err)
			}
			got, want := withoutOurs(t, loadChart(t, p.Data)), withoutOurs(t, loadChart(t, theirs))
			gotView, wantView := viewOf(got), viewOf(want)
			// The one file that differs: ksbuilder writes extension.yaml anew.
			delete(gotView.Files, MetadataFile)
			delete(wantView.Files, MetadataFile)
			if diff := cmp.Diff(wantView, gotView); diff != "" {
				t.Errorf("ksbuilder's chart and ours differ:\n%s", diff)
			}
			once, again, ours := render(t, want), render(t, loadChart(t, theirs)), render(t, got)
			if diff := cmp.Diff(withoutChance(once, again), withoutChanceIn(ours, once, again)); diff != "" {
				t.Errorf("ksbuilder's chart and ours render to different things:\n%s", diff)
			}
			if len(ours) == 0 {
				t.Error("nothing was rendered: the comparison says nothing")
			}
			withChart := mustLoad(t, unpackTo(t, archive, true))
			same, err := withChart.Pack(testURLs(withChart))
			if err != nil {
				t.Fatal(err)
			}
			if same.Digest != p.Digest {
				t.Error("with a Chart.yaml in the tree the package is another")
			}
		})
	}
}
