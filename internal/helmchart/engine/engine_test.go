package engine

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	stock "helm.sh/helm/v3/pkg/chartutil"
	helm "helm.sh/helm/v3/pkg/engine"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// chartOf makes a chart of files, as Helm's loader does: Chart.yaml is not read.
func chartOf(metadata chart.Metadata, values map[string]any, contents map[string]string) *chart.Chart {
	if metadata.Version == "" {
		metadata.Version = "1.2.3"
	}
	c := &chart.Chart{Metadata: &metadata, Values: values}
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		file := &chart.File{Name: name, Data: []byte(contents[name])}
		if strings.HasPrefix(name, "templates/") {
			c.Templates = append(c.Templates, file)
		} else {
			c.Files = append(c.Files, file)
		}
	}
	return c
}

// always gives the same values to each rendering.
func always(top chartutil.Values) func() chartutil.Values {
	return func() chartutil.Values { return top }
}

// asHelm renders a chart two times with one parse, and holds texts and errors to those of
// Helm. It returns the error.
func asHelm(t *testing.T, c *chart.Chart, given map[string]any) error {
	t.Helper()
	if err := stock.ProcessDependenciesWithMerge(c, given); err != nil {
		t.Fatal(err)
	}
	fresh := func() map[string]any {
		top, err := stock.ToRenderValues(c, given, stock.ReleaseOptions{Name: "rel", Namespace: "ns", Revision: 1, IsInstall: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return top
	}
	wantTexts, wantErr := helm.Engine{}.Render(c, fresh())
	for _, before := range []*chart.Chart{c, elsewhere(c)} {
		cache := NewCache()
		_, _ = Parse(before, cache)
		templates, err := Parse(c, cache) // as a tree that has files, or their texts, in common with one before it
		if err != nil {
			if fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Fatalf("after %s, parsing ends with\n%v\nand Helm's with\n%v", before.Name(), err, wantErr)
			}
			continue
		}
		for _, time := range []string{"first", "second"} {
			texts, err := templates.Render(func() chartutil.Values { return helmtest.FromHelm(fresh()) }, Options{})
			if fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Fatalf("after %s, the %s rendering ends with\n%v\nand Helm's with\n%v", before.Name(), time, err, wantErr)
			}
			if diff := cmp.Diff(wantTexts, texts); err == nil && diff != "" {
				t.Fatalf("after %s, the %s rendering (-Helm's +ours):\n%s", before.Name(), time, diff)
			}
		}
	}
	return wantErr
}

// elsewhere is a chart with the templates of all charts of a tree, under other names.
func elsewhere(root *chart.Chart) *chart.Chart {
	c := &chart.Chart{Metadata: &chart.Metadata{Name: "elsewhere", Version: "1.2.3"}}
	var add func(*chart.Chart)
	add = func(from *chart.Chart) {
		for _, file := range from.Templates {
			c.Templates = append(c.Templates, &chart.File{Name: fmt.Sprintf("templates/%d/%s", len(c.Templates), path.Base(file.Name)), Data: file.Data})
		}
		for _, child := range from.Dependencies() {
			add(child)
		}
	}
	add(root)
	return c
}

