package lint

import (
	"context"
	"strings"
	"testing"
)

// TestNotChecked: a rule that is off does not hide that others could not look.
func TestNotChecked(t *testing.T) {
	broken := with(goodFiles(), "charts/web/Chart.yaml", "apiVersion: v2\nname: [\n")
	failing := with(goodFiles(), "charts/web/templates/deployment.yaml", "{{ fail `no` }}")
	mismatch := with(goodFiles(), "values.yaml", "global: {}\nweb: text\n")
	all := func(severity Severity) map[string]Severity {
		set := map[string]Severity{}
		for _, r := range Rules() {
			set[r.Name] = severity
		}
		return set
	}
	var others []string // that look at more than files
	for _, r := range Rules() {
		if r.ReadsChart() && r.Name != "render" {
			others = append(others, r.Name)
		}
	}
	for name, test := range map[string]struct {
		files      map[string]string
		severities map[string]Severity
		want       string // the code, and words of the message
	}{
		"chart off":             {broken, map[string]Severity{"chart": Off}, "chart/not-checked Helm cannot load the chart, and the rule chart is off: not checked by "},
		"chart on":              {broken, nil, ""},
		"chart as info":         {broken, map[string]Severity{"chart": Info}, ""},
		"chart off, all good":   {goodFiles(), map[string]Severity{"chart": Off}, ""},
		"values, chart off":     {mismatch, map[string]Severity{"chart": Off}, "chart/not-checked Helm cannot work out the values"},
		"render off":            {failing, map[string]Severity{"render": Off}, "render/not-checked these templates do not render: charts/web/templates/deployment.yaml, and the rule render is off"},
		"render on":             {failing, nil, ""},
		"values, render off":    {mismatch, map[string]Severity{"render": Off}, ""},
		"the rules by name":     {failing, map[string]Severity{"render": Off}, "render/not-checked these templates do not render: charts/web/templates/deployment.yaml, and the rule render is off: not checked by " + strings.Join(others, ", ")},
		"render off, all good":  {goodFiles(), map[string]Severity{"render": Off}, ""},
		"both off":              {broken, map[string]Severity{"render": Off, "chart": Off}, "chart/not-checked "},
		"all off, nothing lost": {broken, all(Off), ""},
	} {
		got := ""
		for _, f := range seen(Examine(context.Background(), load(t, test.files), Options{Severities: test.severities}).Findings) {
			if strings.HasSuffix(f.Code, "/not-checked") {
				got += f.Code + " " + f.Message
				if f.Severity != Warning || f.Hint == "" {
					t.Errorf("%s: %+v", name, f)
				}
			}
		}
		if !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
