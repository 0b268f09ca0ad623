package lint_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/lint/ruletest"
)

// TestRules tests each rule by itself: testdata of its family has a folder for it. In
// testdata of this package are those of rules of several families together. All run in this
// package, for a test binary takes longer to link than its cases take to run.
func TestRules(t *testing.T) { ruletest.RunAll(t, testdata()...) }

// testdata are the folders of cases: of this package, and of all families.
func testdata() []string {
	dirs, err := filepath.Glob(filepath.Join("*", "testdata"))
	if err != nil {
		panic(err) // the pattern is a constant
	}
	dirs = slices.DeleteFunc(dirs, func(dir string) bool { return filepath.Dir(dir) == "rule" }) // which has no rule, but an example
	return append(dirs, "testdata")
}

// TestEveryRuleHasCases: a rule without a folder in testdata of its family is tested by nothing else, but
// for those whose cases cannot be files.
func TestEveryRuleHasCases(t *testing.T) {
	elsewhere := map[string]string{
		"secrets":      "TestSecrets: what looks like a key is made when the test runs",
		"limits":       "TestCut: where a run was ended",
		"release-size": "TestReleaseSize: files of several hundred KiB are made when the test runs",
		"stored-size":  "TestStoredSize: so are pictures of a megabyte",
		"ignore":       "TestIgnoreComments: it looks at what others find",
	}
	for _, r := range lint.Rules() {
		has := slices.ContainsFunc(testdata(), func(dir string) bool {
			_, err := os.Stat(filepath.Join(dir, r.Name))
			return err == nil
		})
		if !has && elsewhere[r.Name] == "" {
			t.Errorf("no testdata of a family has a folder %s", r.Name)
		}
	}
}

// TestMain holds, after all tests, that each code was raised by one of them: a code that
// no test raises is one that may never come, or come at the wrong place.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if code == 0 && isWhole() {
		if left := neverRaised(); len(left) > 0 {
			fmt.Printf("no test raises %q\n", left)
			code = 1
		}
	}
	os.Exit(code)
}

// neverRaised are the codes of the rules that no test has raised.
func neverRaised() (left []string) {
	expected, err := ruletest.Codes(testdata()...)
	if err != nil {
		return []string{err.Error()}
	}
	for _, r := range lint.Rules() {
		for _, c := range r.Codes {
			code := r.CodeOf(c.Name)
			if !slices.Contains(expected, code) && !lint.Raised(code) && code != "schema/unreadable" { // which the pipeline raises
				left = append(left, code)
			}
		}
	}
	return left
}

// isWhole reports whether all tests were asked for, once.
func isWhole() bool {
	for _, name := range [...]string{"run", "skip", "list", "fuzz", "bench"} {
		if f := flag.Lookup("test." + name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return !testing.Short()
}
