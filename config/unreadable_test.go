package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/nobody"
)

// What may not be read is an error with its path and cause: it could be an extension.
func TestFoldersThatMayNotBeRead(t *testing.T) {
	nobody.Run(t, func(t *testing.T) {
		for _, tt := range []struct {
			closed string // the path that gets mode
			mode   os.FileMode
			yaml   string
			want   string // in the error; empty is none
			found  []string
		}{
			{"extensions/b", 0, "- path: extensions/*\n", "extensions/b/extension.yaml cannot be read: permission denied", nil},
			{"extensions/b", 0o400, "- path: extensions/*\n", "extensions/b/extension.yaml cannot be read: permission denied", nil},
			{"extensions/b", 0, "- path: extensions/**\n", "extensions/b cannot be read: permission denied", nil},
			{"extensions/b", 0, "- path: extensions/b\n", "extensions/b/extension.yaml cannot be read: permission denied", nil},
			{"extensions/b", 0, "- path: extensions/*\n  exclude: [extensions/b]\n", "", []string{"extensions/a"}},
			{"extensions/b", 0, "- path: extensions/**\n  exclude: [extensions/b]\n", "", []string{"extensions/a", "extensions/plain/c"}},
			{"extensions/b", 0, "- path: extensions/a\n", "", []string{"extensions/a"}},
			{"extensions/plain", 0, "- path: extensions/*\n", "extensions/plain/extension.yaml cannot be read: permission denied", nil},
			{"extensions/plain", 0, "- path: extensions/*/c\n- path: extensions/a\n", "extensions/plain cannot be read: permission denied", nil},
			{"extensions/plain", 0, "- path: extensions/plain/*\n", "extensions/plain cannot be read: permission denied", nil},
			{"extensions/plain", 0, "- path: extensions/plain/c\n", "permission denied", nil},
			{"extensions/a/data", 0, "- path: extensions/*\n", "", []string{"extensions/a", "extensions/b"}}, // for who reads it
			{"extensions/a/data", 0, "- path: extensions/**\n", "extensions/a/data cannot be read: permission denied", nil},
			{"extensions", 0, "- path: extensions/*\n", "extensions cannot be read: permission denied", nil},
			{"extensions", 0, "- path: '*/*'\n", "extensions cannot be read: permission denied", nil},
			{"extensions", 0, "- path: extensions/a\n", "permission denied", nil},
		} {
			root := t.TempDir()
			for _, file := range []string{"extensions/a/extension.yaml", "extensions/a/data/x", "extensions/b/extension.yaml", "extensions/plain/c/extension.yaml"} {
				write(t, filepath.Join(root, file), "")
			}
			closed := filepath.Join(root, tt.closed)
			if err := os.Chmod(closed, tt.mode); err != nil {
				t.Fatal(err)
			}
			found, _, err := warned(t, root, tt.yaml)
			if err := os.Chmod(closed, 0o755); err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("%s with mode %o, %q", tt.closed, tt.mode, tt.yaml)
			if tt.want == "" && (err != nil || !slices.Equal(found, tt.found)) {
				t.Errorf("%s: %v, %v, want %v", name, found, err, tt.found)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%s: %v, %v, want %q", name, found, err, tt.want)
			}
		}
	})
}
