package declaring

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/testutil/nobody"
)

// init does not pass over a folder that may not be read.
func TestTellsWhatMayNotBeRead(t *testing.T) {
	nobody.Run(t, func(t *testing.T) {
		root := t.TempDir()
		put(t, filepath.Join(root, "apps/a/extension.yaml"))
		put(t, filepath.Join(root, "apps/b/extension.yaml"))
		closed := filepath.Join(root, "apps/b")
		for _, mode := range []os.FileMode{0, 0o400} {
			if err := os.Chmod(closed, mode); err != nil {
				t.Fatal(err)
			}
			found, err := Find(t.Context(), root)
			if err == nil || !strings.Contains(err.Error(), closed) || !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("mode %o: %v, %v", mode, found, err)
			}
			var mistake *app.UsageError
			if !errors.As(err, &mistake) || mistake.Hint == "" {
				t.Errorf("mode %o: no usage error with advice: %v", mode, err)
			}
		}
		if err := os.Chmod(closed, 0o755); err != nil {
			t.Fatal(err)
		}
	})
}

// put writes an empty file, and makes the folders above it.
func put(t *testing.T, file string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}
