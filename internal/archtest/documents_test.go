package archtest

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
	namedTest    = regexp.MustCompile("`((?:Test|Benchmark|Fuzz)[A-Z]\\w*)`|\\b(\\w+\\.txtar)\\b")
	// namedPlace is where tests are, in parentheses behind them: packages, files, or folders of their cases.
	namedPlace = regexp.MustCompile("((?:`\\w+`,?\\s+)+)\\(((?:cmd|config|internal|pipeline)\\b[^)]*)\\)")
)

// TestDocumentsNameTestsThatExist: what documents give for a proof is a test, or a script of one, and is
// where they say.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	root := os.DirFS(moduleRoot(t))
	exist := map[string][]string{} // by their names, the folders that they are in
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
				exist[m[1]] = append(exist[m[1]], path.Dir(name))
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
		exist[path.Base(script)] = []string{path.Dir(script)}
	}
	named, placed := 0, 0
	for page, text := range pages {
		for _, m := range namedTest.FindAllStringSubmatch(text, -1) {
			named++
			if name := m[1] + m[2]; exist[name] == nil {
				t.Errorf("%s names %s, which is neither a test nor a script of one", page, name)
			}
		}
		for _, m := range namedPlace.FindAllStringSubmatch(text, -1) {
			places := strings.Split(m[2], ", ")
			for _, place := range places {
				if _, err := fs.Stat(root, place); err != nil {
					t.Errorf("%s says that tests are in a place that is not there: %v", page, err)
				}
			}
			for _, test := range namedTest.FindAllStringSubmatch(m[1], -1) {
				placed++
				isThere := func(folder string) bool {
					return slices.ContainsFunc(places, func(place string) bool {
						within := strings.Contains(place, "/testdata/") || path.Ext(place) == ".go"
						return place == folder || within && strings.HasPrefix(place, folder+"/")
					})
				}
				if !slices.ContainsFunc(exist[test[1]], isThere) {
					t.Errorf("%s says that %s is in %s: it is in %s", page, test[1], m[2], strings.Join(exist[test[1]], ", "))
				}
			}
		}
	}
	if named < 300 || placed < 150 {
		t.Errorf("only %d tests are named, %d of them with their places: the test looks in the wrong place", named, placed)
	}
}
