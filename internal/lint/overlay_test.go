package lint

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMarkersReachWhatOthersChange: a template without pods may change values for
// those after it.
func TestMarkersReachWhatOthersChange(t *testing.T) {
	files := with(goodFiles(), "charts/web/templates/settings.yaml", `{{- $_ := set .Values "registry" .Values.global.imageRegistry }}`,
		"charts/web/templates/deployment.yaml", replaced(goodDeployment, ".Values.global.imageRegistry", ".Values.registry"))
	if got := told(check(t, files, onRendering...)); got != nil {
		t.Errorf("findings: %v", got)
	}
	files["charts/web/templates/_settings.tpl"] = `{{ define "settings" }}` + files["charts/web/templates/settings.yaml"] + `{{ end }}`
	files["charts/web/templates/settings.yaml"] = `{{ include "settings" . }}`
	if got := told(check(t, files, onRendering...)); got != nil {
		t.Errorf("findings with a helper: %v", got)
	}
}

// TestOddNamesOfTemplates: blanks and colons in a name keep nothing from being told.
func TestOddNamesOfTemplates(t *testing.T) {
	const asks = "# {{ .Values.a.b }}"
	got := told(check(t, with(goodFiles(), "charts/web/templates/my file.yaml", asks, "charts/web/templates/z.yaml", "\n"+asks), "render"))
	want := []string{
		`error render ext/charts/web/templates/my file.yaml:1:13: the template does not render: b is asked of a value that is not set, in {{ .Values.a.b }}`,
		`error render ext/charts/web/templates/z.yaml:2:13: the template does not render: b is asked of a value that is not set, in {{ .Values.a.b }}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
