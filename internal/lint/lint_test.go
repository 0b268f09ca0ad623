package lint

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/assets"
	"github.com/ksrelease/ksrelease/internal/lint/charts"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

func replaced(text, old, new string) string { return strings.ReplaceAll(text, old, new) }

// findingTest is a change to a good extension and what is found then: a case of package
// ruletest that is not written down in files, for it is large, or looks like a secret. The
// rules that run have + between them, as in the name of a folder there.
type findingTest struct {
	name    string
	changes []string
	want    []string
	hint    string // of the first finding
}

func testFindings(t *testing.T, rules string, tests []findingTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			findings := check(t, with(goodFiles(), test.changes...), strings.Split(rules, "+")...)
			if diff := cmp.Diff(test.want, told(findings)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if test.hint != "" && len(findings) > 0 && findings[0].Hint != test.hint {
				t.Errorf("hint is\n%s\nwant\n%s", findings[0].Hint, test.hint)
			}
			for _, f := range findings {
				if f.Hint == "" && f.Rule() != "name" && f.Rule() != "version" && f.Rule() != "schema" {
					t.Errorf("no hint: %s", f.Message)
				}
				if strings.Contains(f.Message+f.Hint, "interface {}") || strings.Contains(f.Message, "map[") {
					t.Errorf("a name of a Go type: %s", f.Message)
				}
			}
		})
	}
}

// TestExcerpts: a finding in a template shows its line.
func TestExcerpts(t *testing.T) {
	findings := check(t, with(goodFiles(), "charts/web/templates/a.yaml", "a: b\nb: {{ .Values.image.tag }}\n"), "render")
	if len(findings) != 1 || findings[0].Excerpt != "   2 | b: {{ .Values.image.tag }}" {
		t.Errorf("findings: %+v", findings)
	}
}

