package dependencies

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Dependencies is the rule dependencies.
func Dependencies() rule.Rule {
	return rule.Rule{
		Name:    "dependencies",
		Summary: "each subchart under charts/ is declared, and what switches it on and off is there",
		Why: "Helm takes every chart under charts/, declared or not. One that is not among the `dependencies` has no tag and no " +
			"condition: nobody can switch it off, and in `Multicluster` KubeSphere installs it on the host cluster and on every " +
			"chosen one.\n\n" +
			"A `condition` is a path into the values, or several with commas between them, of which the first with a value counts. " +
			"Where none has a value, or one that is not true or false, Helm passes over it and the subchart stays on. `enabled` " +
			"has no effect at all. Tags are switched by `tags` in the values, but KubeSphere sets `tags.extension` and " +
			"`tags.agent` itself.",
		Fix: "Declare the subchart, and give the values what its condition names:\n\n" +
			"# extension.yaml\ndependencies:\n  - name: web\n    condition: web.enabled\n\n" +
			"and in values.yaml:\n\n" +
			"web:\n  enabled: true",
		Source: "Helm 3: `ProcessDependencies` of its package chartutil; `getOverrides` of KubeSphere 4 (pkg/controller/core/installplan_controller.go). What is declared and not there is reported by the rule `chart`.",
		Codes: []rule.Code{
			{Name: "undeclared", Meaning: "a subchart is not among the dependencies"},
			{Name: "same-name", Meaning: "two subcharts have one name"},
			{Name: "enabled-without-effect", Meaning: "enabled: false has no effect"},
			{Name: "condition-with-blank", Meaning: "a condition has a blank next to a comma"},
			{Name: "condition-not-boolean", Meaning: "the value of a condition is not true or false"},
			{Name: "condition-without-value", Meaning: "a condition names no value"},
			{Name: "tags-not-a-mapping", Meaning: "tags in values.yaml is no mapping"},
			{Name: "tag-not-boolean", Meaning: "the value of a tag is not true or false"},
			{Name: "tag-set-by-kubesphere", Meaning: "a tag is switched off that KubeSphere sets"},
			{Name: "unused-tag", Meaning: "no dependency has a tag that is set"},
			{Name: "tag-without-effect", Meaning: "a tag is switched off without effect"},
			{Name: "tag-off", Meaning: "a tag is off, and subcharts with it"},
		},
		Default:  rule.Warning,
		Needs:    rule.Chart,
		LeavesTo: []string{"chart", "conditions", "schema"},
		Run:      checkDependencies,
	}
}

func checkDependencies(pass *rule.Pass) {
	loaded := pass.Chart()
	undeclared(pass, loaded)
	sameNames(pass, loaded)
	for _, dependency := range pass.Entries("dependencies") {
		deadSwitch(pass, dependency)
		condition(pass, loaded.Root, dependency)
	}
	tagValues(pass, loaded.Root)
}

// undeclared reports the subcharts that extension.yaml does not name.
func undeclared(pass *rule.Pass, loaded *helmchart.Chart) {
	for _, child := range loaded.Root.Dependencies() {
		folder := folderOf(pass, loaded, child)
		if isDeclared(pass, child, folder) {
			continue
		}
		name := excerpt.OneLine(child.Name())
		message := fmt.Sprintf("the subchart %q in %s is not among the dependencies: Helm installs it all the same, and nothing can switch it off", name, folder)
		hint := fmt.Sprintf("add it to dependencies:\n- name: %s", name)
		if pass.Field("installationMode") == helmchart.Multicluster {
			message += fmt.Sprintf("; in %s it goes to the host cluster and to every chosen one", helmchart.Multicluster)
			hint += fmt.Sprintf("\n  tags: [%s]", helmchart.TagExtension)
		}
		pass.Problem(rule.Found("undeclared", child.Name(), folder), pass.Ext.Document.ProblemAtKey(message, hint, "dependencies"))
	}
}

// isDeclared reports whether a subchart is among the dependencies. One that is
// probably meant by a dependency that is not there, or has no name, counts: the
// rules chart and schema report those, and it is the same mistake.
func isDeclared(pass *rule.Pass, child *chart.Chart, folder string) bool {
	for _, dependency := range pass.Entries("dependencies") {
		name := dependency.Text("name")
		if name == child.Name() || name == "" && pass.IsOn("schema") {
			return true
		}
	}
	if !pass.IsOn("chart") {
		return false
	}
	for _, dependency := range pass.Entries("dependencies") {
		name := dependency.Text("name")
		if name == "" || helmchart.ChildNamed(child.Parent(), name) != nil {
			continue
		}
		if _, near := yamldoc.Nearest(name, []string{child.Name()}); near || folder == "charts/"+name {
			return true
		}
	}
	return false
}

