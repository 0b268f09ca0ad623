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

// walk hands each file of the module to look, by its slash path. It leaves out what the go command
// leaves out: testdata, vendor, and names that begin with a dot or an underscore.
func walk(fsys fs.FS, look func(name string) error) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		hidden := name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_"))
		switch {
		case d.IsDir() && (hidden || base == "testdata" || base == "vendor"):
			return fs.SkipDir
		case d.IsDir() || hidden:
			return nil
		}
		return look(name)
	})
}

// programFile is a file of the program: of its packages, tests and aids aside.
type programFile struct {
	name   string // slash path
	source []byte
	set    *token.FileSet
	syntax *ast.File
}

func (f programFile) folder() string { return path.Dir(f.name) }

// programFiles reads the files of the program.
func programFiles(t *testing.T) []programFile {
	t.Helper()
	root := os.DirFS(moduleRoot(t))
	var files []programFile
	err := walk(root, func(name string) error {
		f := programFile{name: name, set: token.NewFileSet()}
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || slices.Contains(aids, f.folder()) {
			return nil
		}
		var err error
		if f.source, err = fs.ReadFile(root, name); err != nil {
			return err
		}
		f.syntax, err = parser.ParseFile(f.set, name, f.source, parser.SkipObjectResolution)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 500 {
		t.Errorf("%d files: the test looks in the wrong place", len(files))
	}
	return files
}
