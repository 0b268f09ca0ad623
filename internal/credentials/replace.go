//go:build !windows

package credentials

import (
	"path/filepath"

	"github.com/google/renameio/v2"
)

// replace writes a file for its owner alone, as a whole or not at all. The
// permissions do not follow those of an earlier file, which may be too wide,
// and the key never stands in a folder for temporary files.
func replace(file string, data []byte) error {
	return renameio.WriteFile(file, data, 0o600,
		renameio.WithTempDir(filepath.Dir(file)), renameio.WithStaticPermissions(0o600))
}
