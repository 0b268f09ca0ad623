package lint

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/strvals"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// TestConditionsAgainstHelm: the rule conditions has an error exactly where a shell or
// Helm refuses the command line that KubeSphere makes of a condition.
func TestConditionsAgainstHelm(t *testing.T) {
	soak.Long(t)
	for condition, want := range map[string]string{
		"agent.enabled": "", "agent.enabled,global.agent": "", "agent": "subchart", "web": "subchart", "agent.deep": "subchart", "web.agent": "", "agent.deep.enabled": "",
		"a.b, c.d": "blank", "a.b ,c.d": "blank", " a.b": "blank", "a.b ": "blank", "a b": "blank", "a.b,\tc": "blank", ",": "empty-path", "a.b,": "empty-path", ",a.b": "empty-path", ".a": "empty-path",
		"a..b": "refused", "a.b,a": "", "a,a.b": "refused", "a.": "refused", "a-b.c_d": "", "a/b.c": "", "a[0].b": "",
		"a.$(echo)": "special-character", "a'b": "special-character", "a&b": "special-character", "a(b)": "special-character", "a.b;c": "special-character", `a\.b`: "special-character",
	} {
		metadata := replaced(goodMetadata, "tags: [extension]", fmt.Sprintf("tags: [extension]\n  - name: agent\n    tags: [agent]\n    condition: %q", condition))
		files := with(goodFiles(), "extension.yaml", metadata, "charts/agent/Chart.yaml", "apiVersion: v2\nname: agent\nversion: 0.1.0\n",
			"charts/agent/charts/deep/Chart.yaml", "apiVersion: v2\nname: deep\nversion: 0.1.0\n")
		got := strings.Join(told(check(t, files, "conditions")), "\n")
		severity := "error"
		if want == "empty-path" {
			severity = "warning"
		}
		if want == "" && got != "" || want != "" && !strings.HasPrefix(got, severity+" conditions ") {
			t.Errorf("%q: %q", condition, got)
		}
		var sets []string
		for _, path := range strings.Split(condition, ",") { // as KubeSphere does
			sets = append(sets, path+"=false")
		}
		words, err := exec.Command("/bin/sh", "-c", "printf '%s\\n' --set tags.extension=true,tags.agent=false,"+strings.Join(sets, ",")).Output()
		arguments := strings.Split(strings.TrimSuffix(string(words), "\n"), "\n")
		fails := err != nil || len(arguments) != 2 || !strings.HasSuffix(arguments[1], strings.Join(sets, ","))
		if !fails {
			values, err := strvals.Parse(arguments[1])
			if err == nil {
				c, loadErr := load(t, files).Chart()
				if loadErr != nil {
					t.Fatal(loadErr)
				}
				err = chartutil.ProcessDependenciesWithMerge(c, values)
			}
			fails = err != nil
		}
		if fails != strings.HasPrefix(got, "error") {
			t.Errorf("%q: a command line fails: %v; lint: %q", condition, fails, got)
		}
	}
}