// TestTextsInCommon: templates with one text are parsed once, whatever their names, but for one that
// defines what has the name of a file.
func TestTextsInCommon(t *testing.T) {
	same := map[string]string{"templates/_h.tpl": `{{ define "h" }}{{ .Chart.Name }}{{ end }}`, "templates/a.yaml": `a: {{ include "h" . }}{{ .Template.Name }}`}
	web, api := chartOf(chart.Metadata{Name: "web"}, nil, same), chartOf(chart.Metadata{Name: "api"}, nil, same)
	if err := asHelm(t, web, map[string]any{}); err != nil {
		t.Error(err)
	}
	cache := NewCache()
	first, err := Parse(web, cache)
	if err != nil || first.named != nil {
		t.Fatalf("%v, or something is borrowed at first", err)
	}
	second, err := Parse(api, cache)
	if err != nil || second.named == nil || len(cache.trees) != 2 {
		t.Errorf("%v: %d files were parsed", err, len(cache.trees))
	}
	_ = asHelm(t, chartOf(chart.Metadata{Name: "web"}, nil, map[string]string{"templates/ä.yaml": `{{ define "web/templates/\303\244.yaml" }}x{{ end }}y`}), map[string]any{})
	for name, text := range map[string]string{
		"its own name":       `{{ define "web/templates/a.yaml" }}x{{ end }}`,
		"another name":       `{{ define "elsewhere/templates/0/a.yaml" }}x{{ end }}y`,
		"by numbers":         `{{ define "\x77eb/templates/\u0061.yaml" }}x{{ end }}`,
		"a block":            `{{ block "web/templates/a.yaml" . }}{{ end }}`,
		"only a mention":     `{{ define "x" }}a.yaml{{ end }}{{ template "x" }}`,
		"nothing of its own": `{{ define "x" }}x{{ end }}`,
	} {
		t.Run(name, func(t *testing.T) {
			_ = asHelm(t, chartOf(chart.Metadata{Name: "web"}, nil, map[string]string{"templates/a.yaml": text, "templates/b.yaml": `{{ include "web/templates/a.yaml" . }}`}), map[string]any{})
		})
	}
}

// TestErrorsAreHelms: for each way in which a template does not render.
func TestErrorsAreHelms(t *testing.T) {
	soak.Long(t)
	for name, template := range map[string]string{
		"parse":                   "a\n{{ if }}",
		"parse, function":         "{{ nosuch 1 }}",
		"parse, environment":      `{{ env "HOME" }}`,
		"parse, open":             "{{ if .Values.a }}",
		"parse, defined twice":    `{{ define "x" }}a{{ end }}{{ define "x" }}b{{ end }}`,
		"nothing there":           "{{ .Values.none.at.all }}",
		"no mapping":              "{{ .Values.text.field }}",
		"no field":                "{{ .Chart.Nosuch }}",
		"no method":               "{{ .Files.Nosuch 1 }}",
		"files as text":           "{{ .Files | upper }}",
		"wrong type":              "{{ upper .Values.map }}",
		"wrong number":            `{{ .Files.Get "a" "b" }}`,
		"fail":                    `{{ fail "a: b\nc" }}`,
		"fail in include":         `{{ include "fails" . }}`,
		"fail in template":        `{{ template "fails" . }}`,
		"fail in tpl":             `{{ tpl "x {{ include \"fails\" . }}" . }}`,
		"fail with a mapping":     `{{ fail .Values.map }}`,
		"required nothing":        `{{ required "set it" .Values.none }}`,
		"required empty":          `{{ required "set it" "" }}`,
		"include of nothing":      `{{ include "none" . }}`,
		"template of nothing":     `{{ template "none" . }}`,
		"include in include":      `{{ include "deep" . }}`,
		"tpl that does not parse": `{{ tpl "{{ if" . }}`,
		"tpl of nothing":          `{{ tpl .Values.none . }}`,
		"tpl that fails":          `{{ tpl "{{ .Values.none.x }}" . }}`,
		"tpl in tpl":              `{{ tpl "{{ tpl \"{{ .Values.none.x }}\" . }}" . }}`,
		"endless include":         `{{ include "endless" . }}`,
		"panic":                   `{{ index .Values.list 7 }}`,
		"sprig panics":            `{{ div 1 0 }}`,
		"must":                    `{{ mustFromJson "{" }}`,
		"set of a text":           `{{ set .Values.text "a" 1 }}`,
		"lookup of three":         `{{ lookup "v1" "Secret" "x" }}`,
		"range over a number":     `{{ range .Values.text }}{{ end }}`,
		"comparison":              `{{ lt .Values.map 1 }}`,
	} {
		t.Run(name, func(t *testing.T) {
			err := asHelm(t, chartOf(chart.Metadata{Name: "web"}, map[string]any{"text": "t", "map": map[string]any{"a": 1}, "list": []any{1}}, map[string]string{
				"templates/a: b.yaml": template,
				"templates/z.yaml":    "first",
				"templates/_h.tpl": `{{ define "fails" }}{{ fail "no" }}{{ end }}{{ define "deep" }}{{ include "deeper" . }}{{ end }}{{ define "deeper" }}
{{ .Values.none.x }}{{ end }}{{ define "endless" }}{{ include "endless" . }}{{ end }}`,
			}), map[string]any{})
			if err == nil {
				t.Error("it renders")
			}
		})
	}
}

