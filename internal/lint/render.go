package lint

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ksrelease/ksrelease/internal/yamldoc"
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

func checkRender(s *subject) {
	loaded, err := s.material.chart()
	if err != nil || loaded.EnabledErr != nil {
		return // the rule chart says so
	}
	plain, err := s.material.plain()
	if err != nil {
		if s.ctx.Err() == nil {
			s.tell(coded("not-rendered"), s.severity(), Finding{File: s.path("values.yaml"), Message: "Helm cannot render the chart: " + oneLine(plainTypes(err.Error()))})
		}
		return
	}
	s.brokenTemplates(plain)
	for _, invalid := range plain.Invalid {
		s.invalidManifest(plain, invalid)
	}
	for _, o := range plain.Objects {
		if o.Fault != "" {
			at, line := plain.objectPlace(o)
			hint := "look at the values that are put in there: an empty list ([]) is no mapping ({})"
			if !strings.Contains(o.Fault, "whose") {
				hint = "let it begin with apiVersion and kind, or render nothing"
			}
			s.inSource(coded("not-an-object"), at, line, fmt.Sprintf("line %d of what the template renders begins %s, so Helm does not install the chart", o.Line, o.Fault), hint)
		}
	}
}

// brokenTemplates tells each template that does not render. One that fails only
// for lack of a definition in another broken file is told with that file.
func (s *subject) brokenTemplates(plain *rendering) {
	for _, broken := range plain.Broken {
		fault := explainTemplate(broken.Err, plain.Sources)
		if plain.definedInBroken(fault.Cause) {
			continue
		}
		at, line := plain.Sources[fault.At.Template], fault.At.Line
		what := "the template"
		if fault.At.Template != broken.Template {
			what = base(plain.Sources[broken.Template])
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
		s.inSourceAt(coded("broken-template", subject...), s.severity(), at, line, fault.At.column(at), message, fault.Hint)
	}
	if plain.Cut {
		s.tell(coded("too-many-broken"), s.severity(), Finding{
			File:    s.path("values.yaml"),
			Message: fmt.Sprintf("after %d templates that do not render, the others were not tried", len(plain.Broken)),
			Hint:    "fix these first",
		})
	}
}

// base names a template in a message about a possibly different file.
func base(at source) string {
	if at.Inside != "" {
		return at.Inside
	}
	return at.File
}

var missingDefinition = regexp.MustCompile(`there is no template named "([^"]+)"`)

// definedInBroken reports whether a cause is a missing definition that stands in
// a template which itself is broken.
func (r *rendering) definedInBroken(cause string) bool {
	m := missingDefinition.FindStringSubmatch(cause)
	if m == nil {
		return false
	}
	definition := regexp.MustCompile(`\{\{-?\s*define\s+["` + "`" + `]` + regexp.QuoteMeta(m[1]) + `["` + "`" + `]`)
	for _, broken := range r.Broken {
		if definition.MatchString(r.Sources[broken.Template].Text) {
			return true
		}
	}
	return false
}

// invalidManifest tells a template that renders to something else than YAML. The
// line is that of the rendered text: which line of the template made it, nobody
// knows.
func (s *subject) invalidManifest(plain *rendering, invalid invalidManifest) {
	at := plain.Sources[invalid.Template]
	cause := strings.TrimPrefix(invalid.Err.Error(), "yaml: ")
	finding := Finding{File: s.path(at.File)}
	if m := lineOfCause.FindStringSubmatch(cause); m != nil {
		line := number(m[1])
		cause = m[2]
		var problems yamldoc.Problems
		if _, err := yamldoc.Parse("", []byte(invalid.Manifest.Text)); errors.As(err, &problems) && problems[0].Line > 0 {
			line, cause = problems[0].Line, problems[0].Message // in plain words, and often at a better place
		}
		finding.Excerpt = excerptLine(invalid.Manifest.Text, line, invalid.Manifest.Line+line-1)
		cause = fmt.Sprintf("line %d of what it renders: %s", invalid.Manifest.Line+line-1, cause)
	}
	finding.Message = "the template renders to something that is not YAML: " + oneLine(plainTypes(cause))
	if at.Inside != "" {
		finding.Message += " (" + at.Inside + " in the package)"
	}
	finding.Hint = "look at the indentation ({{ nindent }}) and the quotes ({{ quote }}) of the values put in there"
	s.tell(coded("not-yaml", at.Inside), s.severity(), finding)
}

var lineOfCause = regexp.MustCompile(`^line (\d+): (.*)$`)

// place is the source of a workload and, where it can be told, the line at which
// the object begins to say what it is.
func (r *rendering) place(w workload) (source, int) {
	at := r.Sources[w.Template]
	return at, at.lineOf("kind", w.Kind, w.Ordinal, r.total(w))
}
