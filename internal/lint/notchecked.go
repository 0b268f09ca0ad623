package lint

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// notChecked reports what rules could not look at although they are on, where the rule
// that would say why is off: silence would pass for a chart without faults.
func (e *examination) notChecked(rules []Rule) []Finding {
	var on []string
	for _, r := range rules {
		if r.ReadsChart() && r.SeverityIn(e.Severities) != Off {
			on = append(on, r.Name)
		}
	}
	if len(on) == 0 {
		return nil
	}
	var findings []Finding
	for _, r := range rules {
		if r.Explains == rule.Files || r.SeverityIn(e.Severities) != Off || e.ctx.Err() != nil {
			continue
		}
		file, because := e.unexplained(r)
		if because == "" || e.ctx.Err() != nil {
			continue
		}
		pass := e.pass(r)
		pass.Report(rule.Found("not-checked"), Warning, Finding{
			File:    file,
			Message: fmt.Sprintf("%s, and the rule %s is off: not checked by %s", because, r.Name, strings.Join(on, ", ")),
			Hint:    fmt.Sprintf("set lint.rules.%s to warning to see why, or the rules that it names to off", r.Name),
		})
		findings = append(findings, pass.Findings...)
	}
	return findings
}

// unexplained is what a rule would explain, and the file that it is about; both are
// empty where there is nothing to explain, or another rule is to do it.
func (e *examination) unexplained(r Rule) (file, because string) {
	missing, err := e.material.Missing(r.Explains)
	switch {
	case err == nil && r.Explains == rule.Rendering:
		broken := e.material.Broken()
		if len(broken) == 0 {
			return "", ""
		}
		for i, name := range broken {
			broken[i] = excerpt.OneLine(name)
		}
		return "", "these templates do not render: " + excerpt.Sentence(strings.Join(broken, ", "))
	case err == nil || missing <= r.Needs:
		return "", ""
	case missing == rule.Chart:
		return "", "Helm cannot load the chart"
	case missing == rule.Values:
		return "values.yaml", "Helm cannot work out the values of the subcharts"
	default:
		return "values.yaml", "Helm cannot render the chart"
	}
}
