package lint

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
)

func renderRule() Rule {
	return Rule{
		Name:    "render",
		Summary: "all templates render with the extension's own values, to objects that Helm can read",
		Why: "KubeSphere installs an extension with its own values.yaml unless somebody changes it. A template that fails " +
			"then, or makes something else than YAML or than objects with apiVersion and kind, is an extension that cannot be installed.",
		Fix:    "Fix the template at the place that the finding names, or give the value that it needs in values.yaml.",
		Source: "Helm 3: its engine, and its sorting of manifests, with which KubeSphere installs extensions.",
		Codes: []Code{
			{"not-rendered", "Helm cannot render the chart as a whole"},
			{"broken-template", "a template does not render"},
			{"too-many-broken", "after this many broken templates the others were not tried"},
			{"not-checked", "the rule is off, templates do not render, and other rules could not look at them; this is reported all the same"},
			{"not-yaml", "a template renders to something that is not YAML"},
			{"not-an-object", "a template renders to something that is no object of Kubernetes"},
		},
		Default:    Error,
		needsChart: true,
		check:      checkRender,
	}
}

func checkRender(pass *subject) {
	loaded, err := pass.material.chart()
	if err != nil || loaded.EnabledErr != nil {
		return // the rule chart says so
	}
	plain, err := pass.material.plain()
	if err != nil {
		if pass.ctx.Err() == nil {
			pass.tell(coded("not-rendered"), pass.severity(), Finding{File: pass.path("values.yaml"), Message: "Helm cannot render the chart: " + oneLine(helmchart.PlainTypes(err.Error()))})
		}
		return
	}
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
			pass.inSource(coded("not-an-object"), at, line, fmt.Sprintf("line %d of what the template renders begins %s, so Helm does not install the chart", o.Line, o.Fault), hint)
		}
	}
}

// brokenTemplates tells each template that does not render. One that fails only
// for lack of a definition in another broken file is told with that file.
func brokenTemplates(pass *subject, plain *helmchart.Rendering) {
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
		message := what + " does not render: " + oneLine(fault.Cause)
		if fault.Expression != "" {
			message += ", in {{ " + oneLine(fault.Expression) + " }}"
		}
		if at.Inside != "" && line > 0 {
			message += fmt.Sprintf(", line %d", line)
			line = 0
		}
		pass.inSourceAt(coded("broken-template", subject...), pass.severity(), at, line, fault.At.Column(at), message, fault.Hint)
	}
	if plain.Cut {
		pass.tell(coded("too-many-broken"), pass.severity(), Finding{
			File:    pass.path("values.yaml"),
			Message: fmt.Sprintf("after %d templates that do not render, the others were not tried", len(plain.Broken)),
			Hint:    "fix these first",
		})
	}
}

// invalidManifest tells a template that renders to something else than YAML. The
// line is that of the rendered text: which line of the template made it, nobody
// knows.
func invalidManifest(pass *subject, plain *helmchart.Rendering, invalid helmchart.InvalidManifest) {
	at := plain.Sources[invalid.Template]
	finding := Finding{File: pass.path(at.File)}
	line, cause := invalid.Explain()
	if line > 0 {
		finding.Excerpt = excerpt.Line(invalid.Manifest.Text, line, invalid.Manifest.Line+line-1)
		cause = fmt.Sprintf("line %d of what it renders: %s", invalid.Manifest.Line+line-1, cause)
	}
	finding.Message = "the template renders to something that is not YAML: " + oneLine(helmchart.PlainTypes(cause))
	if at.Inside != "" {
		finding.Message += " (" + at.Inside + " in the package)"
	}
	finding.Hint = "look at the indentation ({{ nindent }}) and the quotes ({{ quote }}) of the values put in there"
	pass.tell(coded("not-yaml", at.Inside), pass.severity(), finding)
}
