package archtest

import (
	"go/ast"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// No package of the program has more lines than this, tests aside, and no type more methods.
const (
	mostLines   = 3000
	mostMethods = 45
)

// TestSizes holds packages and types to a size that one can know one's way around in.
func TestSizes(t *testing.T) {
	lines, methods := map[string]int{}, map[string]int{}
	for _, f := range programFiles(t) {
		if strings.HasPrefix(string(f.source), "// Code generated ") { // a table, which nobody reads
			continue
		}
		lines[f.folder()] += strings.Count(string(f.source), "\n")
		for _, d := range f.syntax.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Recv != nil {
				methods[f.folder()+"."+receiver(d.Recv.List[0].Type)]++
			}
		}
	}
	if len(lines) < 20 || len(methods) < 100 {
		t.Errorf("%d packages and %d types: the test looks in the wrong place", len(lines), len(methods))
	}
	for folder, n := range lines {
		if n > mostLines {
			t.Errorf("%s has %d lines, of %d at most: split it", folder, n, mostLines)
		}
	}
	for name, n := range methods {
		if n > mostMethods {
			t.Errorf("%s has %d methods, of %d at most: give parts of it types of their own", name, n, mostMethods)
		}
	}
}

// receiver is the name of the type of a receiver.
func receiver(of ast.Expr) string {
	switch of := of.(type) {
	case *ast.StarExpr:
		return receiver(of.X)
	case *ast.IndexExpr:
		return receiver(of.X)
	case *ast.IndexListExpr:
		return receiver(of.X)
	case *ast.Ident:
		return of.Name
	}
	return ""
}

// row is a package of the table in docs/design.md that has a row of its own.
var row = regexp.MustCompile(`(?m)^\| ([\w/]+) \| [^|]+ \| ([^|;]+) \|$`)

// TestTheDocumentHasTheTable: what docs/design.md says of imports is what the list here says.
func TestTheDocumentHasTheTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, r := range row.FindAllStringSubmatch(string(text), -1) {
		at := slices.IndexFunc(units, func(u unit) bool { return u.path == r[1] })
		if at < 0 {
			continue // of another table
		}
		compared++
		want := slices.Clone(units[at].may)
		var got []string
		switch may := strings.TrimSpace(r[2]); {
		case may == "–", may == "":
		case may == "all":
			got = anyUnit
		default:
			for _, name := range strings.Split(may, ", ") {
				got = append(got, named(units[at], name)...)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("docs/design.md says of %s that it may import %q, and the list %q", r[1], got, want)
		}
	}
	if compared < 25 {
		t.Errorf("%d rows of docs/design.md were found", compared)
	}
}

// named are the packages that the document means by a name in the row of a package: one, in
// full or as it is called in its folder, or what stands below the package.
func named(of unit, name string) []string {
	if name == "the families below" || name == "the packages below" {
		return slices.DeleteFunc(slices.Clone(of.may), func(p string) bool {
			return !strings.HasPrefix(p, of.path+"/") || name == "the families below" && p == of.path+"/rule"
		})
	}
	if next := path.Join(path.Dir(of.path), name); slices.ContainsFunc(units, func(u unit) bool { return u.path == next }) {
		return []string{next}
	}
	return []string{name}
}
