package config

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Declared finds the settings of an extension at an absolute path, as Sources does, but by
// the patterns alone: the tree may be that of another commit. isExtension says what folders
// of that tree, by absolute paths, are extensions. ok is false where no entry declares it.
func (c *Config) Declared(path string, isExtension func(dir string) bool) (settings Settings, ok bool) {
	for _, entry := range slices.Backward(c.Entries) {
		if c.covers(entry, path, isExtension) && !slices.ContainsFunc(entry.Exclude, func(exclude string) bool { return c.excludes(exclude, path) }) {
			return entry.Settings, true
		}
	}
	return Settings{}, false
}

// covers reports whether the path of an entry matches an absolute path.
func (c *Config) covers(entry Entry, path string, isExtension func(string) bool) bool {
	if !hasWildcard(entry.Path) {
		return absolute(c.Dir, unescaped(entry.Path)) == path
	}
	base, pattern := c.base(entry.Path)
	relative, err := filepath.Rel(base, path)
	if err != nil || !doublestar.MatchUnvalidated(pattern, filepath.ToSlash(relative)) {
		return false
	}
	// Wildcards do not lead into these folders, as in searched.ReadDir.
	named := strings.Split(pattern, "/")
	at := base
	for _, part := range strings.Split(filepath.ToSlash(relative), "/") {
		above := at
		at = filepath.Join(at, part)
		hidden := slices.Contains(neverSearched, part) || at == entry.Settings.Package.Output || at == c.Defaults.Package.Output ||
			part == chartsFolder && isExtension(above)
		if hidden && !slices.Contains(named, part) {
			return false
		}
	}
	return true
}
