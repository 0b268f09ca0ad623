package discover

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
	"github.com/ksrelease/ksrelease/schema"
)

// Config is the text of a config that declares the extensions that were found, and nothing
// else but their hooks, if there are any; what was left out is excluded where a path matches it.
// The paths are relative to the current folder, in which the config will lie.
func Config(found Found, hooks ...Hooks) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# yaml-language-server: $schema=%s
version: 1

# The extensions of this repository: each directory with an extension.yaml, or
# package .tgz, that matches. An entry may have settings of its own, and exclude.
extensions:
`, schema.ID)
	for _, e := range entriesFor(found) {
		fmt.Fprintf(&b, "  - path: %s\n", yamlScalar(e.path))
		if len(e.exclude) > 0 {
			b.WriteString("    exclude:\n")
		}
		for _, exclude := range e.exclude {
			fmt.Fprintf(&b, "      - %s\n", yamlScalar(exclude))
		}
		hooks = slices.DeleteFunc(slices.Clone(hooks), func(h Hooks) bool {
			own := literal(h.Path) == e.path
			if own {
				h.write(&b)
			}
			return own
		})
	}
	for _, h := range hooks {
		fmt.Fprintf(&b, "  - path: %s\n", yamlScalar(literal(h.Path)))
		h.write(&b)
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
#   dirty: warn                # fail | warn | allow: files are not as they were committed; in a CI, fail
# verify:
#   until: indexed             # indexed | active: active waits for the review, too
#   timeout: 5m
`)
	return b.String()
}

// Hooks are the commands of an extension for before and after a release, which run in the folder
// of the config.
type Hooks struct {
	Path          string // of the extension, relative to that folder, with slashes
	Before, After []string
}

func (h Hooks) write(b *strings.Builder) {
	for _, list := range []struct {
		key      string
		commands []string
	}{{"before", h.Before}, {"after", h.After}} {
		if len(list.commands) > 0 {
			fmt.Fprintf(b, "    %s:\n", list.key)
		}
		for _, command := range list.commands {
			fmt.Fprintf(b, "      - run: %s\n        dir: .\n", yamlScalar(command))
		}
	}
}

// entry is one of the extensions of a config: its path, and what of it is excluded.
type entry struct {
	path    string
	exclude []string
}

// entriesFor are the entries that declare the extensions that were found: globs where there
// is an order in the folders, so that the next extension is declared, too.
func entriesFor(found Found) []entry {
	var entries []entry
	covered := map[string]bool{}
	for _, dir := range found.Extensions {
		if covered[dir] {
			continue
		}
		next := entry{path: literal(dir)}
		for _, glob := range globsFor(dir, found.Extensions) {
			members := matching(glob, found.Extensions)
			if slices.ContainsFunc(members, func(member string) bool { return covered[member] }) {
				continue
			}
			e := entry{glob, excludesOf(glob, found.LeftOut)}
			if e.declaresJust(members) {
				next = e
				for _, member := range members {
					covered[member] = true
				}
				break
			}
		}
		covered[dir] = true
		entries = append(entries, next)
	}
	return entries
}

// collections are names of folders that are there for extensions: one that is alone in such
// a folder is not the last.
var collections = []string{"extensions", "charts", "apps", "packages", "plugins", "components", "addons"}

// globsFor are the globs that may declare an extension and its siblings, the best one first:
// components/*/extension, apps/*/*, extensions/*.
func globsFor(dir string, all []string) []string {
	var globs []string
	parent, base := path.Dir(dir), path.Base(dir)
	if parent != "." {
		above := under(path.Dir(parent))
		same := above + "*/" + literal(base)
		if len(matching(same, all)) > 1 {
			globs = append(globs, same)
		}
		parents := map[string]bool{}
		for _, other := range matching(above+"*/*", all) {
			parents[path.Dir(other)] = true
		}
		if len(parents) > 1 && above != "" {
			globs = append(globs, above+"*/*")
		}
	}
	siblings := under(parent) + "*"
	if len(matching(siblings, all)) > 1 || slices.Contains(collections, path.Base(parent)) {
		globs = append(globs, siblings)
	}
	return globs
}

// under is the part of a pattern for what is in a folder.
func under(folder string) string {
	if folder == "." {
		return ""
	}
	return literal(folder) + "/"
}

// matching are those of the paths that a pattern matches.
func matching(pattern string, paths []string) []string {
	var list []string
	for _, p := range paths {
		if doublestar.MatchUnvalidated(pattern, p) {
			list = append(list, p)
		}
	}
	return list
}

// excludesOf are the paths that a glob must not declare: what was left out, and packages
// that tools have left next to the extensions.
func excludesOf(glob string, leftOut []LeftOut) []string {
	var list []string
	for _, left := range leftOut {
		if len(matching(glob, []string{left.Path})) > 0 {
			list = append(list, literal(left.Path))
		}
	}
	if packages, err := doublestar.Glob(os.DirFS("."), glob+".tgz"); err == nil && len(packages) > 0 {
		list = append(list, glob+".tgz")
	}
	return list
}

// literal is a path with nothing in it that a config would expand: wildcards
// are escaped, and $ is doubled.
func literal(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`, "}", `\}`, "$", "$$").Replace(path)
}

// declaresJust reports whether a config with this entry has these extensions, and no
// others.
func (e entry) declaresJust(dirs []string) bool {
	text := "version: 1\nextensions:\n  - path: " + yamlScalar(e.path) + "\n    exclude:\n"
	for _, exclude := range e.exclude {
		text += "      - " + yamlScalar(exclude) + "\n"
	}
	if len(e.exclude) == 0 {
		text = strings.TrimSuffix(text, "    exclude:\n")
	}
	read, err := config.Parse(config.Name, []byte(text), noVariables)
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
