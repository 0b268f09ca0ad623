package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestPatternsAreCompiledWhenUsed: the patterns of packages are made by internal/lazyregexp. Each
// one that package regexp compiles there makes the start of every command slower.
func TestPatternsAreCompiledWhenUsed(t *testing.T) {
	root := os.DirFS(moduleRoot(t))
	looked := 0
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() && (name != "." && strings.HasPrefix(base, ".") || base == "testdata" || slices.Contains(aids, name)) {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(base) != ".go" || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		looked++
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, name, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, at := range compiledAtStart(parsed) {
			t.Errorf("%s compiles a pattern when the program starts: make it by lazyregexp.New", files.Position(at))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if looked < 500 {
		t.Errorf("only %d files were looked at", looked)
	}
}

// compiledAtStart is where the variables of a package call regexp, functions aside.
func compiledAtStart(file *ast.File) []token.Pos {
	var at []token.Pos
	for _, d := range file.Decls {
		general, ok := d.(*ast.GenDecl)
		if !ok || general.Tok != token.VAR {
			continue
		}
		ast.Inspect(general, func(n ast.Node) bool {
			if _, ok := n.(*ast.FuncLit); ok {
				return false
			}
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if called, ok := call.Fun.(*ast.SelectorExpr); ok {
				if of, ok := called.X.(*ast.Ident); ok && of.Name == "regexp" && strings.Contains(called.Sel.Name, "Compile") {
					at = append(at, call.Pos())
				}
			}
			return true
		})
	}
	return at
}

func TestCompiledAtStartIsFound(t *testing.T) {
	const source = `package p
var a, b = regexp.MustCompile("a"), lazyregexp.New("b")
var list = []rule{{"x", regexp.MustCompilePOSIX("c")}}
var later = func() *regexp.Regexp { return regexp.MustCompile("d") }
func f() { _ = regexp.MustCompile("e") }
`
	parsed, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(compiledAtStart(parsed)); got != 2 {
		t.Errorf("%d patterns were found, want 2", got)
	}
}
