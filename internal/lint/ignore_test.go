package lint

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// unlisted is the deployment of goodFiles with an image that extension.yaml does
// not list and that obeys no registry, after some text.
func unlisted(before, behind string) string {
	return strings.Replace(goodDeployment, `          image: {{ .Values.global.imageRegistry | default "docker.io" }}/library/nginx:{{ .Values.tag }}`,
		before+`          image: busybox:1.36`+behind+"\n        - name: second\n"+
			`          image: {{ .Values.global.imageRegistry | default "docker.io" }}/library/nginx:{{ .Values.tag }}`, 1)
}

// unmarked is the deployment without its node selector, which is found on no
// line of the template.
func unmarked(head string) string {
	start := strings.Index(goodDeployment, "      {{- with .Values.global.nodeSelector }}")
	end := strings.Index(goodDeployment, "      containers:")
	return head + strings.Replace(goodDeployment[:start]+goodDeployment[end:], "kind: Deployment", `kind: {{ "Deployment" }}`, 1)
}

// silenced are the rule ignore and those whose findings the comments here silence.
var silenced = []string{"schema", "chart", "render", "images", "image-registry", "node-selector", "ignore"}

const deployment = "charts/web/templates/deployment.yaml"

func TestIgnoreComments(t *testing.T) {
	const unlistedImage = "warning images ext/" + deployment + ":13: container \"web\" of Deployment \"web\" uses docker.io/library/busybox:1.36"
	for _, test := range []struct {
		name     string
		files    map[string]string
		silenced int
		want     []string // beginnings
	}{
		{"nothing", goodFiles(), 0, nil},
		{"at the end of the line", with(goodFiles(), deployment, unlisted("", " # ksrelease:ignore images,image-registry the side-car of the tests")), 2, nil},
		{"above the line", with(goodFiles(), deployment, unlisted("# ksrelease:ignore images, image-registry: the side-car of the tests\n", "")), 2, nil},
		{"above the line, among other comments", with(goodFiles(), deployment, unlisted("  # ksrelease:ignore images tests\n   # more\n   # ksrelease:ignore image-registry tests\n", "")), 2, nil},
		{"a comment of templates", with(goodFiles(), deployment, unlisted("{{/* ksrelease:ignore images,image-registry tests */}}\n", "")), 2, nil},
		{"a comment of templates with trimming, at the end", with(goodFiles(), deployment, unlisted("", "{{- /* ksrelease:ignore images,image-registry tests */}}")), 2, nil},
		{"a comment of templates over several lines", with(goodFiles(), deployment, unlisted("{{- /*\nThe side-car.\n  ksrelease:ignore images,image-registry tests\n*/}}\n", "")), 2, nil},
		{"CRLF", with(goodFiles(), deployment, strings.ReplaceAll(unlisted("# ksrelease:ignore images,image-registry tests\n", ""), "\n", "\r\n")), 2, nil},
		{"one of two rules", with(goodFiles(), deployment, unlisted("", " # ksrelease:ignore image-registry tests")), 1, []string{
			unlistedImage,
		}},
		{"another line", with(goodFiles(), deployment, unlisted("# ksrelease:ignore images,image-registry tests\n\n", "")), 0, []string{
			"info ignore ext/" + deployment + ":13:3: the comment silences no finding of images: it stands above no line",
			"info ignore ext/" + deployment + ":13:3: the comment silences no finding of image-registry: it stands above no line",
			"warning image-registry ext/" + deployment + ":15: ", "warning images ext/" + deployment + ":15: ",
		}},
		{"no reason", with(goodFiles(), deployment, unlisted("", " # ksrelease:ignore images,image-registry --")), 0, []string{
			"warning ignore ext/" + deployment + ":13:33: the comment gives no reason, and silences nothing",
			"warning image-registry ", unlistedImage,
		}},
		{"no rule", with(goodFiles(), "values.yaml", "global: {} # ksrelease:ignore\n"), 0, []string{
			"warning ignore ext/values.yaml:1:14: the comment names no rule",
		}},
		{"a code", with(goodFiles(), deployment, unlisted("# ksrelease:ignore images/unlisted,image-registry/not-obeyed a tool\n", "")), 2, nil},
		{"another code of the rule", with(goodFiles(), deployment, unlisted("# ksrelease:ignore images/unused,image-registry/not-obeyed a tool\n", "")), 1, []string{
			"info ignore ", "warning images ",
		}},
		{"a code that is not", with(goodFiles(), "values.yaml", "global: {} # ksrelease:ignore images/unlistd tests\n"), 0, []string{
			`warning ignore ext/values.yaml:1:14: the rule images has no finding "images/unlistd"`,
		}},
		{"a code of a rule that is not", with(goodFiles(), "values.yaml", "global: {} # ksrelease:ignore imags/unlisted tests\n"), 0, []string{
			`warning ignore ext/values.yaml:1:14: there is no rule "imags"`,
		}},
		{"a rule that is not", with(goodFiles(), "values.yaml", "global: {} # ksrelease:ignore imags tests\n"), 0, []string{
			`warning ignore ext/values.yaml:1:14: there is no rule "imags"`,
		}},
		{"nothing to silence", with(goodFiles(), "values.yaml", "# ksrelease:ignore images tests\nglobal: {}\n"), 0, []string{
			"info ignore ext/values.yaml:1:3: the comment silences nothing: there is no finding of images here",
		}},
		{"nothing to silence on that line", with(goodFiles(), "values.yaml", "global: {}\n# ksrelease:ignore images tests\na: 1\n"), 0, []string{
			"info ignore ext/values.yaml:2:3: the comment silences nothing: line 3 has no finding of images",
		}},
		{"a finding without a line", with(goodFiles(), deployment, unmarked("# ksrelease:ignore node-selector it runs anywhere\n\n")), 1, nil},
		{"a finding without a line, behind the separator", with(goodFiles(), deployment, unmarked("---\n# (c)\n{{- /* ksrelease:ignore node-selector it runs anywhere */}}\n")), 1, nil},
		{"a finding without a line, from below", with(goodFiles(), deployment, unmarked("")+"# ksrelease:ignore node-selector it runs anywhere\n"), 0, []string{
			"warning node-selector ext/" + deployment + ": ", "info ignore ",
		}},
		{"extension.yaml", with(goodFiles(), "extension.yaml", goodMetadata+"note: x # ksrelease:ignore schema ours\n"), 1, nil},
		{"files that take no comments", with(goodFiles(), "extension.yaml", "# ksrelease:ignore node-selector it runs anywhere\n\n"+goodMetadata,
			"charts/web/Chart.yaml", "", "charts/web/values.yaml", "", deployment, "", "charts/web/templates/NOTES.txt", "",
			"charts/web-0.1.0.tgz", packed(t, "web", map[string]string{
				"Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n", "values.yaml": "tag: 1.27.0\n", "templates/deployment.yaml": unmarked(""),
			})), 1, nil},
		{"a word that begins alike", with(goodFiles(), "values.yaml", "# ksrelease:ignored by all\nglobal: {}\n"), 0, nil},
		{"not a comment", with(goodFiles(), "values.yaml", "global: {}\na: x#ksrelease:ignore images tests\nb: '{{/* ksrelease:ignore images tests */}}'\n"), 0, nil},
		{"within a text", with(goodFiles(), "values.yaml", "a: \"x # ksrelease:ignore images tests\"\nb: |\n  # ksrelease:ignore images tests\nc: 'd\n  # ksrelease:ignore images tests\n  e'\nf: >-\n\n  g # ksrelease:ignore images tests\n"), 0, nil},
		{"beside a text", with(goodFiles(), "values.yaml", "b: |\r\n  # ksrelease:ignore images tests\r\n# ksrelease:ignore imags tests\r\nc: \"#\" # ksrelease:ignore imags tests\r\n"), 0, []string{
			`warning ignore ext/values.yaml:3:3: there is no rule "imags"`, `warning ignore ext/values.yaml:4:10: there is no rule "imags"`,
		}},
		{"within a text of a template", with(goodFiles(), "charts/web/templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: |\n    # ksrelease:ignore imags tests\n"), 0, []string{
			`warning ignore ext/charts/web/templates/a.yaml:6:7: there is no rule "imags"`,
		}},
		{"a chart that does not render", with(goodFiles(), deployment, unlisted("# ksrelease:ignore images,image-registry tests\n", "{{ fail `no` }}")), 0, []string{
			"error render ext/" + deployment,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			report := Examine(context.Background(), load(t, test.files), only(silenced...))
			got := told(seen(report.Findings))
			if report.Silenced != test.silenced || len(got) != len(test.want) {
				t.Fatalf("%d silenced, want %d; told:\n%s", report.Silenced, test.silenced, strings.Join(got, "\n"))
			}
			for _, want := range test.want {
				if !containsPrefix(got, want) {
					t.Errorf("not told: %s; but:\n%s", want, strings.Join(got, "\n"))
				}
			}
		})
	}
}

