package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/upgrade"
)

// TestCodesAreListed holds the codes in the source to the lists of the rules: one that
// is in none would be an internal error for whoever meets it, and one that nothing
// finds would be documented for nobody.
func TestCodesAreListed(t *testing.T) {
	listed, form := map[string]bool{}, regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	for _, r := range Rules() {
		own := map[string]bool{}
		if len(r.Codes) == 0 {
			t.Errorf("%s has no codes", r.Name)
		}
		for _, c := range r.Codes {
			if own[c.Name] || !form.MatchString(c.Name) || c.Meaning == "" || strings.HasSuffix(c.Meaning, ".") {
				t.Errorf("%s lists %+v", r.Name, c)
			}
			own[c.Name], listed[c.Name] = true, true
		}
	}
	found := map[string]bool{"unreadable": true} // of the rule schema; the pipeline tells it
	for _, name := range textsInSource(t) {
		found[name] = true
	}
	for name := range listed {
		if !found[name] {
			t.Errorf("nothing finds %q", name)
		}
	}
	for _, name := range foundInSource(t) {
		if !listed[name] && name != rule.InternalError {
			t.Errorf("no rule lists %q", name)
		}
	}
}

// textsInSource are all texts in the source, without the lists of codes.
func textsInSource(t *testing.T) []string {
	var all []string
	inspect(t, func(n ast.Node) bool {
		if list, ok := n.(*ast.CompositeLit); ok {
			if array, ok := list.Type.(*ast.ArrayType); ok {
				if nameOf(array.Elt) == "Code" {
					return false
				}
			}
		}
		if text, ok := textOf(n); ok {
			all = append(all, text)
		}
		return true
	})
	all = append(all, "invalid-value", "missing-key") // kinds of package yamldoc
	// Those of package upgrade, whose table expects each of them.
	return append(all, upgrade.ImmutableField, upgrade.DefinitionRemoved, upgrade.VersionNotServed, upgrade.DefinitionChanged,
		upgrade.ValueRemoved, upgrade.ValueType, upgrade.Moved, upgrade.Renamed, upgrade.DataRemoved, upgrade.NamespaceChanged)
}

// foundInSource are the codes in calls of rule.Found.
func foundInSource(t *testing.T) []string {
	var all []string
	inspect(t, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if nameOf(call.Fun) == "Found" {
				if text, ok := textOf(call.Args[0]); ok {
					all = append(all, text)
				}
			}
		}
		return true
	})
	if len(all) < 100 {
		t.Fatalf("only %d findings in the source", len(all))
	}
	return all
}

// nameOf is the name that an expression ends with: Code of rule.Code.
func nameOf(n ast.Expr) string {
	switch n := n.(type) {
	case *ast.Ident:
		return n.Name
	case *ast.SelectorExpr:
		return n.Sel.Name
	}
	return ""
}

func textOf(n ast.Node) (string, bool) {
	literal, ok := n.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}

func inspect(t *testing.T, visit func(ast.Node) bool) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	families, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, families...)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, visit)
	}
}

// TestSubjectsHoldNoSecret: what is known by its subject is written into a file that
// is committed.
func TestSubjectsHoldNoSecret(t *testing.T) {
	files := with(goodFiles(), "extension.yaml", goodMetadata+"home: https://me:hunter22@web.company.example/\n",
		"files/token.txt", "ghp_0a9B8c7D6e5F4g3H2i1J0k9L8m7N6o5P4q3R\n")
	seen := 0
	for _, f := range check(t, files, "links", "secrets") {
		if f.Code == "links/password-in-address" || f.Code == "secrets/token" {
			seen++
		}
		if strings.Contains(f.Subject+f.Message, "hunter22") || strings.Contains(f.Subject, "0a9B8c") {
			t.Errorf("%s: %s", f.Code, f.Subject)
		}
	}
	if seen != 2 {
		t.Errorf("%d of two", seen)
	}
}
