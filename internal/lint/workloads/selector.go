package workloads

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/workload"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// NodeSelector is the rule node-selector.
func NodeSelector() rule.Rule {
	return rule.Rule{
		Name:    "node-selector",
		Summary: "every workload that is no DaemonSet obeys global.nodeSelector, and quotes its values",
		Why: "Administrators of KubeSphere set global.nodeSelector to keep extensions on certain nodes. A workload that " +
			"does not pass it on runs anywhere.\n\n" +
			"A DaemonSet is there to run on every node, and what only `helm test` makes never runs: neither has to obey.\n\n" +
			"KubeSphere sets the values as `helm --set` does: true and 1 arrive as a truth value and a number. `toYaml` quotes nothing but texts, so it writes " +
			"them as they are, and Kubernetes takes texts alone in a node selector: it refuses the workload, and the installation fails. So a " +
			"template has to quote each value, also that of a DaemonSet that obeys.\n\n" +
			"Against one thing no template helps: a key with dots, such as `node-role.kubernetes.io/worker`, arrives as mappings within each other, " +
			"and every workload that takes it is refused. Where users ask for one, name a label without dots to them.",
		Fix: "Give the pod spec a nodeSelector that takes in .Values.global.nodeSelector, each value in quotes:\n\n" +
			nodeSelectorExample,
		Source: "The extension development guide of KubeSphere on global values; `ksbuilder lint` v0.4.5 (lint global.nodeSelector); KubeSphere 4.1.3, " +
			"getOverrides of pkg/controller/core/installplan_controller.go " +
			"(https://github.com/kubesphere/kubesphere/blob/v4.1.3/pkg/controller/core/installplan_controller.go); " +
			"https://helm.sh/docs/intro/using_helm/#the-format-and-limitations-of---set.",
		Codes: []rule.Code{
			{Name: "not-obeyed", Meaning: "a workload runs anywhere whatever the value is"},
			{Name: "not-quoted", Meaning: "a workload takes in the values, and does not quote them"},
		},
		Default: rule.Warning,
		Needs:   rule.MarkedRendering,
		Run:     checkNodeSelector,
	}
}

const nodeSelectorExample = "{{- with .Values.global.nodeSelector }}\nnodeSelector:\n  {{- range $key, $value := . }}\n  {{ $key }}: {{ $value | quote }}\n  {{- end }}\n{{- end }}"

// nodeSelectorHint is the hint in one line of code, for findings of which there
// tend to be many. Where the template has a node selector of its own, it takes in that, for
// there can be but one.
func nodeSelectorHint(w workload.Workload, at helmchart.Source) string {
	where := "in the pod spec:"
	from := selectorOf(at)
	if from != globalNodeSelector {
		where = "in the pod spec, in place of the nodeSelector that is there:"
	}
	return where + "\n" + quotedSelector(w, from)
}

// selectorOf is the expression for what a template has to take in: the global value, and
// its own where it has one.
func selectorOf(at helmchart.Source) string {
	for rest := at.Text; ; {
		i := strings.Index(rest, "odeSelector") // the pattern takes long over a whole template
		if i < 0 {
			return globalNodeSelector
		}
		end := i + len("odeSelector")
		line := rest[strings.LastIndexByte(rest[:i], '\n')+1 : end]
		rest = rest[end:]
		if rest != "" && isWordByte(rest[0]) {
			continue
		}
		if own := ownNodeSelector.FindString(line); own != "" && own != globalNodeSelector {
			return fmt.Sprintf("merge (dict) (%s | default dict) (%s | default dict)", own, globalNodeSelector)
		}
	}
}

const globalNodeSelector = ".Values.global.nodeSelector"

// quotedSelector is the nodeSelector of a pod spec as a line of a template, with all values
// of an expression in quotes.
func quotedSelector(w workload.Workload, from string) string {
	indent := 8 // in the pod spec of a template
	switch w.Kind {
	case "Pod":
		indent = 4
	case "CronJob":
		indent = 12
	}
	return fmt.Sprintf(`nodeSelector: {{- range $k, $v := %s }}{{ quote $v | printf "%%s: %%s" $k | nindent %d }}{{ end }}`, from, indent)
}

