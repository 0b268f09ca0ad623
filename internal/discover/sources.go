package discover

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
)

// Named are the extensions in paths, without a config that declares them; all get settings. An
// error has a hint.
func Named(paths []string, settings config.Settings) ([]config.Source, error) {
	var sources []config.Source
	seen := map[string]bool{}
	for _, path := range paths {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		if seen[absolute] {
			continue
		}
		seen[absolute] = true
		if _, err := os.Stat(absolute); err != nil {
			return nil, failure.WithHint(fmt.Errorf("%s: %w", path, errors.Unwrap(err)), "name a directory with an extension.yaml, or a package .tgz")
		}
		is, wrong := config.Examine(absolute)
		if wrong != nil {
			between := " "
			if wrong.Subject != "" { // of a file in it
				between = string(filepath.Separator)
			}
			return nil, failure.WithHint(errors.New(filepath.Clean(path)+between+wrong.Message), "%s", wrong.Hint)
		}
		if !is {
			hint := "name a directory with an extension.yaml, or a package .tgz"
			if misnamed := misnamedMetadata(absolute); misnamed != "" {
				hint = fmt.Sprintf("rename %s in it to %s", misnamed, extension.MetadataFile)
			}
			return nil, failure.WithHint(fmt.Errorf("%s is no extension", path), "%s", hint)
		}
		sources = append(sources, config.Source{Path: absolute, Display: filepath.Clean(path), Settings: settings})
	}
	return sources, nil
}

// misnamedMetadata is the file of a directory that was meant as its extension.yaml;
// empty where there is none.
func misnamedMetadata(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, entry := range entries {
		if name := entry.Name(); strings.EqualFold(name, extension.MetadataFile) || strings.EqualFold(name, "extension.yml") {
			return name
		}
	}
	return ""
}

// Narrow keeps the sources that are one of the paths or lie below one. A path without any is an
// error, with a hint.
func Narrow(sources []config.Source, paths []string) ([]config.Source, error) {
	if len(paths) == 0 {
		return sources, nil
	}
	wanted := map[string]bool{}
	for _, path := range paths {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		found := false
		for _, s := range sources {
			if below, err := filepath.Rel(absolute, s.Path); err == nil && filepath.IsLocal(below) {
				wanted[s.Path], found = true, true
			}
		}
		if !found {
			return nil, failure.WithHint(fmt.Errorf("%s is no extension that the config declares", path), "name the path of an extension, or of a folder with some; a new one is added under extensions: in the config")
		}
	}
	var kept []config.Source
	for _, s := range sources {
		if wanted[s.Path] {
			kept = append(kept, s)
		}
	}
	return kept, nil
}
