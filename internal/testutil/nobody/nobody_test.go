package nobody

import (
	"os"
	"path/filepath"
	"testing"
)

// Whoever runs the tests, a file without a mode for reading cannot be read.
func TestRun(t *testing.T) {
	Run(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte("x"), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := os.ReadFile(file); err == nil || os.Geteuid() == 0 {
			t.Errorf("user %d reads everything", os.Geteuid())
		}
	})
}