// ownNodeSelector is, at the end of a text, a value from which a chart takes node selectors.
var ownNodeSelector = lazyregexp.New(`\.Values(?:\.\w+)*\.[nN]odeSelector$`)

func isWordByte(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

func checkNodeSelector(pass *rule.Pass) {
	marked := pass.MarkedRendering()
	var unquoted []workload.Workload
	for _, w := range marked.Workloads {
		if w.Test {
			continue
		}
		if slices.ContainsFunc(w.Pods, takesTruth) {
			unquoted = append(unquoted, w)
		}
		if w.Kind == "DaemonSet" || !slices.ContainsFunc(w.Pods, func(p workload.Pod) bool { return !placedByMarker(p) }) {
			continue
		}
		at, line := marked.Place(w)
		pass.InSource(rule.Found("not-obeyed", w.Kind, w.Name), at, line, fmt.Sprintf("%s does not obey global.nodeSelector", w), nodeSelectorHint(w, at))
	}
	reportUnquoted(pass, marked, unquoted)
}

// reportUnquoted reports the workloads that do not quote the values, all in one finding:
// charts write their node selectors in one way, and so have one mistake.
func reportUnquoted(pass *rule.Pass, marked *helmchart.Rendering, unquoted []workload.Workload) {
	if len(unquoted) == 0 {
		return
	}
	w := unquoted[0]
	who, does, them := w.String(), "does", "it"
	if others := len(unquoted) - 1; others > 0 {
		who, does, them = fmt.Sprintf("%s and %d more", who, others), "do", "them"
	}
	at, line := marked.Place(w)
	if line > 0 {
		line = selectorLine(at.Text, line)
	}
	pass.InSource(rule.Found("not-quoted"), at, line,
		fmt.Sprintf("%s %s not quote the values of global.nodeSelector: where an administrator sets one to true or 1, Kubernetes refuses %s, and the installation fails", who, does, them),
		"quote each value, which toYaml does not do with a truth value or a number:\n"+quotedSelector(w, selectorOf(at)))
}

// selectorLine is the first line of a template, from that where a workload begins, that
// speaks of a node selector; else the one where it begins. Lines count from 1.
func selectorLine(template string, begin int) int {
	n := 0
	for line := range strings.Lines(template) {
		if n++; n >= begin && strings.Contains(line, "odeSelector") {
			return n
		}
	}
	return begin
}

// takesTruth reports whether the marker that is a truth value shows up as one in what
// places a pod.
func takesTruth(p workload.Pod) bool {
	return slices.ContainsFunc(p.Placement, hasTruth)
}

// isText reports whether decoded values are texts.
func isText(values ...any) bool {
	return !slices.ContainsFunc(values, func(value any) bool { _, ok := value.(string); return !ok })
}

// hasTruth looks for the marker in a node selector, and in the expressions of an affinity,
// which name the key next to a list of values.
func hasTruth(value any) bool {
	switch v := value.(type) {
	case []any:
		return slices.ContainsFunc(v, hasTruth)
	case map[string]any:
		if value, ok := v[rule.MarkerTruthKey]; ok && !isText(value) {
			return true
		}
		if values, ok := v["values"].([]any); ok && v["key"] == rule.MarkerTruthKey && !isText(values...) {
			return true
		}
		for _, element := range v {
			if hasTruth(element) {
				return true
			}
		}
	}
	return false
}

// placedByMarker reports whether the marker node selector shows up in what
// places a pod: its nodeSelector or, for charts that turn one into the other,
// its affinity.
func placedByMarker(p workload.Pod) bool {
	for _, placement := range p.Placement {
		if holds(placement, rule.MarkerSelectorKey) {
			return true
		}
	}
	return false
}

// holds reports whether a key or a text of a decoded value is wanted.
func holds(value any, wanted string) bool {
	switch v := value.(type) {
	case string:
		return v == wanted
	case []any:
		for _, element := range v {
			if holds(element, wanted) {
				return true
			}
		}
	case map[string]any:
		for key, element := range v {
			if key == wanted || holds(element, wanted) {
				return true
			}
		}
	}
	return false
}
