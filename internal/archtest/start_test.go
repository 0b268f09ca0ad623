package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// TestPatternsAreCompiledWhenUsed: the patterns of packages are made by internal/lazyregexp. Each
// one that package regexp compiles there makes the start of every command slower.
func TestPatternsAreCompiledWhenUsed(t *testing.T) {
	for _, f := range programFiles(t) {
		for _, at := range compiledAtStart(f.syntax) {
			t.Errorf("%s compiles a pattern when the program starts: make it by lazyregexp.New", f.set.Position(at))
		}
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

// TestCacheOfTheUserIsHandedIn: only main knows the cache folder of the user. So whoever makes an
// app.App in a test has nothing of what other programs have kept, unless it says so.
func TestCacheOfTheUserIsHandedIn(t *testing.T) {
	handedIn := false
	for _, f := range programFiles(t) {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch selector, ok := n.(*ast.SelectorExpr); {
			case !ok || selector.Sel.Name != "UserCacheDir":
			case f.name == wiring:
				handedIn = true
			default:
				t.Errorf("%s asks for the cache folder of the user: take that of app.App", f.set.Position(selector.Pos()))
			}
			return true
		})
	}
	if !handedIn {
		t.Error("main hands none in: this tests nothing")
	}
}