func containsPrefix(lines []string, prefix string) bool {
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// TestIgnoreHasHints: a comment that does nothing is reported with a hint.
func TestIgnoreHasHints(t *testing.T) {
	findings := check(t, with(goodFiles(), "values.yaml", "a: 1 # ksrelease:ignore imags tests\nb: 1 # ksrelease:ignore images\nc: 1 # ksrelease:ignore qqqqq x\n"), "ignore", "images")
	want := []string{
		`did you mean "images"?`,
		"say why behind the rule: " + ignoreExample,
		"the rules are " + strings.Join(ruleNames(), ", "),
	}
	var got []string
	for _, f := range findings {
		got = append(got, f.Hint)
		if f.Excerpt == "" {
			t.Errorf("no excerpt: %+v", f)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestIgnoreOfARuleThatIsOff: what was not run cannot be missed.
func TestIgnoreOfARuleThatIsOff(t *testing.T) {
	ext := load(t, with(goodFiles(), "values.yaml", "global: {} # ksrelease:ignore images tests\n"))
	if got := Examine(context.Background(), ext, only("ignore")).Findings; len(got) != 0 {
		t.Errorf("told: %v", told(got))
	}
	if got := ExamineMetadata(context.Background(), ext, only("ignore", "images")).Findings; len(got) != 0 {
		t.Errorf("told without the chart: %v", told(got))
	}
}

// TestIgnoreIsLast: it looks at what the other rules found.
func TestIgnoreIsLast(t *testing.T) {
	names := ruleNames()
	if last := names[len(names)-1]; last != "ignore" {
		t.Errorf("the last rule is %s", last)
	}
}

// TestIgnoreInTheCurrentFolder: paths of findings are those of comments, however
// the extension is called.
func TestIgnoreInTheCurrentFolder(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, display := range []string{".", "./", "../here", ""} {
		ext, err := loadAt(t, dir, with(goodFiles(), "extension.yaml", goodMetadata+"note: x # ksrelease:ignore schema ours\n",
			deployment, unlisted("# ksrelease:ignore images,image-registry tests\n", "")), extension.Options{Display: display})
		if err != nil {
			t.Fatal(err)
		}
		if report := Examine(context.Background(), ext, only(silenced...)); report.Silenced != 3 || len(report.Findings) != 0 {
			t.Errorf("%q: %d silenced, told: %v", display, report.Silenced, told(report.Findings))
		}
	}
}

// FuzzIgnores: no text makes the reader of comments break down, a comment stands
// where it says, and takes no finding of another line.
func FuzzIgnores(f *testing.F) {
	f.Add("# ksrelease:ignore images why\na: b # ksrelease:ignore x,y, z\n{{/* ksrelease:ignore\n*/}}\r\n", true)
	f.Add("---\n\n#ksrelease:ignore: ,: -\n", false)
	f.Fuzz(func(t *testing.T, text string, template bool) {
		lines := strings.Split(text, "\n")
		for _, ig := range ignoresIn("x.yaml", []byte(text), template) {
			if ig.Line < 1 || ig.Line > len(lines) || !strings.Contains(lines[ig.Line-1], ignoreMark) || ig.Column < 1 {
				t.Fatalf("not there: %+v", ig)
			}
			if ig.Target != 0 && ig.Target < ig.Line {
				t.Fatalf("it silences a line above it: %+v", ig)
			}
			for _, rule := range ig.Names {
				if strings.ContainsAny(rule, " ,\n") || rule == "" {
					t.Fatalf("no name of a rule: %q", rule)
				}
			}
		}
	})
}
