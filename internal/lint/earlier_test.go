package lint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/lint/ruletest"
)

// A rule that compares is run where it is known what was before, and its comments are judged
// there alone.
func TestRulesThatCompare(t *testing.T) {
	dir := t.TempDir()
	for name, data := range ruletest.Base() {
		if name == extension.MetadataFile {
			data = []byte(strings.Replace(string(data), "version:", "# ksrelease:ignore version-bump only the texts are other ones\nversion:", 1))
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ext, err := extension.Load(dir, extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	same, changed := &lint.Earlier{Of: "main", Version: "1.0.0"}, &lint.Earlier{Of: "main", Version: "1.0.0", Differs: []string{"README.md"}}
	for _, test := range []struct {
		earlier *lint.Earlier
		want    string
	}{{nil, ""}, {changed, ""}, {same, "ignore/unused"}} {
		var got []string
		for _, f := range ruletest.FindingsSince(t.Context(), ext, test.earlier, "version-bump", "ignore") {
			got = append(got, f.Code)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%+v: %q, want %q", test.earlier, got, test.want)
		}
	}
}