// folderOf is the folder or package of a subchart, as a message names it.
func folderOf(pass *rule.Pass, loaded *helmchart.Chart, child *chart.Chart) string {
	at, ok := loaded.Places.Of(child)
	switch {
	case !ok:
		return "charts"
	case at.Archive != "":
		return at.Archive
	}
	return at.Dir
}

// sameNames reports subcharts that are one and the same to Helm.
func sameNames(pass *rule.Pass, loaded *helmchart.Chart) {
	if loaded.EnabledErr != nil {
		return
	}
	folders := map[string][]string{}
	for _, child := range loaded.Enabled.Dependencies() {
		folders[child.Name()] = append(folders[child.Name()], folderOf(pass, loaded, child))
	}
	for _, name := range rule.SortedKeys(folders) {
		// Helm loads subcharts in any order.
		distinct := slices.Compact(slices.Sorted(slices.Values(folders[name])))
		if len(distinct) < 2 {
			continue
		}
		pass.Problem(rule.Found("same-name", name), pass.Ext.Document.ProblemAtKey(
			fmt.Sprintf("%s hold charts with one name, %q: Helm takes their templates and values for those of one chart", strings.Join(distinct, " and "), excerpt.OneLine(name)),
			"rename all but one of them in its Chart.yaml, or give it an alias and a version among the dependencies", "dependencies"))
	}
}

// deadSwitch reports `enabled: false`, which looks as if it did something.
func deadSwitch(pass *rule.Pass, dependency rule.Entry) {
	if dependency.Fields["enabled"] != false {
		return
	}
	pass.Problem(rule.Found("enabled-without-effect", dependency.Text("name")), pass.Ext.Document.Problem(
		fmt.Sprintf("enabled: false has no effect on the dependency %q: Helm switches it on before it looks at conditions and tags", excerpt.OneLine(dependency.Text("name"))),
		"use a condition that is false in values.yaml, or take the dependency out", dependency.At("enabled")...))
}

// condition looks up what the condition of a dependency names.
func condition(pass *rule.Pass, root *chart.Chart, dependency rule.Entry) {
	condition := strings.TrimSpace(dependency.Text("condition"))
	if condition == "" {
		return
	}
	report := func(found, path, message, hint string) {
		pass.Problem(rule.Found(found, dependency.Text("name"), path), pass.Ext.Document.Problem(message, hint, dependency.At("condition")...))
	}
	of := fmt.Sprintf("of the dependency %q", excerpt.OneLine(dependency.Text("name")))
	paths := helmchart.ConditionPaths(condition)
	isSet := pass.IsOn("conditions") && isSetByKubeSphere(pass, dependency.Texts("tags"))
	for _, path := range paths {
		if path != strings.TrimSpace(path) {
			if pass.IsOn("conditions") {
				return
			}
			report("condition-with-blank", path, fmt.Sprintf("the condition %s has a blank next to a comma, and Helm looks for a value of the name %q", of, excerpt.OneLine(path)),
				fmt.Sprintf("write it as %q", strings.Join(trimmed(paths), ",")))
			return
		}
	}
	for _, path := range paths {
		value, ok := valueAt(root, path)
		if !ok {
			continue
		}
		if values, isMapping := value.(map[string]any); isMapping {
			if isSet && subchartAt(pass, path) != "" {
				return
			}
			hint := "let it name a value that is true or false"
			if _, isSwitch := values["enabled"].(bool); isSwitch {
				hint = fmt.Sprintf("did you mean %q?", excerpt.OneLine(path)+".enabled")
			}
			report("condition-not-boolean", path, fmt.Sprintf("the condition %q %s is %s in values.yaml: Helm passes over what is not true or false", excerpt.OneLine(path), of, shownValue(value)), hint)
		} else if _, isSwitch := value.(bool); !isSwitch {
			report("condition-not-boolean", path, fmt.Sprintf("the condition %q %s is %s in values.yaml: Helm passes over what is not true or false", excerpt.OneLine(path), of, shownValue(value)),
				fmt.Sprintf("write %s as true or false, without quotes", excerpt.OneLine(path)))
		}
		return
	}
	missingCondition(root, dependency, paths, of, report)
}

