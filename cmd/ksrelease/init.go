package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/schema"
)

type initCommand struct {
	Dir string `short:"C" placeholder:"DIR" help:"Go to this directory first."`
}

// configName is the file that init writes.
const configName = ".ksrelease.yaml"

// Run finds the extensions and declares them.
func (c *initCommand) Run(a *app) error {
	if err := (place{Dir: c.Dir}).enter(); err != nil {
		return err
	}
	found, err := findExtensions(".")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return usage(errors.New("there is no extension here: no directory with an extension.yaml"),
			"go to the root of the repository, or name it with -C")
	}
	// O_EXCL: a config that is there, even one that just appeared, is never
	// overwritten.
	file, err := os.OpenFile(configName, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return usage(fmt.Errorf("%s is there already, and is left as it is", configName), "ksrelease check reads it")
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", configName, err)
	}
	_, err = file.WriteString(initialConfig(found))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", configName, err)
	}
	fmt.Fprintf(a.stdout, "%s declares %s:\n", configName, plural(len(found), "extension"))
	for _, dir := range found {
		fmt.Fprintf(a.stdout, "  %s\n", dir)
	}
	if ignored, err := os.ReadFile(".gitignore"); err != nil || !strings.Contains(string(ignored), ".ksrelease") {
		fmt.Fprintln(a.stdout, "→ put .ksrelease/ and dist/ into .gitignore: rehearsals and packages are left there")
	}
	fmt.Fprintf(a.stdout, "→ next: ksrelease --dry-run, or ksrelease run --local\n")
	return nil
}

// initialConfig declares the extensions with a glob where several stand side
// by side and nothing else would match it.
func initialConfig(dirs []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# yaml-language-server: $schema=%s
version: 1

# The extensions of this repository: each directory with an extension.yaml, or
# package .tgz, that matches. An entry may have settings of its own, and exclude.
extensions:
`, schema.ID)
	for _, entry := range entriesFor(dirs) {
		fmt.Fprintf(&b, "  - path: %s\n", yamlScalar(entry))
	}
	b.WriteString(`
# Everything below is the default; remove the # to change it.
# lint:
#   rules:
#     node-selector: warning   # off | info | warning | error; see ksrelease lint
# package:
#   output: dist               # where ksrelease package leaves its archives
# size:
#   limit: 1MiB                # the marketplace takes no more
# push:
#   existing: skip             # skip | fail: the version is there with the same content
#   drift: fail                # fail | warn: the version is there with other content
# verify:
#   until: indexed             # indexed | active: active waits for the review, too
#   timeout: 5m
`)
	return b.String()
}

func entriesFor(dirs []string) []string {
	siblings := map[string]int{}
	for _, dir := range dirs {
		siblings[path.Dir(dir)]++
	}
	var entries []string
	for _, dir := range dirs {
		entry := dir
		if parent := path.Dir(dir); siblings[parent] > 1 && parent != "." {
			entry = parent + "/*"
		}
		if !slices.Contains(entries, entry) {
			entries = append(entries, entry)
		}
	}
	return entries
}

// yamlScalar quotes a path that YAML would read as something else.
func yamlScalar(s string) string {
	plain := strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./*", r))
	}) < 0
	if plain && s[0] != '*' && s[0] != '-' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
