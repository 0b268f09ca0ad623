package weight

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/tarball"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

const metadata = `apiVersion: kubesphere.io/v1alpha1
name: demo
version: 1.0.0
displayName: {en: Demo}
description: {en: A demo}
category: computing
provider: {en: {name: Example}}
`

// noise does not compress, and is the same for the same name.
func noise(name string, size int) string {
	var seed [32]byte
	copy(seed[:], name)
	data := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(data)
	return string(data)
}

// load writes files into a directory and loads it; extension.yaml is that of the
// demo with what more says.
func load(t testing.TB, more string, files map[string]string) *extension.Extension {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "demo")
	all := map[string]string{"values.yaml": "global: {}\n"}
	maps.Copy(all, files)
	all["extension.yaml"] = metadata + more
	for name, content := range all {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e, err := extension.Load(dir, extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func weigh(t testing.TB, e *extension.Extension, urls extension.URLs) *Report {
	t.Helper()
	report, err := Of(t.Context(), e, urls, 0)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// addresses are those of the assets of an extension.
func addresses(e *extension.Extension) extension.URLs {
	urls := extension.URLs{}
	for _, a := range e.Assets {
		urls[a.File] = "https://files.example/demo/1.0.0/" + a.RemoteName
	}
	return urls
}

func advised(r *Report) []string {
	var whats []string
	for _, a := range r.Advice {
		whats = append(whats, a.What)
	}
	return whats
}

const (
	svg    = `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>`
	subset = "apiVersion: v2\nname: app\nversion: 1.0.0\n"
)

func TestAdvice(t *testing.T) {
	picture := "data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(noise("picture", 20_000)))
	crd := "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec:\n"
	for i := range 200 {
		crd += fmt.Sprintf("  field%d:\n    description: |-\n      %s\n\n      %s\n    type: string\n", i, strings.Repeat(fmt.Sprint(i*i, " "), 9), fmt.Sprintf("%x", noise(fmt.Sprint(i), 40)))
	}
	tests := []struct {
		name  string
		more  string
		files map[string]string
		want  []string
	}{
		{"what nobody reads, by folder and by name", "", map[string]string{
			"docs/one.txt": noise("one", 9000), "docs/deep/two.txt": noise("two", 9000), "notes.txt": noise("notes", 12_000),
			"swagger.yaml": "# " + noise64("swagger", 5000), "README.md": noise("readme", 5000), "CHANGELOG_zh.md": noise("log", 5000), "LICENSE": noise("license", 5000),
			"permissions.yaml": "kind: List # " + strings.Repeat("x", 5000), "templates/NOTES.txt": "hello",
		}, []string{
			"leave docs/ (2 files) out with .helmignore: no template reads them, and KubeSphere does not show them",
			"leave notes.txt out with .helmignore: no template reads it, and KubeSphere does not show it",
		}},
		{"small ones together", "", map[string]string{
			"a.txt": noise("a", 1500), "b.txt": noise("b", 1500), "c/c.txt": noise("c", 1500), "d.txt": noise("d", 1500),
		}, []string{"leave a.txt, b.txt and 2 more out with .helmignore: no template reads them, and KubeSphere does not show them"}},
		{"pictures of the README", "", map[string]string{
			"README.md":      "# Demo\n![one](images/one.png)\n<img width=3 src='images/two%20b.png?raw=true'>\n[ref]: ./images/three.png \"t\"\n",
			"CHANGELOG.md":   "![far](https://example.com/x.png)\n",
			"images/one.png": noise("one", 9000), "images/two b.png": noise("two", 9000), "images/three.png": noise("three", 9000),
		}, []string{"put images/ (3 files) on a web server, let README and CHANGELOG name the pictures by address, and leave them out with .helmignore"}},
		{"pictures in the README", "", map[string]string{"README.md": "![x](" + picture + ")\n"},
			[]string{"name the pictures by address that README.md holds as data: URIs"}},
		{"an embedded icon", "icon: " + picture + "\n", nil,
			[]string{"put icon, which extension.yaml holds as data: URI, into a file and name that: it is uploaded"}},
		{"an embedded icon and screenshot", "staticFileDirectory: static\nicon: '" + picture + "'\nscreenshots:\n  - data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(noise("shot", 3000))) + "\n",
			map[string]string{"static/x.png": "x"},
			[]string{"put icon and screenshots, which extension.yaml holds as data: URI, into a file below static and name that: it is uploaded"}},
		{"assets without staticFileDirectory", "icon: static/icon.svg\nscreenshots: [static/shots/one.png]\n",
			map[string]string{"static/icon.svg": svg, "static/shots/one.png": noise("shot", 9000)},
			[]string{"write staticFileDirectory: static into extension.yaml: what it holds (2 files) is uploaded, and left out then"}},
		{"assets here and there", "icon: icon.svg\nscreenshots: [shots/one.png]\n",
			map[string]string{"icon.svg": svg, "shots/one.png": noise("shot", 9000)},
			[]string{"move icon.svg and shots/one.png into a folder that extension.yaml names as staticFileDirectory: icon and screenshots are uploaded, and that folder is left out then"}},
		{"assets beside staticFileDirectory", "staticFileDirectory: static\nicon: static/icon.svg\nscreenshots: [one.png]\n",
			map[string]string{"static/icon.svg": svg, "one.png": noise("shot", 9000)},
			[]string{"move one.png into static: icon and screenshots are uploaded, and that folder is left out then"}},
		{"descriptions of CRDs", "dependencies: [{name: app}]\n", map[string]string{
			"charts/app/Chart.yaml": subset, "charts/app/crds/crd.yaml": crd,
		}, []string{"generate the CRDs without descriptions (controller-gen crd:maxDescLen=0): charts/app/crds/crd.yaml"}},
		{"of a subchart, what Helm and licences need stays", "dependencies: [{name: app}]\n", map[string]string{
			"charts/app/Chart.yaml": subset, "charts/app/values.yaml": "a: 1 # " + noise64("v", 5000), "charts/app/values.schema.json": `{"title": "` + noise64("s", 5000) + `"}`,
			"charts/app/templates/x.yaml": "# " + noise64("x", 5000), "charts/app/crds/x.yaml": "# " + noise64("c", 5000), "charts/app/LICENSE": noise("l", 5000),
			"charts/app/README.md": noise("r", 5000), "charts/app/ci/x-values.yaml": "# " + noise64("ci", 9000),
		}, []string{
			"leave charts/app/ci/ (1 file) out with .helmignore: no template reads it, and KubeSphere does not show it",
			"leave charts/app/README.md out with .helmignore: no template reads it, and KubeSphere does not show it",
		}},
		{"nothing", "icon: " + svgURI + "\n", map[string]string{"templates/x.yaml": "# " + noise64("x", 9000), "docs/small.txt": "x"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := load(t, test.more, test.files)
			report := weigh(t, e, addresses(e))
			if got := advised(report); !slices.Equal(got, test.want) {
				t.Errorf("advised:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			checkReport(t, e, report)
		})
	}
}

var svgURI = "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg))

func noise64(name string, size int) string {
	return base64.StdEncoding.EncodeToString([]byte(noise(name, size)))
}

// checkReport holds what is true of every report.
func checkReport(t *testing.T, e *extension.Extension, r *Report) {
	t.Helper()
	pkg, err := e.Pack(addresses(e))
	if err != nil {
		t.Fatal(err)
	}
	var sum, saved int64
	for i, c := range r.Contributors {
		sum += c.Compressed
		if i > 0 && c.Compressed > r.Contributors[i-1].Compressed {
			t.Errorf("%s stands below a smaller one", c.File)
		}
	}
	if sum != r.Size || pkg.Size != r.Size {
		t.Errorf("the package has %d bytes, the report %d, its files %d", pkg.Size, r.Size, sum)
	}
	for _, a := range r.Advice {
		if a.Saves < leastSaving {
			t.Errorf("%q saves %d bytes only", a.What, a.Saves)
		}
		saved = max(saved, a.Saves)
	}
	if r.Advised > r.Size-saved {
		t.Errorf("of %d bytes %d are left with all advice, and one saves %d", r.Size, r.Advised, saved)
	}
}

// What the package loses by the advice is what was said: the folder is left out.
func TestSavingsComeTrue(t *testing.T) {
	files := map[string]string{"docs/one.txt": noise64("one", 9000), "templates/x.yaml": "# " + noise64("two", 9000)}
	before := weigh(t, load(t, "", files), extension.URLs{})
	files[".helmignore"] = "docs/\n"
	after := weigh(t, load(t, "", files), extension.URLs{})
	helmignore, err := tarball.Size("demo", []extension.File{{Name: ".helmignore", Data: []byte("docs/\n")}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if left := before.Advised; after.Size < left || after.Size > left+helmignore {
		t.Errorf("%d bytes were promised, it has %d", left, after.Size)
	}
}

// Assets that are not uploaded are needed.
func TestAssetsOfTheLocalFormStay(t *testing.T) {
	e := load(t, "icon: static/icon.svg\nscreenshots: [static/one.png]\n", map[string]string{"static/icon.svg": svg, "static/one.png": noise("one", 9000)})
	for _, a := range weigh(t, e, nil).Advice {
		if strings.Contains(a.What, "uploaded") {
			t.Errorf("advised: %s", a.What)
		}
	}
}

func TestWhatTemplatesRead(t *testing.T) {
	const file = "dashboards/nodes.json"
	tests := []struct {
		template string
		read     bool
	}{
		{`{{ .Values.x }}`, false},
		{`{{ .Files.Get "dashboards/nodes.json" }}`, true},
		{`{{ .Files.Get "dashboards/pods.json" }}`, false},
		{`{{ $.Files.GetBytes "dashboards/nodes.json" | b64enc }}`, true},
		{`{{ range .Files.Lines "other.txt" }}{{ . }}{{ end }}`, false},
		{`{{ .Files.Get ("dashboards/nodes.json") }}`, true},
		{"{{ .Files.Get `dashboards/nodes.json` }}", true},
		{`{{ (.Files.Glob "dashboards/*").AsConfig }}`, true},
		{`{{ (.Files.Glob "dashboards/*.yaml").AsConfig }}`, false},
		{`{{ (.Files.Glob "**.json").AsSecrets }}`, true},
		{`{{ (.Files.Glob "*.json").AsSecrets }}`, false}, // * stops at a slash
		{`{{ (.Files.Glob "[").AsSecrets }}`, true},       // Helm takes it for all files
		{`{{ range $p, $_ := .Files.Glob "other/*" }}{{ $.Files.Get $p }}{{ end }}`, false},
		{`{{ range $p, $_ := .Files.Glob "dash*/*" }}{{ $.Files.Get $p }}{{ end }}`, true},
		{`{{ $p := .Values.p }}{{ range $p, $_ := .Files.Glob "other/*" }}{{ $.Files.Get $p }}{{ end }}`, true},
		{`{{ range $_, $p := .Files.Glob "other/*" }}{{ $.Files.Get $p }}{{ end }}`, true},
		{`{{ .Files.Get (printf "dashboards/%s.json" .Values.x) }}`, true},
		{`{{ .Files.Get (printf "others/%s.json" .Values.x) }}`, false},
		{`{{ .Files.Get (printf "%s/x.json" .Values.x) }}`, true},
		{`{{ .Files.Get .Values.file }}`, true},
		{`{{ "x" | .Files.Get }}`, true},
		{`{{ .Files.AsConfig }}`, true},
		{`{{ $f := .Files }}`, true},
		{`{{ with index . "Files" }}{{ end }}`, true},
		{`{{ tpl (.Files.Get "run.tpl") . }}`, true}, // which reads it, below
		{`{{ .Values.myFiles }} "Files are fine"`, false},
	}
	for _, test := range tests {
		for _, place := range []string{"templates/x.yaml", "charts/app/templates/_lib.tpl"} {
			e := load(t, "dependencies: [{name: app}]\n", map[string]string{
				file: "{}", place: test.template, "charts/app/Chart.yaml": subset,
				"run.tpl": `{{ .Files.Get "dashboards/nodes.json" }}`,
			})
			p := parcelOf(t, e)
			if got := p.reads().has(file); got != test.read {
				t.Errorf("%s: %s: read is %t", place, test.template, got)
			}
		}
	}
	e := load(t, "", map[string]string{file: "{}", "values.yaml": "text: '{{ .Files.Get .Values.x }}'\n"})
	if !parcelOf(t, e).reads().has(file) {
		t.Error("a value that may be run as a template is not looked at")
	}
	e = load(t, "dependencies: [{name: none}]\n", map[string]string{file: "{}", "templates/x.yaml": "x", "charts/app/values.yaml": "["})
	if _, err := e.Chart(); err != nil && !parcelOf(t, e).reads().has(file) {
		t.Error("a chart that does not load reads nothing")
	}
}

func parcelOf(t testing.TB, e *extension.Extension) *parcel {
	t.Helper()
	urls := addresses(e)
	files, err := e.PackedFiles(urls)
	if err != nil {
		t.Fatal(err)
	}
	share := map[string]int64{}
	for _, f := range files {
		share[f.Name] = int64(len(f.Data)) + leastSaving // so that everything is advised
	}
	return &parcel{ext: e, files: files, uploads: true, urls: urls, share: share}
}

// Real extensions load and render to the same after all that is advised to be
// left out is left out.
func TestRealExtensionsRenderTheSameWithoutWhatIsLeftOut(t *testing.T) {
	for _, archive := range testshared.Corpus(t) {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			e, err := extension.Load(archive, extension.Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkReport(t, e, weigh(t, e, addresses(e)))
			p := parcelOf(t, e)
			left := p.files
			for _, c := range p.changes() {
				t.Log(c.what)
				if !strings.HasPrefix(c.what, "generate the CRDs") {
					left = c.applied(left)
				}
			}
			before, again, after := render(t, p.files), render(t, p.files), render(t, left)
			for name, text := range before {
				if text == again[name] && text != after[name] { // others have random passwords
					t.Errorf("%s does not render to the same", name)
				}
			}
			if len(after) != len(before) {
				t.Errorf("%d manifests before, %d after", len(before), len(after))
			}
		})
	}
}

func render(t *testing.T, files []extension.File) map[string]string {
	t.Helper()
	var buffered []*loader.BufferedFile
	for _, f := range files {
		buffered = append(buffered, &loader.BufferedFile{Name: f.Name, Data: bytes.TrimPrefix(f.Data, []byte("\xEF\xBB\xBF"))})
	}
	loaded, err := loader.LoadFiles(buffered)
	if err != nil {
		t.Fatal(err)
	}
	values, err := chartutil.ToRenderValues(loaded, map[string]any{}, chartutil.ReleaseOptions{Name: "x", Namespace: "x"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := engine.Render(loaded, values)
	if err != nil {
		rendered = map[string]string{"": err.Error()} // the same error, then
	}
	return rendered
}

func TestWithoutDescriptions(t *testing.T) {
	const source = `kind: CustomResourceDefinition
spec:
  properties:
    description: # a property of that name
      description: Words of one line.
      type: string
    other:
      description: |-
        Words of

          several lines.
      type: object
    third:
      description: 'Words that
        go on.'

      type: string
{{- if .Values.x }}
    fourth: {}
{{- end }}
`
	const want = `kind: CustomResourceDefinition
spec:
  properties:
    description: # a property of that name
      type: string
    other:
      type: object
    third:
      type: string
{{- if .Values.x }}
    fourth: {}
{{- end }}
`
	if got := string(withoutDescriptions([]byte(source))); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestSizesEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := load(t, "", map[string]string{"docs/x.txt": noise("x", 9000)})
	if _, err := Of(ctx, e, nil, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// Whatever stands in a template, looking for what it reads ends.
func FuzzReads(f *testing.F) {
	f.Add(`{{ range $p, $_ := .Files.Glob "other/*" }}{{ $.Files.Get $p }}{{ end }}`)
	f.Add("{{ .Files.Get (printf `a/%s` .x) }} \"Files\" {{ $a, $b := .Files.Lines \"\\x\" }}")
	f.Fuzz(func(t *testing.T, text string) {
		r := &reads{known: map[string]bool{}}
		r.ofText(text)
		if strings.Contains(text, ".Files.AsConfig") && !r.has("x") {
			t.Errorf("%q reads nothing", text)
		}
	})
}
