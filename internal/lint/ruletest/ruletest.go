// Package ruletest tests rules of lint by folders, as
// golang.org/x/tools/go/analysis/analysistest tests analyzers.
//
// A folder has the name of the rule, and a folder for each case. A case holds the files
// in which its extension differs from the one in base, which has no fault:
//
//	testdata/images/not-listed/extension.yaml
//	testdata/images/not-listed/charts/web/templates/deployment.yaml
//
// Only that rule runs, so that a case neither knows of other rules nor changes with them.
// What several rules do together is tested in a folder of their names: chart+schema.
//
// # Expectations
//
// What the rule finds is written at the end of the line on which it is found, in YAML, in
// templates and in Markdown:
//
//	home: https:///docs # want :7 warning links/no-host "home … is a web address without a host"
//	image: busybox:1 {{/* want warning images/unlisted "container …" */}}
//	[x](y.md) <!-- want :1 warning readme/no-such-file "the link …" -->
//
// This is column, severity, code and message; one line may have several, one after the
// other. The message is a text of Go, in quotes or backquotes. The comments are taken
// out before the rule sees a file.
//
// The file want in the folder of the case has what cannot be written there: findings
// without a line, in files of the base, and in files without comments. It also has the
// findings whose hint is tested, the lines that are indented:
//
//	static/one.png warning assets/damaged "…"
//	extension.yaml:8:7 error icon/no-image "…"
//	    use a PNG, JPEG, GIF, WebP or SVG file
//
// The file of the extension as a whole is ".". Lines at the top that begin with # are a comment.
//
// All findings have to be expected, and all expectations found. With UPDATE=1 in the
// environment, Run writes what was found in place of the expectations. It renews hints
// where there is one already; "?" is enough.
//
// # Files of a case
//
//   - A folder that is called like a package (charts/redis-1.0.0.tgz) is packed, with the
//     folder in it as the top.
//   - The file without lists files of the base that the extension does not have.
//   - The file want is no part of the extension.
//   - The file since says what the extension was before, for rules that compare: the fields of
//     rule.Earlier, in YAML. The folder earlier has the files in which it differed from the base.
//   - The file registries says what registries say of images, for rules that ask: the fields of
//     rule.Registries, in YAML.
package ruletest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
)

// display is what the extension of a case is called in findings.
const display = "ext"

// RunAll runs all folders of rules in dirs, which are folders called testdata. It passes
// over fuzz, which belongs to the go command.
func RunAll(t *testing.T, dirs ...string) {
	t.Helper()
	var folders []string
	for _, dir := range dirs {
		for _, name := range foldersIn(t, dir) {
			folders = append(folders, filepath.Join(dir, name))
		}
	}
	folders = slices.DeleteFunc(folders, func(folder string) bool { return filepath.Base(folder) == "fuzz" })
	if len(folders) == 0 {
		t.Fatalf("%q has no folder of a rule", dirs)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) { Run(t, folder) })
	}
}

// Run runs the cases of one folder. Its name is that of the rule, or the names of several
// rules with + between them.
func Run(t *testing.T, folder string) {
	t.Helper()
	rules := strings.Split(filepath.Base(folder), "+")
	for _, name := range rules {
		if !slices.ContainsFunc(lint.Rules(), func(r lint.Rule) bool { return r.Name == name }) {
			t.Fatalf("%s: there is no rule %q", folder, name)
		}
	}
	cases := foldersIn(t, folder)
	if len(cases) == 0 {
		t.Fatalf("%s has no cases", folder)
	}
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test, err := readCase(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			ext, err := test.load(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			findings := FindingsKnowing(t.Context(), ext, lint.Options{Earlier: test.earlier, Registries: test.said}, rules...)
			if os.Getenv("UPDATE") != "" {
				if err := test.update(findings); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, problem := range test.problems(findings) {
				t.Error(problem)
			}
		})
	}
}

// Codes are the codes that the cases in dirs expect, each once; dirs are those of RunAll.
// Where the cases pass, each code is found.
func Codes(dirs ...string) (codes []string, err error) {
	var folders []string
	for _, dir := range dirs {
		found, err := filepath.Glob(filepath.Join(dir, "*", "*"))
		if err != nil {
			return nil, err
		}
		folders = append(folders, found...)
	}
	for _, folder := range folders {
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			continue
		}
		test, err := readCase(folder)
		if err != nil {
			return nil, err
		}
		for _, wanted := range test.wanted {
			codes = append(codes, wanted.code)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes), nil
}

// foldersIn are the names of the folders in a folder.
func foldersIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names
}

// Findings are what rules find where no other rule is on.
func Findings(ctx context.Context, ext *extension.Extension, rules ...string) []lint.Finding {
	return FindingsKnowing(ctx, ext, lint.Options{}, rules...)
}

// FindingsSince are Findings where it is known what the extension was before.
func FindingsSince(ctx context.Context, ext *extension.Extension, earlier *lint.Earlier, rules ...string) []lint.Finding {
	return FindingsKnowing(ctx, ext, lint.Options{Earlier: earlier}, rules...)
}

// FindingsKnowing are Findings where more is known (Earlier, Registries).
func FindingsKnowing(ctx context.Context, ext *extension.Extension, known lint.Options, rules ...string) []lint.Finding {
	severities := map[string]lint.Severity{}
	for _, r := range lint.Rules() {
		switch {
		case !slices.Contains(rules, r.Name):
			severities[r.Name] = lint.Off
		case r.Default == lint.Off: // somebody has switched it on
			severities[r.Name] = lint.Warning
		}
	}
	known.Severities = severities
	findings := lint.Examine(ctx, ext, known).Findings
	// A rule that is off is named where others could not look without it.
	return slices.DeleteFunc(findings, func(f lint.Finding) bool { return !slices.Contains(rules, f.Rule()) })
}

// saysAll are the rules whose messages say what to do, so that a hint is not needed.
var saysAll = []string{"name", "version", "schema"}

// wellFormed are the faults that no finding may have.
func wellFormed(findings []lint.Finding) (problems []string) {
	for _, f := range findings {
		if f.Hint == "" && !slices.Contains(saysAll, f.Rule()) {
			problems = append(problems, fmt.Sprintf("no hint: %s", f.Message))
		}
		if strings.Contains(f.Message+f.Hint, "interface {}") || strings.Contains(f.Message, "map[") {
			problems = append(problems, fmt.Sprintf("the name of a Go type: %s", f.Message))
		}
	}
	return problems
}
