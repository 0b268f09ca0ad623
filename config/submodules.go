package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// submodule is a git submodule that .gitmodules names.
type submodule struct {
	path string // absolute
	top  string // the folder of .gitmodules
}

// maxModules bounds how much of a .gitmodules is read, in bytes.
const maxModules = 1 << 20

// modulePath is a line of .gitmodules that says where a submodule lies.
var modulePath = lazyregexp.New(`(?m)^[ \t]*path[ \t]*=[ \t]*(.*?)[ \t]*\r?$`)

// submodules are those of the git work tree around a folder, sorted by path.
func submodules(dir string) []submodule {
	for {
		if source, ok := readModules(filepath.Join(dir, ".gitmodules")); ok {
			return parseModules(dir, source)
		}
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil || filepath.Dir(dir) == dir {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

// AbsentSubmodules says, in one message each, which git submodules in a folder are not
// checked out, for those who look for extensions without a config.
func AbsentSubmodules(dir string) []string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil
	}
	c := &Config{Dir: dir}
	var messages []string
	for _, module := range submodules(dir) {
		if below, err := filepath.Rel(dir, module.path); err == nil && filepath.IsLocal(below) && !module.checkedOut() {
			messages = append(messages, fmt.Sprintf("%s is a git submodule that is not checked out, so what is in it is passed over: run %s", c.shown(module.path), module.hint(c)))
		}
	}
	return messages
}

func readModules(file string) (source string, ok bool) {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	opened, err := os.Open(file)
	if err != nil {
		return "", false
	}
	defer opened.Close()
	data, err := io.ReadAll(io.LimitReader(opened, maxModules))
	return string(data), err == nil
}

func parseModules(top, source string) []submodule {
	var found []submodule
	for _, line := range modulePath.FindAllStringSubmatch(source, -1) {
		name := line[1]
		if text, err := strconv.Unquote(name); err == nil {
			name = text
		}
		if name = filepath.FromSlash(name); filepath.IsLocal(name) {
			found = append(found, submodule{filepath.Join(top, name), top})
		}
	}
	slices.SortFunc(found, func(a, b submodule) int { return strings.Compare(a.path, b.path) })
	return slices.Compact(found)
}

// checkedOut reports whether there is something in the folder of a submodule. One that is
// a part of the work tree and was not fetched is an empty folder; one whose folder is
// not there was left out on purpose (a sparse checkout).
func (m submodule) checkedOut() bool {
	dir, err := os.Open(m.path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) || m.left()
	}
	defer dir.Close()
	_, err = dir.Readdirnames(1)
	return err == nil || !errors.Is(err, io.EOF)
}

// left reports whether a folder that is not there is no matter of this checkout.
func (m submodule) left() bool {
	_, err := os.Stat(filepath.Dir(m.path))
	return err != nil
}

// hint is the command that checks a submodule out.
func (m submodule) hint(c *Config) string {
	name := c.shown(m.path)
	if strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune("/._-", r) && !isWordRune(r) }) {
		name = "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return "git submodule update --init " + name
}

func isWordRune(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f
}

// mayMatch reports whether what is below a folder, or the folder, could match an entry:
// the folder matches the beginning of the pattern.
func (c *Config) mayMatch(entry Entry, folder string) bool {
	if slices.ContainsFunc(entry.Exclude, func(exclude string) bool { return c.excludes(exclude, folder) }) {
		return false
	}
	base, rest := c.base(entry.Path)
	relative, err := filepath.Rel(base, folder)
	if err != nil || !filepath.IsLocal(relative) {
		return false
	}
	at := filepath.ToSlash(relative)
	parts := strings.Split(rest, "/")
	if slices.ContainsFunc(strings.Split(at, "/"), func(part string) bool { return slices.Contains(neverSearched, part) }) && hasWildcard(rest) {
		return false
	}
	if !slices.Contains(parts, chartsFolder) && c.inCharts(base, at) {
		return false
	}
	for i := range parts {
		if ok, err := doublestar.Match(path.Join(parts[:i+1]...), at); err == nil && ok {
			return true
		}
	}
	ok, err := doublestar.Match(rest, at)
	return err == nil && ok
}

// inCharts reports whether a path below base lies in the charts folder of an extension.
func (c *Config) inCharts(base, at string) bool {
	parts := strings.Split(at, "/")
	for i, part := range parts {
		if part == chartsFolder && isExtension(filepath.Join(base, filepath.FromSlash(path.Join(parts[:i]...)))) {
			return true
		}
	}
	return false
}
