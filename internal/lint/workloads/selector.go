package workloads

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/workload"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// NodeSelector is the rule node-selector.
func NodeSelector() rule.Rule {
	return rule.Rule{
		Name:    "node-selector",
		Summary: "every workload that is no DaemonSet obeys global.nodeSelector",
		Why: "Administrators of KubeSphere set global.nodeSelector to keep extensions on certain nodes. A workload that " +
			"does not pass it on runs anywhere.\n\n" +
			"A DaemonSet is there to run on every node, and what only `helm test` makes never runs: neither is looked at.",
		Fix: "Give the pod spec a nodeSelector that takes in .Values.global.nodeSelector:\n\n" +
			nodeSelectorExample,
		Source: "The extension development guide of KubeSphere on global values; `ksbuilder lint` v0.4.5 (lint global.nodeSelector).",
		Codes: []rule.Code{
			{Name: "not-obeyed", Meaning: "a workload runs anywhere whatever the value is"},
		},
		Default: rule.Warning,
		Needs:   rule.MarkedRendering,
		Run:     checkNodeSelector,
	}
}

const nodeSelectorExample = "{{- with .Values.global.nodeSelector }}\nnodeSelector:\n  {{- toYaml . | nindent 2 }}\n{{- end }}"

// nodeSelectorHint is the hint in one line of code, for findings of which there
// tend to be many. Where the template has a node selector of its own, it takes in that, for
// there can be but one.
func nodeSelectorHint(w workload.Workload, at helmchart.Source) string {
	indent := 8 // in the pod spec of a template
	switch w.Kind {
	case "Pod":
		indent = 4
	case "CronJob":
		indent = 12
	}
	for _, own := range ownNodeSelector.FindAllString(at.Text, -1) {
		if own != ".Values.global.nodeSelector" {
			return fmt.Sprintf("in the pod spec, in place of the nodeSelector that is there:\nnodeSelector: {{- toYaml (merge (dict) (%s | default dict) (.Values.global.nodeSelector | default dict)) | nindent %d }}", own, indent)
		}
	}
	return fmt.Sprintf("in the pod spec:\nnodeSelector: {{- toYaml .Values.global.nodeSelector | nindent %d }}", indent)
}

// ownNodeSelector is a value from which a chart takes node selectors.
var ownNodeSelector = regexp.MustCompile(`\.Values(?:\.\w+)*\.[nN]odeSelector\b`)

func checkNodeSelector(pass *rule.Pass) {
	marked := pass.MarkedRendering()
	for _, w := range marked.Workloads {
		if w.Test || w.Kind == "DaemonSet" || !slices.ContainsFunc(w.Pods, func(p workload.Pod) bool { return !placedByMarker(p) }) {
			continue
		}
		at, line := marked.Place(w)
		pass.InSource(rule.Found("not-obeyed", w.Kind, w.Name), at, line, fmt.Sprintf("%s does not obey global.nodeSelector", w), nodeSelectorHint(w, at))
	}
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