// TestFunctionsAreHelms: there are the functions of Helm's engine, and no others. Those
// of its own are read from its source.
func TestFunctionsAreHelms(t *testing.T) {
	for name := range functions() {
		c := chartOf(chart.Metadata{Name: "web"}, nil, map[string]string{"templates/a.yaml": "{{ if false }}{{ " + name + " }}{{ end }}"})
		if err := asHelm(t, c, map[string]any{}); err != nil {
			t.Errorf("Helm has no %s: %v", name, err)
		}
	}
	// The go command finds the source also for a test that was built with -trimpath.
	place, err := exec.Command("go", "list", "-f", "{{.Dir}}", "helm.sh/helm/v3/pkg/engine").Output()
	if err != nil {
		t.Fatal(err)
	}
	own := 0
	for _, file := range []string{"funcs.go", "engine.go"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(place)), file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			var key ast.Expr
			switch n := n.(type) {
			case *ast.KeyValueExpr: // of a template.FuncMap
				key = n.Key
			case *ast.IndexExpr: // funcMap["include"]
				key = n.Index
			}
			if text, ok := key.(*ast.BasicLit); ok && text.Kind == token.STRING {
				if name, err := strconv.Unquote(text.Value); err == nil && isFunction(name) {
					own++
					if functions()[name] == nil {
						t.Errorf("Helm's function %s is missing", name)
					}
				}
			}
			return true
		})
	}
	if own < 15 {
		t.Errorf("the source of Helm's engine shows %d functions: the test looks at the wrong place", own)
	}
}

// isFunction distinguishes a function from what templates see, such as "Values".
func isFunction(name string) bool { return name != "" && strings.ToLower(name[:1]) == name[:1] }

// TestGeneratedCharts: charts of random trees and templates render as with Helm, or end
// with its error.
func TestGeneratedCharts(t *testing.T) {
	soak.Long(t)
	cases := soak.Cases(t, 400, 40000)
	ended, rendered := 0, 0
	for seed := range cases {
		ok := t.Run(strconv.Itoa(seed), func(t *testing.T) {
			g := generator{rand.New(rand.NewPCG(uint64(seed), 1))}
			if asHelm(t, g.chart("root", 0), g.given()) != nil {
				ended++
			} else {
				rendered++
			}
		})
		if !ok {
			return
		}
	}
	if ended < cases/10 || rendered < cases/10 {
		t.Errorf("of %d charts %d render and %d do not: the test says little about one of the two", cases, rendered, ended)
	}
}

type generator struct{ *rand.Rand }

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

