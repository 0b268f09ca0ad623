package lint

import (
	"path/filepath"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// TestExamplesAreClean: the examples show how it is done, so there is nothing to
// say of them.
func TestExamplesAreClean(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "examples", "monorepo", "extensions", "*", extension.MetadataFile))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no examples (%v)", err)
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		ext, err := extension.Load(dir, extension.Options{Display: filepath.Base(dir)})
		if err != nil {
			t.Fatal(err)
		}
		for _, finding := range told(Check(t.Context(), ext, nil)) {
			t.Error(finding)
		}
	}
}
