package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNotFound is what Find returns, wrapped, where there is no config.
var ErrNotFound = errors.New("no " + Name + " found")

// Find returns the absolute path of the config of a folder: .ksrelease.yaml in
// it or in the nearest one above that has one. errors.Is(err, ErrNotFound) tells
// that there is none.
func Find(dir string) (file string, err error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("looking for %s in %s: %w", Name, dir, err)
	}
	for at := start; ; at = filepath.Dir(at) {
		file := filepath.Join(at, Name)
		info, err := os.Stat(file)
		switch {
		case err == nil && !info.IsDir():
			return file, nil
		case err == nil:
			return "", fmt.Errorf("%s is a folder; a config is a file", file)
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("looking for %s: %w", Name, err)
		}
		if at == filepath.Dir(at) {
			return "", notFound(start)
		}
	}
}

// notFound says so, and names a file that was probably meant as one.
func notFound(dir string) error {
	for _, other := range []string{".ksrelease.yml", "ksrelease.yaml", "ksrelease.yml"} {
		if _, err := os.Stat(filepath.Join(dir, other)); err == nil {
			return fmt.Errorf("%w in %s or a folder above it; %s is there: rename it to %s, or name it with --config", ErrNotFound, dir, other, Name)
		}
	}
	return fmt.Errorf("%w in %s or a folder above it; ksrelease init writes one", ErrNotFound, dir)
}
