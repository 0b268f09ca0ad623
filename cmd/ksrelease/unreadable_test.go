package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/nobody"
)

// init does not pass over a folder that may not be read.
func TestInitTellsWhatMayNotBeRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes of files do not keep anybody from reading them here")
	}
	nobody.Run(t, func(t *testing.T) {
		root := t.TempDir()
		put(t, filepath.Join(root, "apps/a/extension.yaml"))
		put(t, filepath.Join(root, "apps/b/extension.yaml"))
		closed := filepath.Join(root, "apps/b")
		for _, mode := range []os.FileMode{0, 0o400} {
			if err := os.Chmod(closed, mode); err != nil {
				t.Fatal(err)
			}
			found, err := findExtensions(root)
			if err == nil || !strings.Contains(err.Error(), closed) || !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("mode %o: %q, %v", mode, found, err)
			}
			var mistake *usageError
			if !errors.As(err, &mistake) || mistake.advice == "" {
				t.Errorf("mode %o: no usage error with advice: %v", mode, err)
			}
		}
		if err := os.Chmod(closed, 0o755); err != nil {
			t.Fatal(err)
		}
	})
}
