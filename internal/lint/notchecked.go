package lint

import (
	"context"
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// notChecked tells what rules could not look at although they are on, where the rule
// that would say why is off: silence would pass for a chart without faults.
func notChecked(ctx context.Context, rules []Rule, ext *extension.Extension, opts Options, m *material) []Finding {
	off, on := map[string]Rule{}, []string{}
	for _, r := range rules {
		switch pass := (&subject{Options: opts, rule: r}); {
		case pass.severity() == Off:
			off[r.Name] = r
		case r.needsChart && r.Name != "dependency-lock": // which reads no chart
			on = append(on, r.Name)
		}
	}
	chartRule, chartOff := off["chart"]
	renderRule, renderOff := off["render"]
	if len(on) == 0 || !chartOff && !renderOff || ctx.Err() != nil {
		return nil
	}
	tell := func(rule Rule, file, because string) []Finding {
		pass := &subject{Options: opts, ext: ext, rule: rule}
		pass.tell(coded("not-checked"), Warning, Finding{
			File:    pathIn(ext, file),
			Message: fmt.Sprintf("%s, and the rule %s is off: not checked by %s", because, rule.Name, strings.Join(on, ", ")),
			Hint:    fmt.Sprintf("set lint.rules.%s to warning to see why, or the rules that it names to off", rule.Name),
		})
		return pass.findings
	}
	loaded, err := m.chart()
	switch {
	case err != nil && chartOff:
		return tell(chartRule, "", "Helm cannot load the chart")
	case err != nil:
		return nil // the rule chart says so
	case loaded.EnabledErr != nil && chartOff:
		return tell(chartRule, "values.yaml", "Helm cannot work out the values of the subcharts")
	case loaded.EnabledErr != nil || !renderOff:
		return nil
	}
	plain, err := m.plain()
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return tell(renderRule, "values.yaml", "Helm cannot render the chart")
	case len(plain.Broken) == 0:
		return nil
	}
	var names []string
	for _, broken := range plain.Broken {
		names = append(names, oneLine(plain.Sources[broken.Template].Name()))
	}
	return tell(renderRule, "", "these templates do not render: "+oneSentence(strings.Join(names, ", ")))
}