// chart is a chart with up to three subcharts, some under an alias or a condition, some a
// library.
func (g generator) chart(name string, depth int) *chart.Chart {
	metadata := chart.Metadata{Name: name, AppVersion: g.one("", "7"), Annotations: map[string]string{"a": "b"}}
	if depth > 0 && g.IntN(5) == 0 {
		metadata.Type = g.one("library", "Library", "application")
	}
	contents := map[string]string{"files/a.txt": g.one("", "one", "one\ntwo\n", "\n"), "b/c.json": `{"a": 1}`, "templates/_h.tpl": g.definitions(), "templates/plain.yaml": g.steps(2, 2)}
	for range g.IntN(4) {
		contents["templates/"+g.one("a.yaml", "b.yaml", "B.yaml", "x/y.yaml", "x/_p.yaml", "NOTES.txt", "_h2.tpl")] = g.template()
	}
	c := chartOf(metadata, g.values(), contents)
	if depth == 3 {
		return c
	}
	for i := range g.IntN(3) {
		child := g.chart(fmt.Sprintf("%s-%d", g.one("a", "b", "sub"), i), depth+1)
		dependency := &chart.Dependency{Name: child.Name(), Version: "1.2.3", Alias: g.one("", "", "other"), Condition: g.one("", "", "on", child.Name()+".on", "global.on")}
		if g.IntN(4) > 0 {
			c.Metadata.Dependencies = append(c.Metadata.Dependencies, dependency)
		}
		if g.IntN(4) == 0 {
			dependency.ImportValues = []any{map[string]any{"child": "map", "parent": "imported"}}
		}
		c.AddDependency(child)
	}
	return c
}

func (g generator) values() map[string]any {
	return map[string]any{
		"text": g.one("t", "", "{{ .Values.n }}", `{{ include "one" . }}`, `{{ define "one" }}from a value{{ end }}{{ include "one" . }}`, `{{ tpl "{{ .Release.Name }}" . }}`, "{{ fail `by a value` }}"),
		"n":    g.IntN(3), "on": g.IntN(2) == 0, "list": []any{"a", g.IntN(9), nil}, "null": nil,
		"map": map[string]any{"a": 1, "deep": map[string]any{"b": []any{true}}}, "global": map[string]any{"on": g.IntN(3) > 0, "g": name(g.IntN(5))},
	}
}

func name(i int) string { return string(rune('a' + i)) }

// given are values that a user gives.
func (g generator) given() map[string]any {
	return map[string]any{"given": 1, "global": map[string]any{"user": "u"}, "a-0": map[string]any{"n": 5, "on": true}, "other": map[string]any{"text": "over"}}
}

// definitions are those of a helper file: some have the names of others. Each includes
// only those behind it: one without end takes text/template seconds to report.
func (g generator) definitions() string {
	var text strings.Builder
	for i, name := range []string{"one", "two", "three", "self"} {
		if g.IntN(2) == 0 {
			fmt.Fprintf(&text, "{{- define %q }}%s{{- end }}\n", name, g.one("", " ", "{{/* nothing */}}", g.steps(2, i+1), g.steps(3, i+1)))
		}
	}
	return text.String()
}

func (g generator) template() string {
	text := g.steps(1+g.IntN(5), 0)
	if g.IntN(6) == 0 {
		text += g.definitions()
	}
	return text
}

// steps are actions of a template, one after the other. level says which definitions they
// may include: all at 0, those behind the first at 1.
func (g generator) steps(n, level int) string {
	var text strings.Builder
	for range n {
		text.WriteString(g.step(level) + g.one("", "\n", " "))
	}
	return text.String()
}

