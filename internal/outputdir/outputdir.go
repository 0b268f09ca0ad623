// Package outputdir leaves packages in the output directory of a project, each with its checksum.
package outputdir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
)

// Keep leaves the archive and its checksum (NAME-VERSION.tgz.sha256, in the format of
// sha256sum) in a folder, each in one step, and returns the path of the archive.
func Keep(dir string, pkg *extension.Package) (file string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", cannotWrite(err)
	}
	file = filepath.Join(dir, pkg.Filename)
	if err := keepSignatures(file, pkg); err != nil {
		return "", cannotWrite(err)
	}
	if err := atomicfile.Write(file, pkg.Data, 0o644); err != nil {
		return "", cannotWrite(err)
	}
	sum := strings.TrimPrefix(pkg.Digest, "sha256:") + "  " + pkg.Filename + "\n"
	if err := atomicfile.Write(file+".sha256", []byte(sum), 0o644); err != nil {
		return "", cannotWrite(err)
	}
	return file, nil
}

// keepSignatures leaves what signs a package next to where it will be. What signs another one,
// which was there before, goes.
func keepSignatures(file string, pkg *extension.Package) error {
	before, err := os.ReadFile(file)
	same := err == nil && bytes.Equal(before, pkg.Data)
	for ending, data := range map[string][]byte{extension.ProvenanceEnding: pkg.Provenance, extension.SignatureEnding: pkg.Signature} {
		var err error
		switch {
		case data != nil:
			err = atomicfile.Write(file+ending, data, 0o644)
		case !same:
			if err = os.Remove(file + ending); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func cannotWrite(err error) error {
	return failure.WithHint(fmt.Errorf("the output directory cannot be written: %w", err), "choose another with --output-dir, or with package.output in the config")
}

// MayNotWrite says that a folder is not there to be written: it, or what it would
// stand in, belongs to others, is read-only, or is no folder.
func MayNotWrite(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR)
}
