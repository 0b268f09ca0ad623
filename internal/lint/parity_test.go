package lint

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart/workload"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

// ksbuilderProblem is a line of `ksbuilder lint` v0.4.5.
type ksbuilderProblem struct {
	Rule      string // of ours
	Image     string
	File      string // with the names of charts, not of folders
	Kind      string
	Container string
}

var (
	ksbuilderImage    = regexp.MustCompile(`^WARNING: image (\S+) has not found$`)
	ksbuilderNoImages = regexp.MustCompile(`^WARNING: extension \S+ has no images$`)
	ksbuilderError    = regexp.MustCompile(`^ERROR: global\.(\w+) doesn't work in`)
	ksbuilderFile     = regexp.MustCompile(`^  File "([^"]+)":`)
	ksbuilderNeutral  = regexp.MustCompile(`^(?:#+ lint by (?:helm|kubesphere) #+|==> Linting \S+|1 chart\(s\) linted, 0 chart\(s\) failed|Info: lint (?:name|images|global\.imageRegistry|global\.nodeSelector)|)$`)
	ksbuilderResource = regexp.MustCompile(`^    Resource: \{kind: (\w+), name: \S* \}(?: InitContainer: \[ (.*?) ?\] Container: \[ (.*?) ?\])?$`)
)

// readKsbuilder reads its output. Each container of a line is a problem.
func readKsbuilder(t *testing.T, file string) []ksbuilderProblem {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var problems []ksbuilderProblem
	rule, template := "", ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case ksbuilderImage.MatchString(line):
			problems = append(problems, ksbuilderProblem{Rule: "images", Image: ksbuilderImage.FindStringSubmatch(line)[1]})
		case ksbuilderNoImages.MatchString(line):
			problems = append(problems, ksbuilderProblem{Rule: "images"})
		case ksbuilderError.MatchString(line):
			rule = map[string]string{"imageRegistry": "image-registry", "nodeSelector": "node-selector"}[ksbuilderError.FindStringSubmatch(line)[1]]
		case ksbuilderFile.MatchString(line):
			template = ksbuilderFile.FindStringSubmatch(line)[1]
		case ksbuilderResource.MatchString(line):
			m := ksbuilderResource.FindStringSubmatch(line)
			problem := ksbuilderProblem{Rule: rule, File: template, Kind: m[1]}
			containers := strings.Fields(m[2] + " " + m[3])
			if len(containers) == 0 {
				problems = append(problems, problem)
			}
			for _, c := range containers {
				problem.Container = c
				problems = append(problems, problem)
			}
		case !ksbuilderNeutral.MatchString(line):
			t.Errorf("%s: a line that this test does not understand: %q", file, line)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return problems
}

// TestParityLeavesNoneOut: there is a package for each recorded output, and an
// output for each package.
func TestParityLeavesNoneOut(t *testing.T) {
	recorded, err := filepath.Glob(filepath.Join(testshared.Path(t, "reference/ksbuilder-lint"), "*"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range recorded {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".txt"))
	}
	if diff := cmp.Diff(names, rule.SortedKeys(corpus(t))); diff != "" {
		t.Errorf("packages (-recorded +in the corpus):\n%s", diff)
	}
}

// TestParityWithKsbuilder: every problem that ksbuilder tells of a real package
// is told here. ksbuilder renders under the name "undefined", so that names of
// objects differ; they are compared by kind and number.
func TestParityWithKsbuilder(t *testing.T) {
	soak.Long(t)
	for name, ext := range corpus(t) {
		t.Run(name, func(t *testing.T) {
			output := testshared.Path(t, "reference/ksbuilder-lint/"+name+".txt")
			findings := seen(Examine(context.Background(), ext, Options{}).Findings)
			folders := foldersOf(t, ext)
			problems := readKsbuilder(t, output)
			if len(problems) == 0 {
				t.Fatal("ksbuilder tells nothing of this package: the test proves nothing")
			}
			for _, p := range problems {
				if !harmless(t, ext, p) && !takeFinding(&findings, p, folders) {
					t.Errorf("not told: %+v", p)
				}
			}
		})
	}
}

// harmless are the problems of ksbuilder that nobody has to do something about: a DaemonSet
// runs on every node, what is there for `helm test` never runs, and an image may be listed
// that is in use once something is switched on (which of these are left, the cases of the
// rule images say).
func harmless(t *testing.T, ext *extension.Extension, p ksbuilderProblem) bool {
	t.Helper()
	if p.Rule == "node-selector" && p.Kind == "DaemonSet" {
		return true
	}
	if p.Rule == "images" && p.File == "" && p.Image != "" {
		return true
	}
	if p.File == "" || p.Kind != "Pod" {
		return false
	}
	marked, err := rule.NewMaterial(context.Background(), ext).RenderMarked()
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(marked.Workloads, func(w workload.Workload) bool {
		return w.Template == p.File && w.Kind == p.Kind && w.Test
	})
}

// foldersOf maps the paths of templates by the names of charts to those of
// files.
func foldersOf(t *testing.T, ext *extension.Extension) map[string]string {
	t.Helper()
	m := rule.NewMaterial(context.Background(), ext)
	marked, err := m.RenderMarked()
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{}
	for template, at := range marked.Sources {
		folders[template] = at.File
	}
	return folders
}

// takeFinding removes the finding that tells a problem; each tells one.
func takeFinding(findings *[]Finding, p ksbuilderProblem, folders map[string]string) bool {
	i := slices.IndexFunc(*findings, func(f Finding) bool {
		if f.Rule() != p.Rule {
			return false
		}
		switch {
		case p.File != "":
			return folders[p.File] != "" && f.File == folders[p.File] &&
				strings.Contains(f.Message, p.Kind+" \"") &&
				(p.Container == "" || strings.Contains(f.Message, fmt.Sprintf("container %q of", p.Container)))
		case p.Image != "":
			return strings.HasPrefix(f.Message, "the image "+p.Image+" is listed, and")
		default:
			return strings.HasPrefix(f.Message, "extension.yaml lists no images")
		}
	})
	if i < 0 {
		return false
	}
	*findings = slices.Delete(*findings, i, i+1)
	return true
}
