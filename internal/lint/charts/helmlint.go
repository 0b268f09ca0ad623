package charts

import (
	"bytes"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"k8s.io/apimachinery/pkg/api/validation"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/kubeapi"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// HelmLint is the rule helm-lint.
func HelmLint() rule.Rule {
	return rule.Rule{
		Name:    "helm-lint",
		Summary: "`helm lint` has nothing to say of the chart and its subcharts",
		Why: "Helm's own lint knows what Helm and Kubernetes refuse when a chart is installed, or do not do as its author " +
			"thinks: objects with a name that Kubernetes does not take, a Deployment without a selector, API " +
			"versions that a cluster has no more, templates whose file name Helm does not expect, hooks that it no longer knows.",
		Fix: "Correct what the finding names. For an API version that is gone, write the one in its place, or choose by what the cluster has:\n\n" +
			"{{- if .Capabilities.APIVersions.Has \"policy/v1\" }}",
		Source: "Helm 3, pkg/lint/rules (Chartfile, Templates, Dependencies), for the chart and, unlike `helm lint`, for all " +
			"subcharts; what other rules here report is not reported again. The versions of APIs are those of k8s.io/api.",
		Codes: []rule.Code{
			{Name: "api-version", Meaning: "Helm has no such apiVersion of charts"},
			{Name: "not-text", Meaning: "a field reads as a number"},
			{Name: "maintainer-without-name", Meaning: "a maintainer of a subchart has no name"},
			{Name: "invalid-source", Meaning: "a source of a subchart is no URL"},
			{Name: "undeclared-chart", Meaning: "a chart below a subchart is no dependency of it"},
			{Name: "file-ending", Meaning: "a file under templates/ has an ending that Helm does not expect"},
			{Name: "release-time", Meaning: ".Release.Time is no more"},
			{Name: "crd-install-hook", Meaning: "the hook crd-install is no more"},
			{Name: "indented-output", Meaning: "what a template renders begins with a blank"},
			{Name: "invalid-object-name", Meaning: "Kubernetes does not take the name of an object"},
			{Name: "no-selector", Meaning: "a workload has no selector"},
			{Name: "removed-api", Meaning: "an API version that clusters have no more"},
			{Name: "deprecated-api", Meaning: "an API version that clusters will not have for long"},
			{Name: "repeated-key", Meaning: "Chart.yaml of a subchart has a key twice"},
			{Name: "repeated-merge", Meaning: "Chart.yaml of a subchart has << twice in a mapping"},
		},
		Default:  rule.Warning,
		Needs:    rule.Chart,
		Uses:     rule.Rendering,
		LeavesTo: []string{"kustomize"},
		Run:      checkHelmLint,
	}
}

func checkHelmLint(pass *rule.Pass) {
	loaded := pass.Chart()
	helmchart.Each(loaded.Root, func(c *chart.Chart) {
		at, ok := loaded.Places.Of(c)
		if !ok {
			return
		}
		if !c.IsRoot() { // that of the root is derived from extension.yaml
			y := readChartYAML(pass, c, at)
			y.fields(c.Metadata)
			y.subcharts(c)
		}
		for _, template := range c.Templates {
			templateFile(pass, at, template)
		}
	})
	plain := pass.Rendering()
	if plain == nil {
		return
	}
	indents(pass, plain)
	version := loaded.Renderer.KubeMinor()
	for _, o := range plain.Objects {
		object(pass, plain, o, version)
	}
}

// chartYAML is a Chart.yaml with the places of its fields, where they can be
// found.
type chartYAML struct {
	pass     *rule.Pass
	at       helmchart.Source
	document *yamldoc.Document // nil for one in a package
}

func readChartYAML(pass *rule.Pass, c *chart.Chart, at helmchart.Place) chartYAML {
	file, inside := at.File("Chart.yaml")
	y := chartYAML{pass: pass, at: helmchart.Source{File: file, Inside: inside}}
	for _, raw := range c.Raw {
		if raw.Name == "Chart.yaml" {
			document, err := yamldoc.Parse(file, raw.Data)
			if err == nil {
				y.document = document
			} else if inside == "" { // it was loaded, so it parses, but for such keys
				repeatedKeys(pass, err)
			}
		}
	}
	return y
}

func (y chartYAML) report(m rule.Identity, message, hint string, pointer ...string) {
	if y.at.Inside != "" || y.document == nil {
		y.pass.InSource(m, y.at, 0, message, hint)
		return
	}
	y.pass.Problem(m, y.document.Problem(message, hint, pointer...))
}

// fields looks at the Chart.yaml of a subchart, as rules.Chartfile does, but for
// what keeps Helm from loading it (see the rule chart), and for the icon that
// nobody sees.
func (y chartYAML) fields(m *chart.Metadata) {
	switch m.APIVersion {
	// In a chart of v1 `helm lint` refuses a type, which does no harm there.
	case chart.APIVersionV2, chart.APIVersionV1:
	default:
		y.report(rule.Found("api-version", m.APIVersion), fmt.Sprintf("apiVersion %q is none of Helm's", excerpt.OneLine(m.APIVersion)), "write apiVersion: v2", "apiVersion")
	}
	for _, field := range [...]string{"version", "appVersion"} {
		if y.document == nil {
			continue
		}
		written, quoted, ok := y.document.Raw(field)
		fields, _ := y.document.Value().(map[string]any)
		if _, isText := fields[field].(string); ok && !quoted && !isText && fields[field] != nil {
			y.report(rule.Found("not-text", field), fmt.Sprintf("%s %s is not text: without quotes it reads as a number", field, excerpt.OneLine(written)), fmt.Sprintf("put it in quotes: %s: %q", field, written), field)
		}
	}
	for i, maintainer := range m.Maintainers {
		if maintainer == nil || maintainer.Name == "" {
			y.report(rule.Found("maintainer-without-name"), "a maintainer has no name", "Helm asks for the name of each", "maintainers", strconv.Itoa(i))
		}
	}
	for i, address := range m.Sources {
		if u, err := url.Parse(address); err != nil || u.Scheme == "" || u.Host == "" {
			y.report(rule.Found("invalid-source", address), fmt.Sprintf("the source %q is no URL", excerpt.OneLine(address)), "write it as https://HOST/PATH", "sources", strconv.Itoa(i))
		}
	}
}

// subcharts looks at the charts below a subchart, as rules.Dependencies does.
// Helm installs one that is not declared, always; nobody can switch it off.
func (y chartYAML) subcharts(c *chart.Chart) {
	declared := map[string]bool{}
	for _, dependency := range c.Metadata.Dependencies {
		if dependency != nil {
			declared[dependency.Name] = true
		}
	}
	for _, child := range c.Dependencies() {
		if !declared[child.Name()] {
			y.report(rule.Found("undeclared-chart", child.Name()), fmt.Sprintf("the chart %q is under charts/ and no dependency: Helm installs it always", excerpt.OneLine(child.Name())), "declare it under dependencies, or take it out", "dependencies")
		}
	}
}

// templateEndings are those of files that Helm expects under templates/.
var templateEndings = map[string]bool{".yaml": true, ".yml": true, ".tpl": true, ".txt": true}

// crdHook is a hook of Helm 2.
var crdHook = lazyregexp.New(`"?helm\.sh/hook"?:\s+crd-install`)

// templateFile looks at the source of a template, as rules.Templates does.
func templateFile(pass *rule.Pass, place helmchart.Place, template *chart.File) {
	ending := path.Ext(template.Name)
	time := bytes.Index(template.Data, []byte(".Release.Time"))
	var hook []int
	if bytes.Contains(template.Data, []byte("crd-install")) { // the pattern is slow
		hook = crdHook.FindIndex(template.Data)
	}
	if templateEndings[ending] && time < 0 && hook == nil {
		return
	}
	file, inside := place.File(template.Name)
	at := helmchart.Source{File: file, Inside: inside, Text: string(template.Data)}
	if !templateEndings[ending] {
		pass.InSource(rule.Found("file-ending"), at, 0, fmt.Sprintf("Helm takes each file under templates/ for a template, and expects none that ends in %q", ending),
			"let it end in .yaml, .tpl or .txt, or move it out of templates/ and read it with .Files.Get")
	}
	if time >= 0 {
		pass.InSource(rule.Found("release-time"), at, lineIn(at, time), "Helm 3 has no .Release.Time", "use the function now")
	}
	if hook != nil {
		pass.InSource(rule.Found("crd-install-hook"), at, lineIn(at, hook[0]), "Helm 3 has no hook crd-install", "put the definition into the folder crds/ of the chart")
	}
}

// lineIn is the line of a byte of a source, 0 inside packages.
func lineIn(at helmchart.Source, offset int) int {
	if at.Inside != "" {
		return 0
	}
	line, _ := rule.Position([]byte(at.Text), offset)
	return line
}

// indents reports rendered texts that begin with a space: what comes after may
// belong to something else than it seems to.
func indents(pass *rule.Pass, plain *helmchart.Rendering) {
	for _, template := range rule.SortedKeys(plain.Texts) {
		if ending := path.Ext(template); ending != ".yaml" && ending != ".yml" {
			continue
		}
		for line := range strings.Lines(plain.Texts[template]) {
			if strings.TrimSpace(line) == "" {
				continue
			}
			if line[0] == ' ' || line[0] == '\t' {
				pass.InSource(rule.Found("indented-output"), plain.Sources[template], 0, "what the template renders begins with an indented line: "+excerpt.OneLine(line), "trim the space before it: {{- … }} or no indentation")
			}
			break
		}
	}
}

// object looks at one rendered object.
func object(pass *rule.Pass, plain *helmchart.Rendering, o helmchart.Object, minor int) {
	report := func(found string, severity rule.Severity, message, hint string) {
		at, line := plain.ObjectPlace(o)
		name := o.Name
		if at.MakesUpNames() {
			name = helmchart.WithoutSuffix(name)
		}
		pass.InSourceAs(rule.Found(found, o.Kind, name), severity, at, line, message, hint)
	}
	if o.Fault != "" {
		return // the rule render says so
	}
	if o.Name == "" && pass.IsOn("kustomize") {
		// the rule kustomize says so
	} else if err := badName(o); err != nil && naming.ValidName(pass.Ext.Metadata.Name) == nil { // the rule name says so
		report("invalid-object-name", pass.Severity(), err.Error(), "Kubernetes refuses it: look at the values that make up metadata.name")
	}
	switch o.Kind {
	case "Deployment", "ReplicaSet", "DaemonSet", "StatefulSet":
		if strings.HasPrefix(o.APIVersion, "apps/") && !o.Selects {
			report("no-selector", pass.Severity(), fmt.Sprintf("%s has no selector", o), "Kubernetes refuses it: add spec.selector.matchLabels with labels of the pod template")
		}
	}
	switch end := kubeapi.Deprecation(o.APIVersion, o.Kind, minor); {
	case end.Gone != "":
		report("removed-api", pass.Severity(), fmt.Sprintf("%s is of %s, which %s", o, excerpt.OneLine(o.APIVersion), end.Gone), endHint(o, end, "write the API version that has taken its place"))
	case end.Deprecated != "":
		report("deprecated-api", pass.ByDefault(rule.Info), fmt.Sprintf("%s is of %s, which %s", o, excerpt.OneLine(o.APIVersion), end.Deprecated), endHint(o, end, "write the API version that takes its place"))
	}
}

// endHint is what to do about an object of an API version that ends.
func endHint(o helmchart.Object, end kubeapi.End, replaced string) string {
	switch {
	case end.Replaced:
		return replaced
	case o.Kind == "PodSecurityPolicy":
		return "take it out, and the rights to use it: nothing takes its place (labels of a namespace ask for Pod Security Standards now)"
	}
	return "take it out: nothing takes its place"
}

// badName says why Kubernetes does not take the name of an object, kind by kind
// as rules.validateMetadataNameFunc does.
func badName(o helmchart.Object) error {
	if o.Generated || strings.HasSuffix(o.Kind, "List") {
		return nil
	}
	if o.Name == "" {
		return fmt.Errorf("%s has no name", o.Kind)
	}
	form, faults := "lower-case letters, digits, '-' and '.', with a letter or digit at both ends", validation.NameIsDNSSubdomain(o.Name, false)
	switch o.Kind {
	case "Service":
		form, faults = "lower-case letters, digits and '-', with a letter in front and no '-' at the end, at most 63", validation.NameIsDNS1035Label(o.Name, false)
	case "Namespace":
		form, faults = "lower-case letters, digits and '-', with a letter or digit at both ends, at most 63", validation.NameIsDNSLabel(o.Name, false)
	case "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding":
		form, faults = "neither / nor %", nil
		if o.Name == "." || o.Name == ".." || strings.ContainsAny(o.Name, "/%") {
			faults = []string{form}
		}
	case "CertificateSigningRequest":
		return nil
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s has a name that Kubernetes does not take: such names have %s", o, form)
	}
	return nil
}
