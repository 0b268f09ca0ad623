package archtest

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
	namedTest    = regexp.MustCompile("`((?:Test|Benchmark|Fuzz)[A-Z]\\w*)`|\\b(\\w+\\.txtar)\\b")
)

// TestDocumentsNameTestsThatExist: what documents give for a proof is a test, or a script of one.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	root := os.DirFS(moduleRoot(t))
	exist := map[string]bool{}
	pages := map[string]string{}
	read := func(name string) (string, error) {
		text, err := fs.ReadFile(root, name)
		return string(text), err
	}
	err := walk(root, func(name string) error {
		switch {
		case strings.HasSuffix(name, "_test.go"):
			text, err := read(name)
			for _, m := range testFunction.FindAllStringSubmatch(text, -1) {
				exist[m[1]] = true
			}
			return err
		case path.Ext(name) == ".md":
			var err error
			pages[name], err = read(name)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := fs.Glob(root, "cmd/ksrelease/testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		exist[path.Base(script)] = true
	}
	named := 0
	for page, text := range pages {
		for _, m := range namedTest.FindAllStringSubmatch(text, -1) {
			named++
			if name := m[1] + m[2]; !exist[name] {
				t.Errorf("%s names %s, which is neither a test nor a script of one", page, name)
			}
		}
	}
	if named < 300 {
		t.Errorf("only %d tests are named: the test looks in the wrong place", named)
	}
}