func missingCondition(root *chart.Chart, dependency rule.Entry, paths []string, of string, report func(found, path, message, hint string)) {
	message := fmt.Sprintf("the condition %q %s names no value in values.yaml: Helm passes over it, and the subchart stays on", excerpt.OneLine(paths[0]), of)
	if len(paths) > 1 {
		message = fmt.Sprintf("none of the conditions %s %s names a value in values.yaml: Helm passes over them, and the subchart stays on", quotedWords(paths), of)
	}
	hint := "add it to values.yaml:\n" + excerpt.OneLine(paths[0]) + ": true"
	if steps := strings.Split(paths[0], "."); len(steps) > 1 {
		hint = "add it to values.yaml:\n" + nestedSwitch(steps)
	}
	if near, ok := yamldoc.Nearest(paths[0], switchesOf(root, dependency, paths[0])); ok {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	report("condition-without-value", paths[0], message, hint)
}

// valueAt looks a path up as Helm does before it decides on dependencies: in the
// values of the chart, then in those of the subchart under whose name or alias
// the path leads. Helm has not applied the aliases of deeper charts by then.
func valueAt(root *chart.Chart, path string) (any, bool) {
	if value, ok := ownValue(root, path); ok {
		return value, true
	}
	name, below, found := strings.Cut(path, ".")
	if !found {
		return nil, false
	}
	for _, child := range root.Dependencies() {
		if !slices.Contains(namesOf(root, child), name) {
			continue
		}
		if value, ok := valueBelow(child, below); ok {
			return value, true
		}
	}
	return nil, false
}

func valueBelow(c *chart.Chart, path string) (any, bool) {
	if value, ok := ownValue(c, path); ok {
		return value, true
	}
	name, below, found := strings.Cut(path, ".")
	if child := helmchart.ChildNamed(c, name); found && child != nil {
		return valueBelow(child, below)
	}
	return nil, false
}

func ownValue(c *chart.Chart, path string) (any, bool) {
	value, err := chartutil.Values(c.Values).PathValue(path)
	return value, err == nil
}

// namesOf are the names under which a chart has a subchart: its own, or those
// that dependencies give it.
func namesOf(c, child *chart.Chart) []string {
	var names []string
	for _, d := range c.Metadata.Dependencies {
		if d == nil || d.Name != child.Name() || !chartutil.IsCompatibleRange(d.Version, child.Metadata.Version) {
			continue
		}
		names = append(names, cmp.Or(d.Alias, d.Name))
	}
	if names == nil {
		return []string{child.Name()}
	}
	return names
}

// What is looked through for what a condition may have meant.
const (
	maxSwitches    = 1000
	maxSwitchDepth = 4
)

// switchesOf are the values that a condition may have meant: true or false, of the same
// subchart, and on the same step. Any other would switch the subchart by what is
// not meant to: a feature of it, or the switch of another one.
func switchesOf(root *chart.Chart, dependency rule.Entry, path string) []string {
	var own []string
	name := cmp.Or(dependency.Text("alias"), dependency.Text("name"))
	if values, ok := root.Values[name].(map[string]any); ok {
		own = switchesIn(values, name+".", own)
	}
	for _, child := range root.Dependencies() {
		if child.Name() == dependency.Text("name") {
			own = switchesIn(child.Values, name+".", own)
		}
	}
	steps := strings.Split(path, ".")
	return slices.DeleteFunc(own, func(candidate string) bool {
		others := strings.Split(candidate, ".")
		if len(others) != len(steps) {
			return true
		}
		differ := 0
		for i := range others {
			if others[i] != steps[i] {
				differ++
			}
		}
		last := len(steps) - 1
		return differ > 1 || strings.Contains(others[last], "isable") != strings.Contains(steps[last], "isable")
	})
}

// switchesIn adds the paths of all values that are true or false to list.
func switchesIn(values map[string]any, prefix string, list []string) []string {
	for _, key := range rule.SortedKeys(values) {
		if len(list) >= maxSwitches {
			return list
		}
		switch value := values[key].(type) {
		case bool:
			list = append(list, prefix+key)
		case map[string]any:
			if strings.Count(prefix, ".") < maxSwitchDepth {
				list = switchesIn(value, prefix+key+".", list)
			}
		}
	}
	return list
}

// nestedSwitch writes a path as YAML.
func nestedSwitch(steps []string) string {
	var lines []string
	for i, step := range steps {
		line := strings.Repeat("  ", i) + excerpt.OneLine(step) + ":"
		if i == len(steps)-1 {
			line += " true"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// tagValues looks at the tags that values.yaml sets.
func tagValues(pass *rule.Pass, root *chart.Chart) {
	value, there := root.Values["tags"]
	if !there || value == nil {
		return
	}
	tags, isMapping := value.(map[string]any)
	if !isMapping {
		atValue(pass, rule.Found("tags-not-a-mapping"), "tags in values.yaml is not a mapping of tags to true or false: Helm passes over it", "write it as\ntags:\n  NAME: true", rule.Warning, "tags")
		return
	}
	subcharts := taggedSubcharts(pass)
	for _, tag := range rule.SortedKeys(tags) {
		tagValue(pass, tag, tags, subcharts)
	}
}

func tagValue(pass *rule.Pass, tag string, tags map[string]any, subcharts []taggedSubchart) {
	on, isSwitch := tags[tag].(bool)
	shown := excerpt.OneLine(tag)
	switch {
	case !isSwitch:
		atValue(pass, rule.Found("tag-not-boolean", "tags."+tag), fmt.Sprintf("tags.%s is %s: Helm passes over what is not true or false", shown, shownValue(tags[tag])), "write true or false, without quotes", rule.Warning, "tags", tag)
	case tag == helmchart.TagExtension || tag == helmchart.TagAgent:
		if !on {
			atValue(pass, rule.Found("tag-set-by-kubesphere", "tags."+tag), fmt.Sprintf("tags.%s is switched off here, but KubeSphere sets it whenever it installs the extension", shown),
				"remove the line: it changes only what `helm template` shows", rule.Warning, "tags", tag)
		}
	case !slices.ContainsFunc(subcharts, func(c taggedSubchart) bool { return c.Has(tag) }):
		unusedTag(pass, tag, subcharts)
	case !on:
		tagOff(pass, tag, tags, subcharts)
	}
}

func unusedTag(pass *rule.Pass, tag string, subcharts []taggedSubchart) {
	hint := "remove the line, or give the tag to a dependency in extension.yaml"
	var known []string
	for _, c := range subcharts {
		known = append(known, c.Tags...)
	}
	if near, ok := yamldoc.Nearest(tag, known); ok {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	atValue(pass, rule.Found("unused-tag", tag), fmt.Sprintf("no dependency has the tag %q that is set here", excerpt.OneLine(tag)), hint, rule.Warning, "tags", tag)
}

// tagOff reports a tag of the extension's own that is off. That may be meant, and
// works, where no other tag of the subchart is on.
func tagOff(pass *rule.Pass, tag string, tags map[string]any, subcharts []taggedSubchart) {
	var out []string
	for _, c := range subcharts {
		other := slices.ContainsFunc(c.Tags, func(t string) bool { return t == helmchart.TagExtension || t == helmchart.TagAgent || tags[t] == true })
		if c.Has(tag) && !other {
			out = append(out, c.Name)
		}
	}
	if len(out) == 0 {
		atValue(pass, rule.Found("tag-without-effect", "tags."+tag), fmt.Sprintf("tags.%s is switched off here without effect: all that have the tag have another one that is on, which is enough for Helm", excerpt.OneLine(tag)),
			"remove the line, or use a condition to switch them off", rule.Warning, "tags", tag)
		return
	}
	atValue(pass, rule.Found("tag-off", "tags."+tag), fmt.Sprintf("tags.%s is switched off here, so that %s is not installed unless users switch it on", excerpt.OneLine(tag), quotedWords(out)),
		"write true if it belongs to the extension", rule.Info, "tags", tag)
}

// atValue reports something about a value of values.yaml, where that can be read
// with its places.
func atValue(pass *rule.Pass, m rule.Identity, message, hint string, severity rule.Severity, pointer ...string) {
	file := "values.yaml"
	doc, err := yamldoc.Parse(file, pass.File("values.yaml"))
	if err != nil {
		pass.Report(m, pass.AtMost(severity), rule.Finding{File: file, Message: message, Hint: hint})
		return
	}
	pass.ProblemAs(m, pass.AtMost(severity), doc.Problem(message, hint, pointer...))
}

// shownValue is a value as a message shows it.
func shownValue(value any) string {
	switch v := value.(type) {
	case nil:
		return "empty"
	case string:
		return fmt.Sprintf("the text %q", excerpt.OneLine(v))
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	}
	return excerpt.OneLine(rule.PlainScalar(value))
}

func quotedWords(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = fmt.Sprintf("%q", excerpt.OneLine(word))
	}
	return strings.Join(quoted, ", ")
}

func trimmed(words []string) []string {
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = strings.TrimSpace(word)
	}
	return list
}
