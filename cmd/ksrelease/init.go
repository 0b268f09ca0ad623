package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/regularfile"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
	"github.com/ksrelease/ksrelease/schema"
)

type initCommand struct {
	Dir string `short:"C" placeholder:"DIR" help:"Go to this directory first."`
}

// Run finds the extensions and declares them.
func (c *initCommand) Run(a *app) error {
	if err := (place{Dir: c.Dir}).enter(); err != nil {
		return err
	}
	found, err := findExtensions(".")
	if err != nil {
		return err
	}
	a.warnOnStderr()
	for _, message := range config.AbsentSubmodules(".") {
		a.warnings.tell(message)
	}
	if len(found) == 0 {
		return usage(errors.New("there is no extension here: no directory with an extension.yaml"),
			"go to the root of the repository, or name it with -C")
	}
	// O_EXCL: a config that is there, even one that just appeared, is never
	// overwritten.
	file, err := os.OpenFile(config.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return usage(fmt.Errorf("%s is there already, and is left as it is", config.Name), "ksrelease check reads it")
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", config.Name, err)
	}
	_, err = file.WriteString(initialConfig(found))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", config.Name, err)
	}
	a.stdout.Print("%s declares %s:", config.Name, plural(len(found), "extension"))
	for _, dir := range found {
		a.stdout.Print("  %s", dir)
	}
	if ignored, err := regularfile.Read(".gitignore", 1<<20); err != nil || !strings.Contains(string(ignored), ".ksrelease") {
		a.stdout.Print("→ put .ksrelease/ and dist/ into .gitignore: rehearsals and packages are left there")
	}
	a.stdout.Print("→ next: ksrelease --dry-run, or ksrelease run --local")
	return nil
}

// initialConfig declares the extensions in the current folder and below.
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

// entriesFor are the paths that declare these extensions, as the config reads
// them: a glob where several stand side by side and nothing else matches it.
func entriesFor(dirs []string) []string {
	beside := map[string][]string{}
	for _, dir := range dirs {
		beside[path.Dir(dir)] = append(beside[path.Dir(dir)], dir)
	}
	var entries []string
	for _, dir := range dirs {
		entry := literal(dir)
		parent := path.Dir(dir)
		siblings := beside[parent]
		if glob := literal(parent) + "/*"; parent != "." && len(siblings) > 1 && declaresJust(glob, siblings) {
			entry = glob
		}
		if !slices.Contains(entries, entry) {
			entries = append(entries, entry)
		}
	}
	return entries
}

// literal is a path with nothing in it that a config would expand: wildcards
// are escaped, and $ is doubled.
func literal(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`, "}", `\}`, "$", "$$").Replace(path)
}

// declaresJust says whether a config with this path has these extensions, and
// no others: packages and links that lie beside them would be released, too.
func declaresJust(entry string, dirs []string) bool {
	read, err := config.Parse(config.Name, []byte("version: 1\nextensions:\n  - path: "+yamlScalar(entry)+"\n"), noVariables)
	if err != nil {
		return false
	}
	sources, err := read.Sources("", nil)
	if err != nil {
		return false
	}
	var declared []string
	for _, source := range sources {
		declared = append(declared, filepath.ToSlash(source.Display))
	}
	slices.Sort(declared)
	return slices.Equal(declared, slices.Sorted(slices.Values(dirs)))
}

func noVariables(string) (string, bool) { return "", false }

// yamlScalar writes a text so that YAML reads that very text: plain if it can
// be, and quoted where it would be a number, a bool or something else.
func yamlScalar(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	for _, written := range []string{s, quoted} {
		if doc, err := yamldoc.Parse("", []byte("- "+written+"\n")); err == nil {
			if list, ok := doc.Value().([]any); ok && len(list) == 1 && list[0] == any(s) {
				return written
			}
		}
	}
	return strconv.Quote(s) // has escapes, which single quotes have not
}
