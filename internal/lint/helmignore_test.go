package lint

import (
	"slices"
	"strings"
	"testing"
)

// needFiles are the rule helmignore and those that ask for files that may be there.
var needFiles = []string{"schema", "readme", "changelog", "permissions", "helmignore", "chart", "dependencies", "dependency-lock", "values-schema", "render", "helm-lint", "images"}

// A line of .helmignore that leaves out what the extension needs is reported with what it
// leaves out, and no other rule asks to add what is there.
func TestHelmIgnoreThatLeavesOutWhatIsNeeded(t *testing.T) {
	for _, tt := range []struct {
		name, ignore string
		more         []string // changes
		want         string   // the finding; empty is none
	}{
		{"templates", "# ours\ntemplates/\n", nil, `error helmignore ext/.helmignore:2: the pattern "templates/" leaves out what the extension needs: charts/web/templates/deployment.yaml`},
		{"values", "values.yaml\n", nil, `error helmignore ext/.helmignore:1: the pattern "values.yaml" leaves out what the extension needs: `},
		{"charts", "/charts\n", nil, `error helmignore ext/.helmignore:1: the pattern "/charts" leaves out what the extension needs: charts/web/Chart.yaml`},
		{"a subchart", "charts/web/\n", nil, `error helmignore ext/.helmignore:1: the pattern "charts/web/" leaves out what the extension needs: charts/web/Chart.yaml`},
		{"Chart.yaml of a subchart", "Chart.yaml\n", nil, `error helmignore ext/.helmignore:1: the pattern "Chart.yaml" leaves out what the extension needs: charts/web/Chart.yaml`},
		{"the lock", "*.lock\n", []string{"Chart.lock", "dependencies: []\n"}, `warning helmignore ext/.helmignore:1: the pattern "*.lock" leaves out what the extension needs: Chart.lock`},
		{"permissions", "perm*\n", nil, `error helmignore ext/.helmignore:1: the pattern "perm*" leaves out what the extension needs: permissions.yaml`},
		{"texts", "*.md\n", nil, `warning helmignore ext/.helmignore:1: the pattern "*.md" leaves out what the extension needs: CHANGELOG.md, CHANGELOG_zh.md, README.md and 1 more`},
		{"crds", "crds\n", []string{"crds/a.yaml", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.b.c}\n"}, `error helmignore ext/.helmignore:1: the pattern "crds" leaves out what the extension needs: crds/a.yaml`},
		{"the schema of values", "*.schema.json\n", []string{"values.schema.json", "{}"}, `warning helmignore ext/.helmignore:1: the pattern "*.schema.json" leaves out what the extension needs: values.schema.json`},
		{"what a template reads", "files/\n", []string{"charts/web/files/a.txt", "x", "charts/web/templates/b.yaml", "{{/* {{ .Files.Get \"files/a.txt\" }} */}}\n"},
			`warning helmignore ext/.helmignore:1: the pattern "files/" leaves out what the extension needs: charts/web/files/a.txt`},
		{"a pattern with !", "!templates\n", nil, ""}, // does not load, below
		{"what is not needed", "docs/\n*.bak\nnode_modules/\ncharts/*/README.md\n", []string{"docs/a.md", "x", "a.bak", "x", "charts/web/README.md", "x"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := with(goodFiles(), append(tt.more, ".helmignore", tt.ignore)...)
			if strings.HasPrefix(tt.ignore, "!") {
				if _, err := loadQuietly(t, files); err == nil || !strings.Contains(err.Error(), "leaves it out: to Helm a pattern with !") {
					t.Errorf("%v", err)
				}
				return
			}
			all := check(t, files, needFiles...)
			findings := told(all)
			if tt.want == "" && len(findings) > 0 || tt.want != "" && !slices.ContainsFunc(findings, func(f string) bool { return strings.HasPrefix(f, tt.want) }) {
				t.Errorf("findings are\n%s\nwant\n%s", strings.Join(findings, "\n"), tt.want)
			}
			for _, f := range all {
				text := f.Message + f.Hint
				if slices.ContainsFunc([]string{"there is no", "is not there", "give it a Chart.yaml", "take it out of images"}, func(words string) bool { return strings.Contains(text, words) }) {
					t.Errorf("what is there is said not to be, or to be of no use: %s", text)
				}
			}
		})
	}
}
