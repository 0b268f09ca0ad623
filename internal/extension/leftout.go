package extension

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/ignore"
)

// LeftOut is a file that a line of .helmignore keeps out of the package.
type LeftOut struct {
	// Name is a slash path below the extension.
	Name string
	// Line is that of .helmignore, from 1, and Pattern what stands there.
	Line    int
	Pattern string
}

// ignoreLine is a line of .helmignore by itself.
type ignoreLine struct {
	number  int
	pattern string
	rules   *ignore.Rules
}

func ignoreLines(source []byte) []ignoreLine {
	var lines []ignoreLine
	number := 0
	for text := range bytes.Lines(bytes.TrimPrefix(source, byteOrderMark)) {
		number++
		pattern := strings.TrimSpace(string(text))
		if pattern == "" || strings.HasPrefix(pattern, "#") {
			continue
		}
		if rules, err := ignore.Parse(strings.NewReader(pattern)); err == nil {
			lines = append(lines, ignoreLine{number, pattern, rules})
		}
	}
	return lines
}

// maxListed bounds how many entries below folders that are left out are looked at: such a
// folder may be any (node_modules), and has mostly nothing that is needed.
const maxListed = 5000

// leaveOut remembers what a line of .helmignore leaves out: a file, or the files in a
// folder.
func (t *tree) leaveOut(name, at string, info fs.FileInfo) {
	i := slices.IndexFunc(t.lines, func(l ignoreLine) bool { return l.rules.Ignore(name, info) })
	if i < 0 {
		return // Helm's own default, or a link to nothing
	}
	line := t.lines[i]
	if !info.IsDir() {
		if t.listed++; t.listed <= maxListed {
			t.leftOut = append(t.leftOut, LeftOut{name, line.number, line.pattern})
		}
		return
	}
	enough := errors.New("enough")
	// What cannot be read is not needed: nobody reads it.
	_ = fs.WalkDir(t.root.FS(), at, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || isNeverPackedPart(path.Base(file)):
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		}
		if t.listed++; t.listed > maxListed {
			return enough
		}
		t.leftOut = append(t.leftOut, LeftOut{name + strings.TrimPrefix(file, at), line.number, line.pattern})
		return nil
	})
}

// NeededByHelm reports whether a file of an extension, or of a chart in it, is one that
// makes the chart: without it Helm installs something else, or nothing.
func NeededByHelm(name string) bool {
	inChart := nameInChart(name)
	top, rest, below := strings.Cut(inChart, "/")
	switch {
	case inChart == "values.yaml", inChart == ChartFile && inChart != name:
		return true
	case top == "templates" && below:
		return !strings.HasPrefix(rest, "tests/") && path.Base(rest) != "NOTES.txt" &&
			slices.Contains([]string{".yaml", ".yml", ".tpl", ".json", ".txt"}, path.Ext(rest))
	case top == "crds" && below:
		return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(rest))
	case top == "charts" && !strings.HasPrefix(rest, "_") && !strings.HasPrefix(rest, "."):
		return path.Ext(rest) == ".tgz" && !strings.Contains(rest, "/")
	}
	return false
}
