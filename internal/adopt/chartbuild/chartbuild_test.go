package chartbuild

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
)

// workflowOf is a workflow whose jobs are the scripts.
func workflowOf(scripts ...string) string {
	text := "on: push\njobs:\n"
	for i, script := range scripts {
		text += fmt.Sprintf("  j%d:\n    steps:\n      - run: |\n          %s\n", i, strings.ReplaceAll(script, "\n", "\n          "))
	}
	return text
}

func found(t *testing.T, there []string, workflows ...string) string {
	t.Helper()
	var files []*cifile.File
	for i, text := range workflows {
		files = append(files, cifile.Read(fmt.Sprintf(".github/workflows/%d.yml", i), cifile.GitHub, []byte(text)))
	}
	var all []string
	for _, b := range Find(files, []string{"charts/x-kse", "charts/y-kse"}, func(pattern string) bool { return slices.Contains(there, pattern) }) {
		all = append(all, b.Extension+": "+strings.Join(b.Before, "; ")+" | "+strings.Join(b.After, "; "))
	}
	return strings.Join(all, "\n")
}

const (
	build = "helm dependency build charts/x\nhelm package charts/x\nmv x-*.tgz charts/x-kse/charts/"
	clean = "rm charts/x-kse/charts/x-*.tgz"
	whole = build + "\nksbuilder package charts/x-kse\n" + clean
	hooks = "charts/x-kse: helm dependency build charts/x; helm package charts/x; mv x-*.tgz charts/x-kse/charts/ | rm charts/x-kse/charts/x-*.tgz"
	ofY   = "helm package charts/y\nmv y-*.tgz charts/y-kse/charts\nksbuilder push charts/y-kse\nrm charts/y-kse/charts/y-*.tgz"
)

