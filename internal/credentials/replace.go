//go:build !windows

package credentials

import (
	"path/filepath"

	"github.com/google/renameio/v2"
)

// replace writes a file for its owner alone, as a whole or not at all. The
// permissions do not follow those of an earlier file, which may be too wide
// (renameio.WriteFile would keep them), and the key never stands in a folder
// for temporary files.
func replace(file string, data []byte) error {
	pending, err := renameio.NewPendingFile(file,
		renameio.WithTempDir(filepath.Dir(file)), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	// After the replacement this does nothing.
	defer func() { _ = pending.Cleanup() }()
	if _, err := pending.Write(data); err != nil {
		return err
	}
	return pending.CloseAtomicallyReplace()
}
