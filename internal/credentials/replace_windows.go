package credentials

import (
	"errors"
	"os"
	"path/filepath"
)

// replace writes a file as a whole or not at all. On Windows, where renameio
// has no answer, the folder of a user's configuration is his alone by its
// access list, which the file inherits.
func replace(file string, data []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), ".credentials-*")
	if err != nil {
		return err
	}
	_, errWrite := temporary.Write(data)
	err = errors.Join(errWrite, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
	}
	return err
}