func (g generator) step(level int) string {
	n := g.IntN(40)
	if included, ok := map[int]int{0: 1, 1: 2, 2: 3, 3: 1, 25: 1, 26: 1, 30: 4, 33: 1}[n]; ok && included <= level && !(n == 30 && level == 4) {
		return ""
	}
	switch n {
	case 0:
		return `{{ include "one" . }}`
	case 1:
		return `{{ include "two" (dict "Values" .Values "Chart" .Chart "Template" .Template "Files" .Files "Release" .Release "Capabilities" .Capabilities "Subcharts" .Subcharts) }}`
	case 2:
		return `{{ template "three" . }}`
	case 3:
		return `{{ tpl (.Values.text | toString) . }}`
	case 4:
		return `{{ $_ := set .Values "n" (add1 (.Values.n | default 0)) }}{{ .Values.n }}`
	case 5:
		return `{{ $_ := merge .Values (dict "n" 9 "new" "m") }}{{ .Values.new }}`
	case 6:
		return `{{ $_ := unset .Values "text" }}{{ .Values.text }}`
	case 7:
		return `{{ $_ := set .Values.global "g" .Template.Name }}{{ .Values.global.g }}`
	case 8:
		return `{{ $_ := mergeOverwrite .Values.map (dict "deep" (dict "c" 1)) }}{{ toYaml .Values.map }}`
	case 9:
		return `{{ .Files.Get "files/a.txt" }}{{ .Files.Get "none" }}{{ range .Files.Lines "files/a.txt" }}<{{ . }}>{{ end }}`
	case 10:
		return `{{ (.Files.Glob "files/*").AsConfig }}{{ (.Files.Glob "**.json").AsSecrets }}{{ (.Files.Glob "[").AsConfig }}`
	case 11:
		return `{{ range $path, $data := .Files.Glob "*/*" }}{{ $path }}={{ printf "%s" $data }} {{ end }}{{ typeOf .Files }}{{ printf "%T" .Values }}`
	case 12:
		return `{{ .Capabilities.KubeVersion }}{{ .Capabilities.APIVersions.Has "apps/v1" }}{{ .Capabilities.HelmVersion.Version }}`
	case 13:
		return `{{ .Template.Name }} {{ .Template.BasePath }} {{ .Chart.Name }} {{ .Chart.IsRoot }} {{ .Chart.AppVersion }} {{ .Chart.Annotations.a }}`
	case 14:
		return `{{ toJson .Release }}{{ $_ := set .Release "seen" .Template.Name }}{{ .Release.seen }}`
	case 15:
		return `{{ range $n, $s := .Subcharts }}{{ $n }}:{{ $s.Chart.Name }} {{ toJson $s.Values }} {{ $s.Template }}{{ end }}`
	case 16:
		return `{{ toYaml .Values }}{{ toYamlPretty .Values.map }}{{ toToml .Values.map }}`
	case 17:
		return `{{ (fromYaml "a: [1, {b: c}]").a }}{{ fromYaml ": [" }}{{ fromYamlArray "- a" }}{{ fromYamlArray "a: b" }}{{ fromYaml "- a" }}`
	case 18:
		return `{{ (fromJson "{\"a\": 1}").a }}{{ fromJson "[" }}{{ fromJsonArray "[1]" }}{{ fromJsonArray "{" }}{{ (fromToml "a = 1").a }}{{ fromToml "=" }}{{ fromJson "null" }}`
	case 19:
		return `{{ lookup "v1" "Secret" "" "" }}{{ getHostByName "localhost" }}`
	case 20:
		return `{{ required "needed" .Values.n }}`
	case 21:
		return `{{ if eq (.Values.n | toString) "2" }}{{ required (printf "in %s" .Chart.Name) .Values.null }}{{ end }}`
	case 22:
		return `{{ if gt (len (.Values.list | default list)) 3 }}{{ fail "long" }}{{ end }}`
	case 23:
		return `{{ .Values.nothing }}|{{ .Values.null }}|{{ .Values.map.none }}|{{ (dict "a" nil).a }}`
	case 24:
		return g.one(`{{ .Values.none.at }}`, `{{ upper .Values.map }}`, `{{ include "none" . }}`, `{{ .Values.n.x }}`)
	case 25:
		return `{{ include (print .Template.BasePath "/plain.yaml") . | sha256sum }}`
	case 26:
		return `{{ tpl "{{ define \"one\" }}another{{ end }}{{ include \"one\" . }}{{ tpl \"{{ include \\\"one\\\" . }}\" . }}" . }}{{ include "one" . }}`
	case 27:
		return `{{ with .Values.map }}{{ range $k, $v := . }}{{ $k }}{{ $v }}{{ end }}{{ end }}`
	case 28:
		return `{{ range $i, $e := .Values.list }}{{ $i }}{{ $e }}{{ if eq $i 1 }}{{ break }}{{ end }}{{ end }}`
	case 29:
		return `{{ block "four" . }}four of {{ .Chart.Name }}{{ end }}`
	case 30:
		return `{{ if lt (int .Values.n) 4 }}{{ $_ := set .Values "n" (add1 (int .Values.n)) }}{{ include "self" . }}{{ end }}`
	case 31:
		return `{{ $copy := deepCopy .Values }}{{ $_ := set $copy "n" 100 }}{{ .Values.n }}{{ $copy.n }}`
	case 32:
		return `{{ index .Files "files/a.txt" | toString }}{{ len .Chart.Dependencies }}{{ .Values.global | toJson }}`
	case 33:
		return `{{ tpl (toYaml .Values.list) . }}{{ .Values.imported | toJson }}`
	}
	return g.one("a: b\n", "---\n", "# c\n", "{{/* comment */}}", "{{- /* trimmed */ -}}", "<no value>")
}