func TestSeverities(t *testing.T) {
	files := with(goodFiles(), "extension.yaml", goodMetadata+"keyword: [web]\n", "static/icon.svg", "no image")
	ext := load(t, files)
	tests := []struct {
		name       string
		severities map[string]Severity
		want       []string
		failed     bool
	}{
		{"the defaults", nil, []string{"error icon", "warning schema"}, true},
		{"a rule that is off", map[string]Severity{"icon": Off}, []string{"warning schema"}, false},
		{"a rule that only informs", map[string]Severity{"icon": Info, "schema": Info}, []string{"info icon", "info schema"}, false},
		{"lesser findings follow a severity that was chosen", map[string]Severity{"icon": Off, "schema": Error}, []string{"error schema"}, true},
		{"what is no severity counts as none", map[string]Severity{"icon": "loud"}, []string{"error icon", "warning schema"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			opts := only("icon", "schema")
			maps.Copy(opts.Severities, test.severities)
			findings := Examine(context.Background(), ext, opts).Findings
			var got []string
			for _, f := range findings {
				got = append(got, string(f.Severity)+" "+f.Rule())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if Failed(findings) != test.failed {
				t.Errorf("Failed is %t", !test.failed)
			}
		})
	}
}

// TestLesserFindings: a finding that is less than its rule is not more than what was
// chosen for the rule, and not more than it is by itself.
func TestLesserFindings(t *testing.T) {
	ext := load(t, with(goodFiles(), "extension.yaml", replaced(goodMetadata, "- name: web\n", "- name: web\n    alias: front\n")))
	for chosen, want := range map[Severity]Severity{Info: Info, Warning: Warning, Error: Warning} {
		findings := Examine(t.Context(), ext, chosenFor("chart", chosen)).Findings
		if len(findings) != 1 || findings[0].Code != "chart/alias-without-version" || findings[0].Severity != want {
			t.Errorf("chart: %s: %v", chosen, told(findings))
		}
	}
}

// TestGraverFindings: one that is more than its rule by default is what was chosen for the
// rule, where somebody chose.
func TestGraverFindings(t *testing.T) {
	ext := load(t, with(goodFiles(), "extension.yaml", replaced(goodMetadata, "category: dev-tools", "category: dev tools")))
	for chosen, want := range map[Severity]Severity{"": Error, Info: Info, Warning: Warning, Error: Error} {
		findings := Examine(t.Context(), ext, chosenFor("category", chosen)).Findings
		if len(findings) != 1 || findings[0].Code != "category/not-a-label" || findings[0].Severity != want {
			t.Errorf("category: %s: %v", chosen, told(findings))
		}
	}
}

func TestRulesAreDescribed(t *testing.T) {
	known := map[string]bool{}
	for _, r := range Rules() {
		if r.Summary == "" || r.Why == "" || r.Fix == "" || r.Source == "" || !r.Default.IsKnown() || (r.Run == nil) != (r.Name == "ignore") {
			t.Errorf("the rule %s is not whole: %+v", r.Name, r)
		}
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(r.Name) {
			t.Errorf("the rule %q has no name that stands well in a comment", r.Name)
		}
		if strings.ContainsAny(r.Summary, "\n|") || strings.HasSuffix(r.Summary, ".") {
			t.Errorf("the summary of %s is no line of a table: %q", r.Name, r.Summary)
		}
		if known[r.Name] {
			t.Errorf("there are two rules %s", r.Name)
		}
		known[r.Name] = true
	}
}

// TestExamineMetadata: without the chart, there are no findings about it, and what
// is told is what Check tells.
func TestExamineMetadata(t *testing.T) {
	ext := load(t, with(goodFiles(), "static/icon.svg", "no image", "charts/web/Chart.yaml", "{", "charts/web/templates/deployment.yaml", "{{"))
	got := told(ExamineMetadata(context.Background(), ext, only("icon", "chart", "render")).Findings)
	want := []string{`error icon ext/extension.yaml:8:7: icon "static/icon.svg" is not an image: it reads as text/plain`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestPanicOfARule: it costs that rule, and is told.
func TestPanicOfARule(t *testing.T) {
	ext := load(t, with(goodFiles(), "static/icon.svg", "no image"))
	bad := Rule{Name: "bad", Default: Warning, Run: func(*rule.Pass) { panic("index out of range") }}
	got := told(run(context.Background(), []Rule{bad, assets.Icon()}, ext, Options{}).Findings)
	want := []string{
		`warning bad ext: the rule bad broke down on this extension: index out of range`,
		`error icon ext/extension.yaml:8:7: icon "static/icon.svg" is not an image: it reads as text/plain`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestNothingAfterTheEnd: rules that come after the end of the context do not run.
func TestNothingAfterTheEnd(t *testing.T) {
	ext := load(t, with(goodFiles(), "static/icon.svg", "no image", "charts/web/templates/broken.yaml", "{{ fail `no` }}"))
	ctx, cancel := context.WithCancel(t.Context())
	end := Rule{Name: "end", Default: Warning, Run: func(*rule.Pass) { cancel() }}
	got := told(run(ctx, []Rule{assets.Icon(), end, charts.Render(), assets.Icon()}, ext, Options{}).Findings)
	want := []string{`error icon ext/extension.yaml:8:7: icon "static/icon.svg" is not an image: it reads as text/plain`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if findings := Examine(ctx, ext, Options{}).Findings; findings != nil {
		t.Errorf("findings after the end: %v", told(findings))
	}
}

// TestManyBrokenTemplates: the search for more of them has an end.
func TestManyBrokenTemplates(t *testing.T) {
	var changes []string
	for i := range helmchart.MaxBroken + 5 {
		changes = append(changes, fmt.Sprintf("charts/web/templates/broken-%02d.yaml", i), `{{ fail "no" }}`)
	}
	findings := check(t, with(goodFiles(), changes...), "render")
	last := slices.IndexFunc(findings, func(f Finding) bool {
		return f.Message == "after 20 templates that do not render, the others were not tried"
	})
	if last < 0 {
		t.Errorf("findings: %v", told(findings))
	}
}

// TestExtensionStaysAsItIs: rules share what others read; templates that change
// values change them for nobody else. Under -race this also shows that an
// extension can be linted from several sides at once.
func TestExtensionStaysAsItIs(t *testing.T) {
	files := with(goodFiles(),
		"charts/web/templates/a.yaml", `{{ $_ := set .Values "tag" "changed" }}{{ $_ := set .Values.global "nodeSelector" (dict "a" "b") }}`,
		"charts/web/templates/z.yaml", `{{ $_ := set .Values "tag" "changed" }}{{ $_ := set .Values.global "nodeSelector" (dict "a" "b") }}`)
	ext := load(t, files)
	before := ext.ContentDigest()
	want := told(Examine(context.Background(), ext, Options{}).Findings)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if diff := cmp.Diff(want, told(Examine(context.Background(), ext, Options{}).Findings)); diff != "" {
				t.Errorf("findings changed (-first +later):\n%s", diff)
			}
		})
	}
	group.Wait()
	pack, err := ext.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	if pack.ContentDigest != before || load(t, files).ContentDigest() != before {
		t.Error("linting changed the content of the extension")
	}
}

// TestBrokenTemplateSpoilsNoOther: rules that need no rendering, or another part
// of it, tell what they would have told.
func TestBrokenTemplateSpoilsNoOther(t *testing.T) {
	files := with(goodFiles(),
		"README.md", "", "CHANGELOG.md", "none\n", "permissions.yaml", "kind: Pod\n---\nkind: ClusterRole\nrules:\n  - {apiGroups: ['*'], resources: ['*'], verbs: ['*']}\n",
		"static/one.png", headOfPNG(10, 10), "charts/web/files/a.pem", freshKey(t), "charts/web/a.bak", "x",
		"charts/web/values.schema.json", `{"required": ["host"]}`, "charts/web/templates/old.yaml", "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: a}\n",
		"charts/extra/Chart.yaml", "apiVersion: v2\nname: extra\nversion: 0.1.0\n", "charts/extra/templates/a.yaml", "{{ if .Values.x }}{{ .Values.a.b }}{{ end }}", "charts/extra/ci/a-values.yaml", "x: y\n",
		"extension.yaml", replaced(goodMetadata, "dependencies:\n", "dependencies:\n  - name: extra\n    tags: [extension]\n"))
	rules := func(findings []Finding) []string {
		var names []string
		for _, f := range findings {
			if !slices.Contains(names, f.Rule()) {
				names = append(names, f.Rule())
			}
		}
		slices.Sort(names)
		return names
	}
	want := []string{"assets", "changelog", "ci-values", "helm-lint", "least-privilege", "leftovers", "permissions", "readme", "secrets", "values-schema"}
	before := check(t, files, want...)
	if diff := cmp.Diff(want, rules(before)); diff != "" {
		t.Fatalf("rules that tell something (-want +got):\n%s", diff)
	}
	files["charts/web/templates/broken.yaml"] = "{{ if }}"
	var after []Finding
	for _, f := range check(t, files, append(want, "render")...) {
		if f.Rule() != "render" {
			after = append(after, f)
		}
	}
	if diff := cmp.Diff(told(before), told(after)); diff != "" {
		t.Errorf("findings change (-without +with a broken template):\n%s", diff)
	}
}

// TestPackagedSubchartThatIsNone: what is told names the package, what is wrong in
// it and what to do, all of it.
func TestPackagedSubchartThatIsNone(t *testing.T) {
	long := strings.Repeat("a-folder-of-many/", 10) + "../../../secret"
	got := told(check(t, with(goodFiles(),
		"charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"charts/sub/charts/deep-1.0.0.tgz", packed(t, "deep", map[string]string{long: "x"}),
	), "chart"))
	want := []string{"error chart ext/charts/sub/charts/deep-1.0.0.tgz: Helm cannot load the chart: " +
		`the entry "deep/` + long + `" leads out of the package: names must not contain '..'; pack it again`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestRulesFitTogether: what rules say of others is true of the list.
func TestRulesFitTogether(t *testing.T) {
	names, explained := ruleNames(), rule.Dependencies
	for _, r := range Rules() {
		for _, other := range r.LeavesTo {
			if !slices.Contains(names, other) || other == r.Name {
				t.Errorf("%s leaves something to %q", r.Name, other)
			}
		}
		if r.Explains == rule.Files {
			continue
		}
		// Between them, such rules explain each state before the marked rendering, which
		// fails only where the rendering does.
		if r.Needs > explained || r.Explains <= r.Needs || !r.Finds("not-checked") {
			t.Errorf("%s explains up to state %d and needs %d; explained so far is %d", r.Name, r.Explains, r.Needs, explained)
		}
		explained = r.Explains
	}
	if explained != rule.Rendering {
		t.Errorf("nothing explains what comes after state %d", explained)
	}
}
