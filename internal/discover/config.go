package discover

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
	"github.com/ksrelease/ksrelease/schema"
)

// Config is the text of a config that declares the extensions in these folders, and nothing
// else. They are relative to the current folder, in which the config will lie.
func Config(dirs []string) string {
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
// them: a glob where there are several siblings and nothing else matches it.
func entriesFor(dirs []string) []string {
	below := map[string][]string{}
	for _, dir := range dirs {
		below[path.Dir(dir)] = append(below[path.Dir(dir)], dir)
	}
	var entries []string
	for _, dir := range dirs {
		entry := literal(dir)
		parent := path.Dir(dir)
		siblings := below[parent]
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
// no others: packages and links next to them would be released, too.
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
