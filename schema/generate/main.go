// Command generate writes schema/ksrelease.schema.json, docs/configuration.md, docs/rules.md and the
// Chinese forms of both from the types of internal/configfile and the rules of internal/lint, and the
// schemas of what commands print as JSON from the types of it. It is run by `go generate ./schema`; a test holds the files to what it makes.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ksrelease/ksrelease/internal/language"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	files, err := generate(root)
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(root, name), data, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}

// sources are the files that declare the config types.
func sources(root string) []string {
	return []string{filepath.Join(root, "internal", "configfile", "file.go"), filepath.Join(root, "internal", "configfile", "targets.go")}
}

// generate makes all files, by their path below the module root.
func generate(root string) (map[string][]byte, error) {
	schema, err := newSchema(sources(root)...)
	if err != nil {
		return nil, err
	}
	data, err := render(schema)
	if err != nil {
		return nil, err
	}
	all, err := outputSchemas(root)
	if err != nil {
		return nil, err
	}
	all["schema/ksrelease.schema.json"] = data
	all["docs/configuration.md"] = page(schema)
	all["docs/configuration.zh.md"], err = chinesePage(schema)
	if err != nil {
		return nil, err
	}
	all["docs/rules.md"] = rulesPage(language.English)
	all["docs/rules.zh.md"] = rulesPage(language.Chinese)
	return all, nil
}

// moduleRoot is the nearest folder above the working directory with a go.mod:
// go generate and go test start in the folder of their package.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("finding the module: no go.mod here or above")
		}
	}
}
