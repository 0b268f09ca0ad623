package lint

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/charts"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/lint/values"
)

// TestCut: an end at a limit is reported at what was at work, with what was found before.
func TestCut(t *testing.T) {
	const inArchive = "web/charts/db/templates/a.yaml"
	ext := load(t, with(goodFiles(), "charts/db-1.2.0.tgz", packed(t, "db", map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.2.0\n", "templates/a.yaml": "# a\n",
	})))
	limits := Limits{Time: time.Minute, Memory: 64 << 20}
	before := []Finding{{Code: "icon/empty", Severity: Warning, File: "extension.yaml", Message: "icon is empty"}}
	const earlier = "warning icon ext/extension.yaml: icon is empty"
	for name, test := range map[string]struct {
		end    Ended
		chosen Severity
		code   string
		want   string
	}{
		"time in a template": {
			Ended{LimitTime, limits, "render", "web/charts/web/templates/deployment.yaml"}, "", "limits/time",
			"error limits ext/charts/web/templates/deployment.yaml: rendering this template (for the rule render) takes longer than 1m0s: all that comes after was not looked at",
		},
		"memory in a packaged template": {
			Ended{LimitMemory, limits, "render", inArchive}, "", "limits/memory",
			"error limits ext/charts/db-1.2.0.tgz: rendering " + inArchive + " (for the rule render) takes more memory than 64 MiB: all that comes after was not looked at",
		},
		"stack, in a template under an alias": {
			Ended{LimitStack, limits, "render", "web/charts/other/templates/a.yaml"}, "", "limits/stack",
			"error limits ext: rendering web/charts/other/templates/a.yaml (for the rule render) goes deeper than there is stack for (16 MiB): all that comes after was not looked at",
		},
		"in a rule":                 {Ended{LimitTime, limits, "readme", ""}, Warning, "limits/time", "warning limits ext: the rule readme takes longer than 1m0s: all that comes after was not looked at"},
		"less than a warning":       {Ended{LimitTime, limits, "readme", ""}, Info, "limits/time", "warning limits ext: the rule readme takes longer than 1m0s: all that comes after was not looked at"},
		"off":                       {Ended{LimitTime, limits, "readme", ""}, Off, "limits/time", "warning limits ext: the rule readme takes longer than 1m0s: all that comes after was not looked at"},
		"no severity":               {Ended{LimitTime, limits, "readme", ""}, "loud", "limits/time", "error limits ext: the rule readme takes longer than 1m0s: all that comes after was not looked at"},
		"before the first rule":     {Ended{LimitTime, limits, "", ""}, "", "limits/time", "error limits ext: reading it takes longer than 1m0s: all that comes after was not looked at"},
		"the process ended, itself": {Ended{LimitFault, limits, "images", ""}, "", "limits/internal-error", "error limits ext: the rule images ended the process that looks at the extension: all that comes after was not looked at"},
	} {
		report := Cut(ext, Options{Severities: map[string]Severity{RuleLimits: test.chosen}}, test.end, before, 3)
		if report.Silenced != 3 || report.Ended == nil || *report.Ended != test.end {
			t.Errorf("%s: %d silenced, ended %+v", name, report.Silenced, report.Ended)
		}
		lines := told(seen(report.Findings))
		if diff := cmp.Diff(map[string]bool{earlier: true, test.want: true}, map[string]bool{lines[0]: true, lines[len(lines)-1]: true}); diff != "" || len(lines) != 2 {
			t.Errorf("%s: findings (-want +got):\n%s", name, diff)
		}
		for _, f := range report.Findings {
			if f.Rule() == RuleLimits && (f.Code != test.code || f.Hint == "") {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}

// passOf is what a rule gets, to have it meet what no extension makes Helm say today.
func passOf(t *testing.T, r Rule) *rule.Pass {
	ext := load(t, with(goodFiles(), "charts/web/ci/a-values.yaml", "tag: {}\n", "charts/web/templates/a.yaml", "{{ if kindIs `map` .Values.tag }}{{ fail `no` }}{{ end }}"))
	return &rule.Pass{Ctx: t.Context(), Ext: ext, Material: rule.NewMaterial(t.Context(), ext), Rule: r}
}

// TestWhatHelmMaySayOneDay: errors of Helm that name neither a template nor a subchart
// are reported all the same.
func TestWhatHelmMaySayOneDay(t *testing.T) {
	odd := errors.New("something\nelse went wrong")

	pass := passOf(t, charts.Chart())
	loaded, err := helmchart.Load(pass.Ext)
	if err != nil {
		t.Fatal(err)
	}
	loaded.EnabledErr = odd
	pass.Material.Load = func() (*helmchart.Chart, error) { return loaded, nil }
	runRule(pass)
	want := []string{"error chart ext/values.yaml: Helm cannot work out the subcharts and their values: something else went wrong"}
	if diff := cmp.Diff(want, told(seen(pass.Findings))); diff != "" || pass.Findings[0].Code != "chart/values-not-merged" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}

	pass = passOf(t, charts.Render())
	pass.Material.Render = func() (*helmchart.Renderings, error) { return nil, odd }
	runRule(pass)
	want = []string{"error render ext/values.yaml: Helm cannot render the chart: something else went wrong"}
	if diff := cmp.Diff(want, told(seen(pass.Findings))); diff != "" || pass.Findings[0].Code != "render/not-rendered" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	// Where nothing renders, nobody knows whether it is for the values under ci/.
	for broken, want := range map[bool]int{false: 1, true: 0} {
		other := passOf(t, values.CI())
		if broken {
			other.Material.Render = pass.Material.Render
		}
		if runRule(other); len(other.Findings) != want {
			t.Errorf("with values under ci/, where nothing renders (%t): %v", broken, told(other.Findings))
		}
	}
	e := &examination{
		Options: Options{Severities: map[string]Severity{"render": Off}},
		ctx:     t.Context(), ext: pass.Ext, material: pass.Material, ignores: readIgnores(pass.Ext),
	}
	if got := told(e.notChecked(Rules())); len(got) != 1 ||
		!strings.HasPrefix(got[0], "warning render ext/values.yaml: Helm cannot render the chart, and the rule render is off: not checked by ") {
		t.Errorf("with render off: %q", got)
	}
}
