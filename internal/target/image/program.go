package image

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// mostProgram bounds a program that is put into an image, in bytes.
const mostProgram = 256 << 20

// Program reads ksrelease for a platform, as an image without a base runs it: this one, or the one that lies in a folder as
// ksrelease-OS-ARCHITECTURE.
func Program(folder, platform string) ([]byte, error) {
	parts := strings.Split(platform, "/")
	name := "ksrelease-" + strings.Join(parts, "-")
	path := filepath.Join(folder, name)
	data, err := []byte(nil), error(fs.ErrNotExist)
	if folder != "" {
		data, err = regularfile.Read(path, mostProgram)
	}
	if errors.Is(err, fs.ErrNotExist) && len(parts) == 2 && parts[0] == runtime.GOOS && parts[1] == runtime.GOARCH {
		if path, err = os.Executable(); err == nil {
			data, err = os.ReadFile(path)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failure.WithHint(fmt.Errorf("there is no ksrelease for %s", platform), "put it in a folder as %s, and name that with programs; or build on an image", name)
	}
	if err != nil {
		return nil, err
	}
	if err := isStatic(data); err != nil {
		return nil, failure.WithHint(fmt.Errorf("%s: %w", path, err), "build it for %s with CGO_ENABLED=0", platform)
	}
	return data, nil
}

// isStatic says why a program does not run where there is nothing else.
func isStatic(data []byte) error {
	program, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return errors.New("it is no program of Linux")
	}
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("it needs libraries, which an image from scratch has not got")
		}
	}
	return nil
}
