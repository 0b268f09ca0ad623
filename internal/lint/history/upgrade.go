package history

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/footprint"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/upgrade"
)

// Upgrade is the rule upgrade.
func Upgrade() rule.Rule {
	return rule.Rule{
		Name:    "upgrade",
		Summary: "clusters that have the version before can go over to this one",
		Why: "An extension is tried on an empty cluster, and installed on one that has the version before. There Kubernetes refuses to change " +
			"some fields, such as the selector of a Deployment or the template of a Job, and the upgrade fails in the middle. An API " +
			"definition that is gone takes all objects of it along. Values that users have set under a key that is gone mean nothing any more, " +
			"without a word. What goes from the host cluster to the chosen ones, or has another name, is deleted and made anew, without its state.\n\n" +
			"What breaks is an error as long as the version says less than it is: the least version that is honest is the next major " +
			"one, or before 1.0.0 the next minor one. With such a version it is a warning. Values that are gone are a warning, and " +
			"none with such a version. Hooks are made apart from a release, and what has helm.sh/resource-policy: keep is not deleted: both are looked at as such.\n\n" +
			"The rule is run where it is known what was before: with --since, and in a run against the highest version in the Helm repository. Both versions are rendered " +
			"with their own values; what Helm makes up at each rendering is not compared.",
		Fix: "Keep what cannot change, or give the new object another name, and say in the CHANGELOG what administrators have to do. A Job " +
			"is done once, so it needs a name for each version:\n\n" +
			"metadata:\n  name: {{ .Release.Name }}-migrate-{{ .Chart.Version | replace \".\" \"-\" }}",
		Source: "The validation of updates in Kubernetes 1.33, pkg/apis/apps, batch, core, rbac, storage, networking, scheduling and node " +
			"(https://github.com/kubernetes/kubernetes/tree/v1.33.0/pkg/apis); Kubernetes documentation, StatefulSets and Jobs " +
			"(https://kubernetes.io/docs/concepts/workloads/controllers/) and Versions in CustomResourceDefinitions " +
			"(https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/); Helm 3 documentation, " +
			"Custom Resource Definitions (https://helm.sh/docs/chart_best_practices/custom_resource_definitions/); Semantic Versioning 2.0.0, items 4 and 8 (https://semver.org/spec/v2.0.0.html).",
		Codes: []rule.Code{
			{Name: upgrade.ImmutableField, Meaning: "a field is another one that Kubernetes does not let change"},
			{Name: upgrade.DefinitionRemoved, Meaning: "an API definition is gone"},
			{Name: upgrade.VersionNotServed, Meaning: "a version of an API is no longer served"},
			{Name: upgrade.DefinitionChanged, Meaning: "an API definition has another group, scope or name"},
			{Name: upgrade.ValueRemoved, Meaning: "a key of values is gone"},
			{Name: upgrade.ValueType, Meaning: "the default of a value has another type"},
			{Name: upgrade.Moved, Meaning: "an object goes from the host cluster to the chosen ones, or back"},
			{Name: upgrade.Renamed, Meaning: "an object has another name"},
			{Name: upgrade.DataRemoved, Meaning: "an object with data is gone"},
			{Name: upgrade.NamespaceChanged, Meaning: "the extension is installed in another namespace"},
			{Name: "not-compared", Meaning: "the version before cannot be rendered"},
		},
		Default:  rule.Error,
		Needs:    rule.Rendering,
		Compares: true,
		Run:      checkUpgrade,
	}
}