// TestOptions: what is not wanted is not rendered, and the hook ends the rendering.
func TestOptions(t *testing.T) {
	c := chartOf(chart.Metadata{Name: "web"}, nil, map[string]string{"templates/a.yaml": "a", "templates/b.yaml": `{{ fail "no" }}`, "templates/c.yaml": "c", "templates/_d.yaml": "d"})
	templates, err := Parse(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	top := chartutil.Values{"Values": chartutil.Values{}, "Release": map[string]any{}}
	var begun []string
	end := fmt.Errorf("enough")
	opts := Options{Wanted: func(name string) bool { return !strings.HasSuffix(name, "b.yaml") }, Begin: func(name string) error {
		begun = append(begun, name)
		return nil
	}}
	texts, err := templates.Render(always(top), opts)
	if diff := cmp.Diff(map[string]string{"web/templates/a.yaml": "a", "web/templates/c.yaml": "c"}, texts); err != nil || diff != "" {
		t.Errorf("%v; texts (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"web/templates/c.yaml", "web/templates/a.yaml"}, begun); diff != "" {
		t.Errorf("begun (-want +got):\n%s", diff)
	}
	opts.Begin = func(string) error { return end }
	if texts, err := templates.Render(always(top), opts); err != end || texts != nil {
		t.Errorf("ended by the hook: %v, %v", texts, err)
	}
}

// TestRenderingsAtOnce: several renderings of one parse do not meet; under -race.
func TestRenderingsAtOnce(t *testing.T) {
	c := chartOf(chart.Metadata{Name: "web"}, nil, map[string]string{
		"templates/_h.tpl": `{{ define "x" }}{{ if lt (int .n) 50 }}{{ include "x" (dict "n" (add1 .n)) }}{{ end }}.{{ end }}`,
		"templates/a.yaml": `{{ $_ := set .Values "seen" .Values.i }}{{ include "x" (dict "n" 0) }}{{ tpl "{{ .Values.i }}{{ define \"x\" }}{{ end }}" . }}{{ .Values.seen }}`,
	})
	templates, err := Parse(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			texts, err := templates.Render(always(chartutil.Values{"Values": chartutil.Values{"i": i}, "Release": map[string]any{}}), Options{})
			if want := strings.Repeat(".", 51) + fmt.Sprint(i, "") + fmt.Sprint(i); err != nil || strings.ReplaceAll(texts["web/templates/a.yaml"], " ", "") != strings.ReplaceAll(want, " ", "") {
				t.Errorf("%v: %q", err, texts)
			}
		})
	}
}

