package extension

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
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

// sameCharts holds our chart to another one, which is given twice: rendering changes
// a chart.
func sameCharts(t *testing.T, want, wantAgain, got *chart.Chart) {
	t.Helper()
	gotView, wantView := viewOf(got), viewOf(want)
	gotRaw, wantRaw := contents(got.Raw), contents(want.Raw)
	// The one file that differs for ksbuilder writes it anew, and the other because
	// of our annotation, which the metadata were compared without.
	for _, name := range []string{MetadataFile, ChartFile} {
		for _, files := range []map[string]string{gotView.Files, wantView.Files, gotRaw, wantRaw} {
			delete(files, name)
		}
	}
	if diff := cmp.Diff(wantView, gotView); diff != "" {
		t.Errorf("the charts differ:\n%s", diff)
	}
	if diff := cmp.Diff(wantRaw, gotRaw); diff != "" { // packed subcharts, to the byte
		t.Errorf("the files of the charts differ:\n%s", diff)
	}
	once, again, ours := render(t, want), render(t, wantAgain), render(t, got)
	if diff := cmp.Diff(withoutChance(once, again), withoutChanceIn(ours, once, again)); diff != "" {
		t.Errorf("the charts render to different things:\n%s", diff)
	}
	if len(ours) == 0 {
		t.Error("nothing was rendered: the comparison says nothing")
	}
}

// chartOfSource is what Helm loads from a folder of an extension that got a
// Chart.yaml by the rules of ksbuilder, written down here once more, and lost its
// static files.
func chartOfSource(t *testing.T, dir string) *chart.Chart {
	t.Helper()
	var ext struct {
		Name, Version, KubeVersion, Home, Icon, StaticFileDirectory, Type, AppVersion string

		Description       map[string]string
		Keywords, Sources []string
		Dependencies      []*chart.Dependency
		Maintainers       []*chart.Maintainer
		Annotations       map[string]string
	}
	if err := yaml.Unmarshal(trees.ReadFile(t, filepath.Join(dir, MetadataFile)), &ext); err != nil {
		t.Fatal(err)
	}
	md := &chart.Metadata{
		APIVersion: "v2", Name: ext.Name, Version: ext.Version, Description: ext.Description["en"], Keywords: ext.Keywords, Sources: ext.Sources,
		KubeVersion: ext.KubeVersion, Home: ext.Home, Dependencies: ext.Dependencies, Icon: ext.Icon, Maintainers: ext.Maintainers, Annotations: ext.Annotations,
	}
	if found, err := os.ReadFile(filepath.Join(dir, ChartFile)); err == nil {
		var kept chart.Metadata
		if err := yaml.Unmarshal(found, &kept); err != nil {
			t.Fatal(err)
		}
		md.Type, md.AppVersion = kept.Type, kept.AppVersion
	}
	if ext.Type != "" {
		md.Type = ext.Type
	}
	if ext.AppVersion != "" {
		md.AppVersion = ext.AppVersion
	}
	derived, err := yaml.Marshal(md)
	if err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(t.TempDir(), "chart")
	if err := os.CopyFS(whole, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	trees.WriteFile(t, whole, ChartFile, string(derived))
	if ext.StaticFileDirectory != "" {
		if err := os.RemoveAll(filepath.Join(whole, filepath.FromSlash(ext.StaticFileDirectory))); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := loader.LoadDir(whole)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// The package that we push loads in Helm to the same chart as its source: the
// examples, packed subcharts, and what a Chart.yaml or extension.yaml has of type
// and appVersion.
func TestPackLoadsLikeItsSource(t *testing.T) {
	soak.Long(t)
	packed := trees.Demo()
	packed["charts/redis-1.2.0.tgz"] = string(subchartPackage(t, "redis", "1.2.0"))
	packed["charts/sub/charts/inner-0.1.0.tgz"] = string(subchartPackage(t, "inner", "0.1.0"))
	packed["values.schema.json"] = `{"type": "object"}`
	packed["crds/x.yaml"] = "kind: CustomResourceDefinition\n"
	found := maps.Clone(packed)
	found[ChartFile] = "apiVersion: v1\nname: other\nversion: 9.9.9\ntype: application\nappVersion: \"1.16\"\nicon: https://x.example/old.png\n"
	own := maps.Clone(found)
	own[MetadataFile] += "type: application\nappVersion: \"2.0\"\n"
	sources := map[string]string{
		"packed subcharts": trees.Write(t, packed), "type and appVersion from Chart.yaml": trees.Write(t, found), "and from extension.yaml": trees.Write(t, own),
	}
	for _, dir := range examples(t) {
		sources[filepath.Base(dir)] = dir
	}
	for name, dir := range sources {
		t.Run(name, func(t *testing.T) {
			e := mustLoad(t, dir)
			got := loadChart(t, mustPack(t, e, testURLs(e)).Data)
			if wantIcon := e.Metadata.Icon; IsLocalRef(wantIcon) && got.Metadata.Icon != testURLs(e)[e.Assets[0].File] || !IsLocalRef(wantIcon) && got.Metadata.Icon != wantIcon {
				t.Errorf("the icon is %s", got.Metadata.Icon)
			}
			if digest := got.Metadata.Annotations[ContentDigestAnnotation]; digest != e.ContentDigest() {
				t.Errorf("the content digest is %q, want %q", digest, e.ContentDigest())
			}
			sameCharts(t, withoutOurs(t, chartOfSource(t, dir)), withoutOurs(t, chartOfSource(t, dir)), withoutOurs(t, got))
		})
	}
}

// The package that we push loads in Helm to the same chart as the one that
// ksbuilder pushes, with and without a Chart.yaml in the source tree.
func TestPackLoadsLikeKsbuilders(t *testing.T) {
	soak.Long(t)
	for _, archive := range corpusPackages(t) {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			theirs := trees.Pushed(t, archive)
			e := mustLoad(t, trees.Unpack(t, archive, false))
			p, err := e.Pack(testURLs(e))
			if err != nil {
				t.Fatal(err)
			}
			got, want := withoutOurs(t, loadChart(t, p.Data)), withoutOurs(t, loadChart(t, theirs))
			sameCharts(t, want, loadChart(t, theirs), got)
			withChart := mustLoad(t, trees.Unpack(t, archive, true))
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
