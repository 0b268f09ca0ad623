package pipeline

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/results"
)

// A checkout that may not be written keeps no packages, and is no failure; a disk that
// is full is one.
func TestWhatMayNotBeWritten(t *testing.T) {
	source := sourceOf(t, "alc", "1.0.0")
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "no folder")
	source.Settings.Package.Output = filepath.Join(file, "dist")
	result := do(t, newFakeWorld(), Options{Sources: []config.Source{source}})
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Released})
	if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "the packages are not kept in "+source.Settings.Package.Output+": not a directory") {
		t.Errorf("%q", result.Warnings)
	}
	// But where the archive is what was asked for it has to be there.
	wantOutcomes(t, do(t, newFakeWorld(), Options{Sources: []config.Source{source}, Through: results.StagePackage}), map[string]results.Outcome{"alc": results.Failed})

	source.Settings.Package.Output = filepath.Join(t.TempDir(), strings.Repeat("x", 300)) // no name of a file
	result = do(t, newFakeWorld(), Options{Sources: []config.Source{source}})
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed})
}

// A dry run leaves nothing behind, whatever its last stage.
func TestADryRunKeepsNoPackage(t *testing.T) {
	for _, through := range []string{results.StageLint, results.StagePackage, results.StageVerify} {
		source := sourceOf(t, "alc", "1.0.0")
		source.Settings.Package.Output = filepath.Join(t.TempDir(), "dist")
		wantOutcomes(t, do(t, newFakeWorld(), Options{Sources: []config.Source{source}, Through: through, DryRun: true}), map[string]results.Outcome{"alc": results.Planned})
		if _, err := os.Stat(source.Settings.Package.Output); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("through %s: %v", through, err)
		}
	}
}
