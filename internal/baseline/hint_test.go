package baseline

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ksrelease/ksrelease/internal/lint"
)

// What keeps a baseline from being read or written comes with what to do about it.
func TestErrorsOfFilesHaveAHint(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, Name)
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	_, reading := Load(dir, at)
	var r Recorder
	r.Sift("a", []lint.Finding{{Code: "x/y"}})
	for name, err := range map[string]error{"reading": reading, "writing": r.Write(filepath.Join(dir, "none", Name))} {
		var hint interface{ Hint() string }
		if !errors.As(err, &hint) || hint.Hint() == "" {
			t.Errorf("%s: no hint: %v", name, err)
		}
	}
}
