package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
)

// TestProblemFolds: on a terminal, messages and hints are folded between words and
// set in; places and code stay whole.
func TestProblemFolds(t *testing.T) {
	long := diagnostic.Diagnostic{
		File: "extensions/web/charts/web/templates/deployment.yaml", Range: diagnostic.At(3, 7),
		Message: `warning: Deployment "web" does not obey global.nodeSelector (node-selector)`,
		Excerpt: "   3 | kind: Deployment",
		Hint:    "in the pod spec, in place of the nodeSelector that is there:\nnodeSelector: {{- toYaml (merge (dict) (.Values.nodeSelector | default dict)) | nindent 8 }}",
	}
	for _, test := range []struct {
		name    string
		problem diagnostic.Diagnostic
		columns int
		want    string
	}{
		{"no terminal", long, 0, long.Error()},
		{"wide enough for all", long, 200, long.Error()},
		{"a narrow terminal", long, 44, `extensions/web/charts/web/templates/deployment.yaml:3:7:
    warning: Deployment "web" does not obey
    global.nodeSelector (node-selector)
   3 | kind: Deployment
  → in the pod spec, in place of the
    nodeSelector that is there:
    nodeSelector: {{- toYaml (merge (dict) (.Values.nodeSelector | default dict)) | nindent 8 }}`},
		{"an excerpt that is too wide", diagnostic.Diagnostic{Message: "no", Excerpt: "   3 | kind: Deployment of something\n     |       ^^^^^^^^^^"}, 24, "no\n   3 | kind: Deployment…\n     |       ^^^^^^^^^^"},
		{"none that can be read", long, 10, "extensions/web/charts/web/templates/deployment.yaml:3:7:\n    " + long.Message + "\n" + long.Excerpt +
			"\n  → " + strings.ReplaceAll(long.Hint, "\n", "\n    ")},
		{"no place, wide characters", diagnostic.Diagnostic{Message: "扩展组件 没有 说明文件 也 没有 图标"}, 24 + 4, "扩展组件 没有 说明文件\n    也 没有 图标"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Problem(test.problem, test.columns).String()); diff != "" {
				t.Errorf("got (-want +got):\n%s", diff)
			}
		})
	}
}
