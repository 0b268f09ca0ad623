package report

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Versions of one name have classes by their versions, whichever of them come first.
func TestClassesOfVersions(t *testing.T) {
	got := classesOf([]results.Extension{{Name: "alc", Version: "1.0.0"}, {Name: "alc", Version: "1.1.0"}, {Name: "b.c", Version: "1.0.0"}, {Name: "alc"}, {Name: "alc"}})
	if want := []string{"ksrelease.alc@1_0_0", "ksrelease.alc@1_1_0", "ksrelease.b_c", "ksrelease.alc", "ksrelease.alc (2)"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A folder in the place of a report is a mistake before the run, and stays.
func TestReportInThePlaceOfAFolder(t *testing.T) {
	for _, form := range forms {
		path := filepath.Join(t.TempDir(), "r")
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := NewFile(form+"="+path, Tool{}); err == nil || !strings.Contains(err.Error(), "is no regular file") {
			t.Errorf("%s: %v", form, err)
		}
	}
}

// A place is one line, whatever the folder is called.
func TestProblemHasItsPlaceInOneLine(t *testing.T) {
	for _, columns := range []int{0, 30} {
		got := Problem(diagnostic.Diagnostic{File: "a\nb", Range: diagnostic.At(1, 0), Message: "m"}, columns).String()
		if !strings.HasPrefix(got, `a\nb:1:`) || strings.Contains(got, "a\nb") {
			t.Errorf("%q", got)
		}
	}
}