func checkUpgrade(pass *rule.Pass) {
	was := pass.Earlier()
	if was.Files == nil {
		return
	}
	before, err := footprintOf(pass, was)
	if err != nil {
		if pass.Ctx.Err() == nil {
			pass.ProblemAs(rule.Found("not-compared", was.Of), pass.AtMost(rule.Info), pass.Ext.Document.Problem(
				fmt.Sprintf("%s cannot be rendered, so that the upgrade from it is not looked at: %s", was.Of, excerpt.OneLine(err.Error())), "compare with a version that can be rendered", "version"))
		}
		return
	}
	now, err := footprint.Of(pass.Ctx, pass.Ext)
	if err != nil {
		return // other rules say so
	}
	known := map[string]bool{}
	for _, p := range upgrade.Problems(before, now) {
		key := p.Code + "\x00" + strings.Join(subjectOf(p), "\x00")
		if !known[key] { // else it is the same on host and agent
			known[key] = true
			reportUpgrade(pass, was.Of, before.Version, p, rule.Found(p.Code, subjectOf(p)...))
		}
	}
}

// footprintOf is that of what the extension was before.
func footprintOf(pass *rule.Pass, was *rule.Earlier) (*footprint.Footprint, error) {
	content := extension.Content{Display: was.Of, Limits: pass.Ext.Limits}
	for _, f := range was.Files {
		if f.Name == extension.ChartFile {
			content.FoundChart = f.Data
			continue
		}
		content.Files = append(content.Files, f)
	}
	ext, err := extension.FromContent(content)
	if err != nil {
		return nil, err
	}
	return footprint.Of(pass.Ctx, ext)
}

// subjectOf is what a problem is known by: it stays when its words change.
func subjectOf(p upgrade.Problem) []string {
	var names []string
	if p.Object != nil {
		names = []string{p.Object.Kind, p.Object.Name}
	}
	if p.Subject != "" {
		names = append(names, p.Subject)
	}
	return names
}

// reportUpgrade reports a problem at what makes the object now.
func reportUpgrade(pass *rule.Pass, since, version string, p upgrade.Problem, id rule.Identity) {
	least := upgrade.LeastVersion(version, p.Weight)
	honest := least == "" || upgrade.IsHonest(pass.Ext.Metadata.Version, least)
	severity := pass.Severity()
	switch {
	case p.Weight < upgrade.Breaking && honest:
		return
	case p.Weight == upgrade.Minor:
		severity = pass.AtMost(rule.Info)
	case p.Weight == upgrade.Lossy || honest:
		severity = pass.ByDefault(rule.Warning)
	}
	message := fmt.Sprintf("since %s %s", since, inOneLine(p.Message))
	if tag, ok := strings.CutPrefix(since, "the tag "); ok {
		message = fmt.Sprintf("since the tag %s %s", tag, inOneLine(p.Message))
	}
	hint := p.Hint
	if !honest {
		message += fmt.Sprintf("; the least version that says so is %s", least)
	}
	if p.Object == nil {
		if pass.File("values.yaml") != nil && p.Code != upgrade.NamespaceChanged {
			pass.Report(id, severity, rule.Finding{File: "values.yaml", Message: message, Hint: hint})
			return
		}
	} else if source, line, ok := placeOf(pass, *p.Object); ok {
		pass.InSourceAs(id, severity, source, line, message, hint)
		return
	}
	pass.ProblemAs(id, severity, pass.Ext.Document.Problem(message, hint, "version"))
}

// inOneLine is a message with names of others in it, which are quoted for the most part.
func inOneLine(message string) string {
	const most = 400
	message = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, message)
	if runes := []rune(message); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return message
}

// placeOf is where an object is made; ok is false where nothing makes it any more.
func placeOf(pass *rule.Pass, of footprint.Object) (source helmchart.Source, line int, ok bool) {
	for _, installed := range pass.Installations() {
		for _, o := range slices.Concat(installed.Objects, installed.CRDs()) {
			o.Each(func(o helmchart.Object) {
				if !ok && o.Kind == of.Kind && o.Name == of.Name && o.Template == of.Template && strings.HasPrefix(of.APIVersion, strings.SplitN(o.APIVersion, "/", 2)[0]) {
					source, line = installed.ObjectPlace(o)
					ok = true
				}
			})
		}
	}
	return source, line, ok
}