// TestSetsAreUsedAgain: who renders alone has the set that was parsed, and others at the same time clones
// of it, which are kept for those to come.
func TestSetsAreUsedAgain(t *testing.T) {
	c := chartOf(chart.Metadata{Name: "web"}, nil, map[string]string{"templates/a.yaml": `a: {{ include "web/templates/b.yaml" . }}`, "templates/b.yaml": "b"})
	templates, err := Parse(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	take := func() *bound {
		b, err := templates.take()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	one, other := take(), take()
	if one.set != templates.set || other.set == one.set || other.at == one.at {
		t.Error("two renderings at the same time have not the set and a clone of it")
	}
	templates.giveBack(one)
	templates.giveBack(other)
	if again := [2]*bound{take(), take()}; again != [2]*bound{other, one} {
		t.Error("sets that are idle are not used again")
	}
	if had := empty().Templates(); len(had) > 0 {
		t.Errorf("what was parsed is in the set for all charts: %s", had[0].Name())
	}
}

// TestIncludesOneAfterTheOther: what is limited is how deep a template includes itself,
// not how often; and a tpl of nothing but definitions renders nothing.
func TestIncludesOneAfterTheOther(t *testing.T) {
	c := chartOf(chart.Metadata{Name: "web"}, nil, map[string]string{
		"templates/_h.tpl": `{{ define "x" }}.{{ end }}`,
		"templates/a.yaml": `{{ range until 1100 }}{{ include "x" . }}{{ end }}`,
		"templates/b.yaml": `{{ tpl "a{{ tpl \"{{ define \\\"q\\\" }}q{{ end }}\" . }}b" . }}{{ tpl "" . }}`,
		"templates/c.yaml": `{{ .Chart.Annotations.none | quote }}{{ tpl "{{ .Chart.Annotations.none | quote }}" . }}{{ tpl "{{ .Values.none }}" . | len }}`,
	})
	if err := asHelm(t, c, map[string]any{}); err != nil {
		t.Error(err)
	}
}

// TestCacheKnowsFiles: a file that is emptied keeps its name, and is another file.
func TestCacheKnowsFiles(t *testing.T) {
	whole := chartOf(chart.Metadata{Name: "web"}, nil, map[string]string{"templates/a.yaml": `a{{ define "x" }}x{{ end }}`, "templates/b.yaml": `{{ template "x" }}`})
	emptied := &chart.Chart{Metadata: whole.Metadata, Templates: []*chart.File{{Name: "templates/a.yaml"}, whole.Templates[1]}}
	broken := &chart.Chart{Metadata: whole.Metadata, Templates: []*chart.File{{Name: "templates/a.yaml", Data: []byte("{{ end }}")}, whole.Templates[1]}}
	cache, top := NewCache(), chartutil.Values{"Values": chartutil.Values{}, "Release": map[string]any{}}
	for range 2 {
		templates, err := Parse(whole, cache)
		if err != nil {
			t.Fatal(err)
		}
		if texts, err := templates.Render(always(top), Options{}); err != nil || texts["web/templates/a.yaml"] != "a" || texts["web/templates/b.yaml"] != "x" {
			t.Errorf("%v: %q", err, texts)
		}
		if templates, err = Parse(emptied, cache); err != nil {
			t.Fatal(err)
		}
		if _, err := templates.Render(always(top), Options{}); err == nil || !strings.Contains(err.Error(), `template "x" not defined`) {
			t.Errorf("without the definition: %v", err)
		}
		if _, err := Parse(broken, cache); err == nil || !strings.Contains(err.Error(), "parse error at (web/templates/a.yaml:1)") {
			t.Errorf("broken: %v", err)
		}
	}
	if whole.Templates[1].Data == nil || len(cache.texts) != 4 {
		t.Errorf("%d texts", len(cache.texts))
	}
}

// TestARenderingThatFailsLeavesNothing: how deep it was at its end does not count for the
// next one.
func TestARenderingThatFailsLeavesNothing(t *testing.T) {
	c := chartOf(chart.Metadata{Name: "web"}, nil, map[string]string{
		"templates/_h.tpl": `{{ define "x" }}{{ if lt (int .n) 600 }}{{ include "x" (dict "n" (add1 .n)) }}{{ else }}{{ fail "deep" }}{{ end }}{{ end }}`,
		"templates/a.yaml": `{{ include "x" (dict "n" 0) }}`,
	})
	if err := asHelm(t, c, map[string]any{}); err == nil || !strings.Contains(err.Error(), "deep") {
		t.Error(err)
	}
}
