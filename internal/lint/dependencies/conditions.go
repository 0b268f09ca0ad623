package dependencies

import (
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/strvals"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Conditions is the rule conditions.
func Conditions() rule.Rule {
	return rule.Rule{
		Name:    "conditions",
		Summary: "the condition of a subchart survives the command line on which KubeSphere puts it",
		Why: "KubeSphere switches off what belongs to the other installation: it cuts the `condition` of each subchart tagged " +
			"`agent` (on the chosen clusters: `extension`) at its commas and puts every part on a command line as it is, " +
			"`helm upgrade … --set tags.extension=true,tags.agent=false,web.enabled=false`, which a shell runs. A blank after a comma " +
			"makes two words of it, and Helm gets an argument that it does not know; so do characters that mean something to a shell. " +
			"Helm refuses a path with an empty step, two paths of which one leads into the other, and `false` in place of " +
			"the values of a subchart. Each time the extension cannot be installed, and `helm template` shows nothing of it.",
		Fix: "Write paths into the values with full stops between their steps and commas between paths, without any blank:\n\n" +
			"dependencies:\n  - name: collector\n    tags: [agent]\n    condition: collector.enabled,global.collector.enabled",
		Source: "`getOverrides` and `conditions` of KubeSphere 4.1.3, https://github.com/kubesphere/kubesphere/blob/v4.1.3/pkg/controller/core/installplan_controller.go, " +
			"and its executor, https://github.com/kubesphere/kubesphere/blob/v4.1.3/staging/src/kubesphere.io/utils/helm/executor.go; Helm 3 on --set (pkg/strvals) and on values of subcharts (pkg/chartutil).",
		Codes: []rule.Code{
			{Name: "blank", Meaning: "a condition that KubeSphere sets has a blank"},
			{Name: "special-character", Meaning: "a condition that KubeSphere sets has a character that means something to a shell"},
			{Name: "refused", Meaning: "Helm refuses a condition that KubeSphere sets, for an empty step or another condition that leads through it"},
			{Name: "subchart", Meaning: "KubeSphere sets a condition to false where Helm wants the values of a subchart"},
			{Name: "empty-path", Meaning: "a condition has an empty path, which does nothing"},
		},
		Default: rule.Error,
		Uses:    rule.Chart,
		Run:     checkConditions,
	}
}

// executorOn is one installation as far as its command line goes.
type executorOn struct {
	tag     string // whose subcharts it switches off
	cluster string
	sets    string // what comes before the conditions
}

// executors are the installations that KubeSphere makes of an extension.
func executors(pass *rule.Pass) []executorOn {
	list := []executorOn{{helmchart.TagAgent, "the host cluster", "tags.extension=true,tags.agent=false,global.portal.url=x"}}
	if pass.Field("installationMode") == helmchart.Multicluster {
		list = append(list, executorOn{helmchart.TagExtension, "chosen clusters", "tags.agent=true,tags.extension=false"})
	}
	return list
}

// isSetByKubeSphere reports whether the condition of a dependency gets on a command line.
func isSetByKubeSphere(pass *rule.Pass, tags []string) bool {
	return slices.ContainsFunc(executors(pass), func(e executorOn) bool { return slices.Contains(tags, e.tag) })
}

// shellCharacters end a word, expand, or take something else for what follows; in a shell
// that runs them without quotes.
const shellCharacters = "`$&|;<>()'\"\\"

func checkConditions(pass *rule.Pass) {
	reported := map[string]bool{}
	for _, executor := range executors(pass) {
		values, err := strvals.Parse(executor.sets)
		if err != nil {
			panic(err)
		}
		for _, dependency := range pass.Entries("dependencies") {
			condition := dependency.Text("condition")
			if condition == "" || !slices.Contains(dependency.Texts("tags"), executor.tag) {
				continue
			}
			found, message, hint := conditionFault(pass, condition, values)
			if found == "" || reported[found+strings.Join(dependency.Pointer, "/")] {
				continue
			}
			reported[found+strings.Join(dependency.Pointer, "/")] = true
			severity := pass.Severity()
			if found == "empty-path" {
				severity = pass.AtMost(rule.Warning)
			} else {
				message += fmt.Sprintf(": the extension cannot be installed on %s", executor.cluster)
			}
			name := dependency.Text("name")
			pass.ProblemAs(rule.Found(found, name, condition), severity, pass.Ext.Document.Problem(
				fmt.Sprintf("the condition %q of the dependency %q %s", excerpt.OneLine(condition), excerpt.OneLine(name), message), hint, dependency.At("condition")...))
		}
	}
	for _, dependency := range pass.Entries("dependencies") {
		if condition := dependency.Text("condition"); strings.ContainsAny(strings.TrimSpace(condition), blanks) && !isSetByKubeSphere(pass, dependency.Texts("tags")) {
			unsetBlank(pass, dependency, condition)
		}
	}
}

// unsetBlank reports a blank in a condition that KubeSphere does not set as things are: Helm
// looks for a value with the blank in its name, and with another tag or installation mode
// the extension cannot be installed. So it is the same mistake.
func unsetBlank(pass *rule.Pass, dependency rule.Entry, condition string) {
	name := dependency.Text("name")
	pass.Problem(rule.Found("blank", name, condition), pass.Ext.Document.Problem(
		fmt.Sprintf("the condition %q of the dependency %q has a blank, which Helm takes for a part of the name of a value; where KubeSphere sets the condition, the extension cannot be installed",
			excerpt.OneLine(condition), excerpt.OneLine(name)),
		fmt.Sprintf("write it without blanks: %q", withoutBlanks(condition)), dependency.At("condition")...))
}

// blanks end a word on a command line.
const blanks = " \t\r\n\v\f"

func withoutBlanks(condition string) string { return strings.Join(strings.Fields(condition), "") }

// conditionFault says what a condition does on the command line, whose values so far are
// given, and become those with the condition.
func conditionFault(pass *rule.Pass, condition string, values map[string]any) (found, message, hint string) {
	paths := strings.Split(condition, ",") // as KubeSphere does
	plain := strings.Join(slices.DeleteFunc(trimmed(paths), func(path string) bool { return path == "" }), ",")
	if strings.ContainsAny(condition, blanks) {
		where := "a blank"
		if condition != strings.TrimSpace(condition) {
			where = "a blank at its beginning or end"
		}
		return "blank", "has " + where + ", and KubeSphere puts it on a command line, where the blank ends a word", fmt.Sprintf("write it without blanks: %q", plain)
	}
	if i := strings.IndexAny(condition, shellCharacters); i >= 0 {
		return "special-character", fmt.Sprintf("has the character %s, which means something else to the shell that KubeSphere gives it to", condition[i:i+1]), "use keys of letters, digits, hyphens and underscores"
	}
	for _, path := range paths {
		if path == "" {
			continue
		}
		if err := strvals.ParseInto(path+"=false", values); err != nil {
			why := "for an empty step in it"
			if !strings.Contains(path, "..") && !strings.HasSuffix(path, ".") {
				why = "because another condition that is set, too, leads through the same path"
			}
			return "refused", fmt.Sprintf("is refused by Helm, %s, when KubeSphere sets %s=false", why, excerpt.OneLine(path)), "let each condition be a path of its own, such as NAME.enabled"
		}
		if subchart := subchartAt(pass, path); subchart != "" {
			return "subchart", fmt.Sprintf("is where the values of the subchart %s are, and Helm refuses the false that KubeSphere sets there", excerpt.OneLine(subchart)), fmt.Sprintf("let it name a value in them: %s.enabled", excerpt.OneLine(path))
		}
	}
	if slices.ContainsFunc(paths, func(path string) bool { return path == "" || strings.HasPrefix(path, ".") }) {
		if plain == "" {
			return "empty-path", "names nothing", "write a path into the values, such as NAME.enabled, or take it out"
		}
		return "empty-path", "has an empty path or step at the beginning of one, which names nothing", "write paths with commas between them and without a full stop in front"
	}
	return "", "", ""
}

// subchartAt is the name of the subchart whose values stand at a path; empty where there
// is none.
func subchartAt(pass *rule.Pass, path string) string {
	loaded := pass.Chart()
	if loaded == nil {
		return ""
	}
	return subchartBelow(loaded.Root, path)
}

func subchartBelow(c *chart.Chart, path string) string {
	first, rest, deeper := strings.Cut(path, ".")
	for _, child := range c.Dependencies() {
		if !slices.Contains(namesOf(c, child), first) {
			continue
		}
		if !deeper {
			return first
		}
		if found := subchartBelow(child, rest); found != "" {
			return found
		}
	}
	return ""
}
