package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// printer is the only package that may write to standard output and standard error;
// wiring is the file that hands it both.
const (
	printer = "internal/output"
	wiring  = "cmd/ksrelease/main.go"
)

// printing are the names of package fmt that print, or write to any file that they get.
var printing = []string{"Print", "Printf", "Println"}

// prints says where a file goes round internal/output: the standard streams of package
// os, what package fmt prints to them, the print of the language, and file numbers.
func prints(fset *token.FileSet, file *ast.File) []string {
	var out []string
	found := func(at token.Pos, what string) {
		out = append(out, fmt.Sprintf("%s uses %s: print with a Stream of %s, which shows texts of others so that nothing obeys them", fset.Position(at), what, printer))
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			from, ok := n.X.(*ast.Ident)
			switch {
			case !ok:
			case from.Name == "os" && (n.Sel.Name == "Stdout" || n.Sel.Name == "Stderr"),
				from.Name == "os" && n.Sel.Name == "NewFile",
				from.Name == "fmt" && slices.Contains(printing, n.Sel.Name),
				from.Name == "syscall" && (n.Sel.Name == "Stdout" || n.Sel.Name == "Stderr" || n.Sel.Name == "Write"),
				from.Name == "unix" && n.Sel.Name == "Write":
				found(n.Pos(), from.Name+"."+n.Sel.Name)
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Obj == nil && (f.Name == "print" || f.Name == "println") {
				found(n.Pos(), f.Name)
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING && regexp.MustCompile(`"/dev/(std(out|err)|fd|tty)`).MatchString(n.Value) {
				found(n.Pos(), n.Value)
			}
		}
		return true
	})
	return out
}

// formats says where the words of a print and its values do not fit each other: the
// compiler lets no variable be a format, and `go vet` does not know it as one.
func formats(fset *token.FileSet, file *ast.File) []string {
	takesFormat := map[string]int{"Print": 0, "Ask": 0, "Format": 0}
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || call.Ellipsis.IsValid() {
			return true
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		if _, ok := takesFormat[f.Sel.Name]; !ok {
			return true
		}
		literal, ok := call.Args[0].(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		words, err := strconv.Unquote(literal.Value)
		if err != nil {
			return true
		}
		wants := 0
		for _, verb := range verbs.FindAllString(words, -1) {
			if verb != "%%" {
				wants += 1 + strings.Count(verb, "*")
			}
		}
		if got := len(call.Args) - 1; got != wants {
			out = append(out, fmt.Sprintf("%s: %s has %d verbs and %d values", fset.Position(call.Pos()), f.Sel.Name, wants, got))
		}
		return true
	})
	return out
}

var verbs = regexp.MustCompile(`%[-+# 0]*(\*|\d+)?(\.(\*|\d+))?[a-zA-Z%]`)

// TestOneWayToTheTerminal: no package but internal/output writes to standard output or
// standard error. Programs for those who build ksrelease, and tests, may.
func TestOneWayToTheTerminal(t *testing.T) {
	for _, f := range programFiles(t) {
		if f.folder() == printer {
			continue
		}
		found := prints(f.set, f.syntax)
		if f.name == wiring {
			found = slices.DeleteFunc(found, func(s string) bool {
				return strings.Contains(s, "os.Stdout") || strings.Contains(s, "os.Stderr")
			})
		}
		for _, s := range append(found, formats(f.set, f.syntax)...) {
			t.Error(s)
		}
	}
}

func TestPrintsAreFound(t *testing.T) {
	for _, c := range []struct{ code, want string }{
		{`fmt.Println("x")`, "fmt.Println"},
		{`fmt.Printf("x")`, "fmt.Printf"},
		{`fmt.Fprintln(os.Stderr, "x")`, "os.Stderr"},
		{`w := os.Stdout; w.Close()`, "os.Stdout"},
		{`println("x")`, "println"},
		{`os.NewFile(1, "")`, "os.NewFile"},
		{`syscall.Write(2, nil)`, "syscall.Write"},
		{`os.OpenFile("/dev/stderr", 0, 0)`, "/dev/stderr"},
		{`s.Print("%s and %d", x)`, "2 verbs and 1 values"},
		{`s.Print("50 %% of %-*s", n, x)`, ""},
		{`output.Format("%s", x, y)`, "1 verbs and 2 values"},
		{`s.Print("%s", x)`, ""},
		{`fmt.Sprintf("%s", x)`, ""},
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "x.go", "package x\nfunc f() {\n"+c.code+"\n}\n", parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(append(prints(fset, file), formats(fset, file)...), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.code, got, c.want)
		}
	}
}
