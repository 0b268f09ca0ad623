package charts

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Render is the rule render.
func Render() rule.Rule {
	return rule.Rule{
		Name:    "render",
		Summary: "all templates render with the extension's own values, to objects that Helm can read",
		Why: "KubeSphere installs an extension with its own values.yaml unless somebody changes it. A template that fails " +
			"then, or makes something else than YAML or than objects with apiVersion and kind, is an extension that cannot be installed.",
		Fix:    "Fix the template at the place that the finding names, or give the value that it needs in values.yaml.",
		Source: "Helm 3: its engine, and its sorting of manifests, with which KubeSphere installs extensions.",
		Codes: []rule.Code{
			{Name: "not-rendered", Meaning: "Helm cannot render the chart as a whole"},
			{Name: "broken-template", Meaning: "a template does not render"},
			{Name: "too-many-broken", Meaning: "after this many broken templates the others were not tried"},
			{Name: "not-checked", Meaning: "the rule is off, templates do not render, and other rules could not look at them; this is reported all the same"},
			{Name: "not-yaml", Meaning: "a template renders to something that is not YAML"},
			{Name: "not-an-object", Meaning: "a template renders to something that is no object of Kubernetes"},
		},
		Default:  rule.Error,
		Needs:    rule.Values,
		Explains: rule.Rendering,
		Run:      checkRender,
	}
}

func checkRender(pass *rule.Pass) {
	if _, err := pass.Missing(); err != nil {
		if pass.Ctx.Err() == nil {
			pass.Report(rule.Found("not-rendered"), pass.Severity(), rule.Finding{File: "values.yaml", Message: "Helm cannot render the chart: " + excerpt.OneLine(helmchart.PlainTypes(err.Error()))})
		}
		return
	}
	plain := pass.Rendering()
	brokenTemplates(pass, plain)
	for _, invalid := range plain.Invalid {
		invalidManifest(pass, plain, invalid)
	}
	for _, o := range plain.Objects {
		if o.Fault != "" {
			at, line := plain.ObjectPlace(o)
			hint := "look at the values that are put in there: an empty list ([]) is no mapping ({})"
			if !strings.Contains(o.Fault, "whose") {
				hint = "let it begin with apiVersion and kind, or render nothing"
			}
			pass.InSource(rule.Found("not-an-object"), at, line, fmt.Sprintf("line %d of what the template renders begins %s, so Helm does not install the chart", o.Line, o.Fault), hint)
		}
	}
}

// brokenTemplates reports each template that does not render. One that fails only
// for lack of a definition in another broken file is reported with that file.
func brokenTemplates(pass *rule.Pass, plain *helmchart.Rendering) {
	for _, broken := range plain.Broken {
		fault := helmchart.ExplainTemplate(broken.Err, plain.Sources)
		if plain.DefinedInBroken(fault.Cause) {
			continue
		}
		at, line := plain.Sources[fault.At.Template], fault.At.Line
		what := "the template"
		if fault.At.Template != broken.Template {
			what = plain.Sources[broken.Template].Name()
		}
		subject := []string{fault.Expression}
		if what != "the template" {
			subject = append(subject, what)
		}
		message := what + " does not render: " + excerpt.OneLine(fault.Cause)
		if fault.Expression != "" {
			message += ", in {{ " + excerpt.OneLine(fault.Expression) + " }}"
		}
		if at.Inside != "" && line > 0 {
			message += fmt.Sprintf(", line %d", line)
			line = 0
		}
		pass.InSourceAt(rule.Found("broken-template", subject...), pass.Severity(), at, line, fault.At.Column(at), message, fault.Hint)
	}
	if plain.Cut {
		pass.Report(rule.Found("too-many-broken"), pass.Severity(), rule.Finding{
			File:    "values.yaml",
			Message: fmt.Sprintf("after %d templates that do not render, the others were not tried", len(plain.Broken)),
			Hint:    "fix these first",
		})
	}
}

// invalidManifest reports a template that renders to something else than YAML. The
// line is that of the rendered text: which line of the template made it, nobody
// knows.
func invalidManifest(pass *rule.Pass, plain *helmchart.Rendering, invalid helmchart.InvalidManifest) {
	at := plain.Sources[invalid.Template]
	finding := rule.Finding{File: at.File}
	line, cause := invalid.Explain()
	if line > 0 {
		finding.Excerpt = excerpt.Line(invalid.Manifest.Text, line, invalid.Manifest.Line+line-1)
		cause = fmt.Sprintf("line %d of what it renders: %s", invalid.Manifest.Line+line-1, cause)
	}
	finding.Message = "the template renders to something that is not YAML: " + excerpt.OneLine(helmchart.PlainTypes(cause))
	if at.Inside != "" {
		finding.Message += " (" + at.Inside + " in the package)"
	}
	finding.Hint = "look at the indentation ({{ nindent }}) and the quotes ({{ quote }}) of the values put in there"
	pass.Report(rule.Found("not-yaml", at.Inside), pass.Severity(), finding)
}