// Plain commands around the packing of an extension are found, wherever they stand in a job.
func TestPlainBuildsAreFound(t *testing.T) {
	for name, c := range map[string]struct{ workflow, want string }{
		"lines":          {workflowOf(whole), hooks},
		"one line":       {workflowOf(strings.ReplaceAll(whole, "\n", "; ")), hooks},
		"&&":             {workflowOf(strings.ReplaceAll(whole, "\n", " && ")), hooks},
		"options":        {workflowOf("set -euo pipefail\necho building\n" + whole), hooks},
		"in two jobs":    {workflowOf(whole, whole), hooks},
		"without rm":     {workflowOf(whole, build+"\nksbuilder lint charts/x-kse"), hooks},
		"several steps":  {"jobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      - uses: azure/setup-helm@v4\n      - run: " + strings.ReplaceAll(build, "\n", " && ") + "\n      - run: ksbuilder package charts/x-kse\n      - if: always()\n        run: " + clean + "\n", hooks},
		"two extensions": {workflowOf(whole + "\n" + ofY), hooks + "\ncharts/y-kse: helm package charts/y; mv y-*.tgz charts/y-kse/charts | rm charts/y-kse/charts/y-*.tgz"},
		"into charts":    {workflowOf("helm package charts/x -d ./charts/x-kse/charts\nksbuilder push charts/x-kse"), "charts/x-kse: helm package charts/x -d ./charts/x-kse/charts | "},
		"pull":           {workflowOf("helm pull x --repo https://charts.example --version '1.2.3' --untar --untardir charts/x-kse/charts\nksbuilder push charts/x-kse"), "charts/x-kse: helm pull x --repo https://charts.example --version '1.2.3' --untar --untardir charts/x-kse/charts | "},
		"cp and tar":     {workflowOf("mkdir -p charts/x-kse/charts\ntar -xzf x.tgz -C charts/x-kse/charts\nksbuilder push charts/x-kse\nrm -r charts/x-kse/charts/x"), "charts/x-kse: mkdir -p charts/x-kse/charts; tar -xzf x.tgz -C charts/x-kse/charts | rm -r charts/x-kse/charts/x"},
	} {
		if got := found(t, nil, c.workflow); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// What is computed, depends on what is not known, or would change what is there is left alone.
func TestOtherBuildsAreLeft(t *testing.T) {
	in := func(fields string) string {
		return strings.ReplaceAll(workflowOf(whole), "      - run:", "      - "+fields+"\n        run:")
	}
	for name, workflow := range map[string]string{
		"a loop":                workflowOf("for c in x; do\n" + whole + "\ndone"),
		"a variable":            workflowOf(strings.ReplaceAll(whole, "charts/x\n", "charts/$NAME\n")),
		"an expression":         workflowOf(strings.ReplaceAll(whole, "package charts/x\n", "package charts/x --version ${{ github.ref_name }}\n")),
		"a condition":           workflowOf("if true; then\n" + whole + "\nfi"),
		"a failure ignored":     workflowOf(strings.Replace(whole, "charts/x\n", "charts/x || true\n", 1)),
		"a pipe":                workflowOf(strings.Replace(whole, "charts/x\n", "charts/x | tee log\n", 1)),
		"a redirection":         workflowOf(strings.Replace(whole, "charts/x\n", "charts/x >log\n", 1)),
		"in the background":     workflowOf(strings.Replace(whole, "charts/x\n", "charts/x &\n", 1)),
		"sudo":                  workflowOf("sudo " + whole),
		"an assignment":         workflowOf("HELM_CACHE_HOME=a " + whole),
		"another folder":        workflowOf("cd a\n" + whole),
		"a function":            workflowOf("f() {\n" + whole + "\n}\nf"),
		"what is unknown":       workflowOf("make charts\n" + whole),
		"sed":                   workflowOf("sed -i s/a/b/ charts/x/values.yaml\n" + whole),
		"a submodule":           workflowOf("git submodule update --init\n" + whole),
		"a login":               workflowOf("helm registry login a -u b -p c\n" + whole),
		"a password":            workflowOf("helm pull x --repo https://a --username u --password p -d charts/x-kse/charts"),
		"an address with one":   workflowOf("helm pull https://a:b@c/x.tgz -d charts/x-kse/charts"),
		"outside":               workflowOf("mv ../x.tgz charts/x-kse/charts/"),
		"an absolute path":      workflowOf("mv /tmp/x.tgz charts/x-kse/charts/"),
		"working-directory":     in("working-directory: a"),
		"a computed condition":  in("if: inputs.charts"),
		"an action of others":   in("uses: evil/action@v1\n      - name: b"),
		"a secret":              in("env: {A: '${{ secrets.A }}'}"),
		"helm by its variables": in("env: {HELM_DRIVER: a}"),
		"another shell":         in("shell: pwsh"),
		"defaults":              strings.Replace(workflowOf(whole), "on: push", "on: push\ndefaults: {run: {working-directory: a}}", 1),
		"a matrix":              strings.Replace(workflowOf(whole), "    steps:", "    strategy: {matrix: {a: [1, 2]}}\n    steps:", 1),
		"two ways":              workflowOf(whole, strings.ReplaceAll(whole, "helm package charts/x", "helm package charts/x --version 2.0.0")),
		"rm of something else":  workflowOf(build + "\nksbuilder package charts/x-kse\nrm \"$A\" charts/x-kse/charts/x-*.tgz"),
		"another extension":     workflowOf("mv x.tgz charts/z-kse/charts/"),
		"its own dependencies":  workflowOf("helm dependency build charts/x-kse\nhelm package charts/x-kse -d dist"),
		"the extension itself":  workflowOf("helm package charts/x\nrm -rf charts/x-kse"),
		"a name with spaces":    workflowOf("mv 'x  1.tgz' charts/x-kse/charts/"),
		"a control character":   workflowOf("mv 'x\a.tgz' charts/x-kse/charts/"),
	} {
		if got := found(t, nil, workflow); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := found(t, []string{"charts/x-kse/charts/x-*.tgz"}, workflowOf(whole)); got != "" {
		t.Errorf("what is there would be removed: %s", got)
	}
	if got := found(t, nil, workflowOf(whole), workflowOf(strings.ReplaceAll(ofY, "mv y-*", "mv *"))); got != "" {
		t.Errorf("builds that go through the same files: %s", got)
	}
	other := cifile.Read(".gitlab-ci.yml", cifile.GitLab, []byte("a:\n  script:\n    - "+strings.ReplaceAll(whole, "\n", "\n    - ")+"\n"))
	if got := Find([]*cifile.File{other}, []string{"charts/x-kse"}, func(string) bool { return false }); len(got) > 0 {
		t.Errorf("%+v", got[0])
	}
}
