package charts

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/helmerror"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Render is the rule render.
func Render() rule.Rule {
	return rule.Rule{
		Name:    "render",
		Summary: "all templates render with the extension's own values, to objects that Helm can read",
		Why: "KubeSphere installs an extension with its own values.yaml unless somebody changes it. A template that fails " +
			"then, or makes something else than YAML or than objects with apiVersion and kind, is an extension that cannot be installed.\n\n" +
			"Over these values KubeSphere sets some of its own, and templates are rendered with them here: on the host cluster `tags.extension` to true, `tags.agent` to " +
			"false, and `global.portal.url`; on the chosen clusters of `Multicluster` the tags the other way round, and " +
			"`global.clusterInfo.name` and `global.clusterInfo.role`, which the host cluster does not get. The conditions of subcharts that are tagged for the other installation are false. " +
			"`global.extension.ingress` is there only where an administrator has configured it: a template that needs it fails everywhere else.",
		Fix: "Fix the template at the place that the finding names, or give the value that it needs in values.yaml. What " +
			"KubeSphere sets only in some places is guarded by parentheses, with which a missing step is no error:\n\n" +
			"{{- with ((.Values.global).extension).ingress }}\nhost: web.{{ .domainSuffix }}\n{{- end }}",
		Source: "Helm 3: its engine, and its sorting of manifests, with which KubeSphere installs extensions; " +
			"`getOverrides` of KubeSphere 4.1.3, https://github.com/kubesphere/kubesphere/blob/v4.1.3/pkg/controller/core/installplan_controller.go.",
		Codes: []rule.Code{
			{Name: "not-rendered", Meaning: "Helm cannot render the chart as a whole"},
			{Name: "broken-template", Meaning: "a template does not render"},
			{Name: "needs-ingress", Meaning: "a template renders only where an administrator has configured an ingress for extensions"},
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
			pass.Report(rule.Found("not-rendered"), pass.Severity(), rule.Finding{File: "values.yaml", Message: "Helm cannot render the chart: " + excerpt.OneLine(helmerror.PlainTypes(err.Error()))})
		}
		return
	}
	plain := pass.Rendering()
	brokenTemplates(pass, plain)
	needsIngress(pass, plain)
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
		fault := helmerror.OfTemplate(broken.Err, helmchart.IsSource(plain.Sources))
		if plain.DefinedInBroken(fault.Lacks) {
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
		pass.InSourceAt(rule.Found("broken-template", subject...), pass.Severity(), at, line, at.Column(fault.At), message, hintOn(fault))
	}
	if plain.Cut {
		pass.Report(rule.Found("too-many-broken"), pass.Severity(), rule.Finding{
			File:    "values.yaml",
			Message: fmt.Sprintf("after %d templates that do not render, the others were not tried", len(plain.Broken)),
			Hint:    "fix these first",
		})
	}
}

// needsIngress reports the templates that render only with what an administrator can
// configure, all in one: the values have one place.
func needsIngress(pass *rule.Pass, plain *helmchart.Rendering) {
	if len(plain.IngressNeeded) == 0 {
		return
	}
	first := plain.IngressNeeded[0]
	fault := helmerror.OfTemplate(first.Err, helmchart.IsSource(plain.Sources))
	at, line := plain.Sources[fault.At.Template], fault.At.Line
	what := "the template"
	if fault.At.Template != first.Template {
		what = plain.Sources[first.Template].Name()
	}
	cause := excerpt.OneLine(fault.Cause)
	message := fmt.Sprintf("%s renders only where an administrator has configured an ingress for extensions (global.extension.ingress); everywhere else the extension cannot be installed: %s", what, cause)
	if more := len(plain.IngressNeeded) - 1; more > 0 {
		what = "the template and one other"
		if more > 1 {
			what = fmt.Sprintf("the template and %d others", more)
		}
		message = fmt.Sprintf("%s render only where an administrator has configured an ingress for extensions (global.extension.ingress); everywhere else the extension cannot be installed: %s", what, cause)
	}
	column := at.Column(fault.At)
	if at.Inside != "" {
		message, line = message+fmt.Sprintf(", line %d", line), 0
	}
	pass.InSourceAt(rule.Found("needs-ingress"), pass.AtMost(rule.Warning), at, line, column, message,
		"guard what needs it with {{ with ((.Values.global).extension).ingress }}, or give global.extension.ingress in values.yaml")
}

// hintOn is what to do about a template that does not render, where it asks for what
// KubeSphere sets in another installation.
func hintOn(fault helmerror.Template) string {
	switch {
	case strings.Contains(fault.Expression, "global.clusterInfo"):
		return "KubeSphere sets global.clusterInfo on the chosen clusters of Multicluster alone, where it installs what is tagged agent: guard the place with {{ with (.Values.global).clusterInfo }}, or give the value in values.yaml"
	case strings.Contains(fault.Expression, "global.portal"):
		return "KubeSphere sets global.portal on the host cluster alone, where it installs what is tagged extension: guard the place with {{ with (.Values.global).portal }}, or give the value in values.yaml"
	}
	return fault.Hint
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
	finding.Message = "the template renders to something that is not YAML: " + excerpt.OneLine(helmerror.PlainTypes(cause))
	if at.Inside != "" {
		finding.Message += " (" + at.Inside + " in the package)"
	}
	finding.Hint = "look at the indentation ({{ nindent }}) and the quotes ({{ quote }}) of the values put in there"
	pass.Report(rule.Found("not-yaml", at.Inside), pass.Severity(), finding)
}
