// Package helmignore says which files of a folder are no part of the extension in it: by its
// .helmignore, as Helm reads that, and by what is never packed.
package helmignore

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"helm.sh/helm/v3/pkg/ignore"

	"github.com/ksrelease/ksrelease/internal/extension/unpack"
)

// Patterns are names (of files or folders, at any depth) that are no part
// of an extension whatever its .helmignore says: version control, leftovers of
// editors, files of the environment and of keys, and what is ksrelease's own. A
// name that may well be meant (*.pem, *.bak) is for lint to report.
var Patterns = []string{
	".git", ".hg", ".svn", ".bzr", ".gitignore", ".hgignore", ".bzrignore",
	".DS_Store", ".idea", ".vscode", ".project", "*.tmproj",
	"*.swp", "*.swo", "*~", ".#*", "#*#", "*.orig",
	".env", ".env.*", ".envrc", ".netrc",
	"id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.p12", "*.pfx",
	".ksrelease", ".ksrelease.yaml", ".ksrelease.baseline.yaml",
}

// NeverPacked reports whether a file is kept out of every package because of
// one of its folders' names, or its own.
func NeverPacked(name string) bool {
	for _, part := range strings.Split(name, "/") {
		if NeverPackedPart(part) {
			return true
		}
	}
	return false
}

// NeverPackedPart is NeverPacked for the name of one file or folder.
func NeverPackedPart(part string) bool {
	if names[part] {
		return true
	}
	for _, a := range affixes {
		if len(part) >= len(a.prefix)+len(a.suffix) && strings.HasPrefix(part, a.prefix) && strings.HasSuffix(part, a.suffix) {
			return true
		}
	}
	return false
}

// affix is what stands before and after the asterisk of a pattern.
type affix struct{ prefix, suffix string }

// Every name of every extension is looked at, in part more than once: to match each of Patterns was a
// quarter of what it takes to read a thousand extensions. Hence the names, and what is left of the
// patterns with an asterisk; no pattern has more than one, and a name has no slash.
var names, affixes = func() (map[string]bool, []affix) {
	names := map[string]bool{}
	var affixes []affix
	for _, pattern := range Patterns {
		if prefix, suffix, ok := strings.Cut(pattern, "*"); ok {
			affixes = append(affixes, affix{prefix, suffix})
		} else {
			names[pattern] = true
		}
	}
	return names, affixes
}()

// IsOwnPackage reports whether name, at the top of the extension, is a package
// that an earlier run (or ksbuilder, or helm) left there: NAME-VERSION.tgz, or its
// checksum, or what signs it.
func IsOwnPackage(extension, name string) bool {
	if extension == "" || strings.Contains(name, "/") {
		return false
	}
	rest, ok := strings.CutPrefix(name, extension+"-")
	for _, ending := range [...]string{".sha256", ".prov", ".sig"} {
		rest = strings.TrimSuffix(rest, ending)
	}
	return ok && strings.HasSuffix(rest, ".tgz")
}

// Parse reads the .helmignore of an extension just as Helm's LoadDir does:
// only the one at the top counts, and Helm's own default (hidden files below
// templates/) is added to it. A nil source is a missing file.
func Parse(source []byte) (*ignore.Rules, error) {
	rules := ignore.Empty()
	if err := ignoresTooMuch(source); err != nil {
		return nil, err
	}
	if source != nil {
		parsed, err := ignore.Parse(bytes.NewReader(source))
		if err != nil {
			return nil, badPattern(source, err)
		}
		rules = parsed
	}
	rules.AddDefaults()
	return rules, nil
}

// What a .helmignore may have: each file is held against each of its lines.
const (
	mostIgnoreBytes = 64 << 10
	mostIgnoreLines = 1000
)

// ignoresTooMuch refuses a .helmignore that would take longer than anybody waits.
func ignoresTooMuch(source []byte) error {
	if len(source) > mostIgnoreBytes {
		return fmt.Errorf("reading %s: it has %s, more than %s: name folders in place of files", ignore.HelmIgnore, unpack.Size(int64(len(source))), unpack.Size(mostIgnoreBytes))
	}
	if n := bytes.Count(source, []byte("\n")); n > mostIgnoreLines {
		return fmt.Errorf("reading %s: it has %d lines, more than %d: name folders in place of files", ignore.HelmIgnore, n, mostIgnoreLines)
	}
	return nil
}

// badPattern says which line of a .helmignore Helm does not take.
func badPattern(source []byte, err error) error {
	hint := "fix the pattern"
	if bytes.Contains(source, []byte("**")) {
		hint = "name a folder to leave it out with all that is in it, such as docs/"
	}
	line, pattern := firstLine(source, func(pattern []byte) bool {
		_, err := ignore.Parse(bytes.NewReader(pattern))
		return err != nil
	})
	if line == 0 {
		return fmt.Errorf("reading %s: %w: %s", ignore.HelmIgnore, err, hint)
	}
	return fmt.Errorf("reading %s: line %d, %q: %w: %s", ignore.HelmIgnore, line, pattern, err, hint)
}

// WhyLeftOut says which line of a .helmignore leaves out a file at the top, and
// what to do about it.
func WhyLeftOut(source []byte, file fs.FileInfo) string {
	line, pattern := firstLine(source, func(pattern []byte) bool {
		rules, err := ignore.Parse(bytes.NewReader(pattern))
		return err == nil && rules.Ignore(file.Name(), file)
	})
	if strings.HasPrefix(pattern, "!") {
		return fmt.Sprintf("line %d of %s, %q, leaves it out: to Helm a pattern with ! leaves out all that it does not match; remove that line", line, ignore.HelmIgnore, pattern)
	}
	return fmt.Sprintf("line %d of %s, %q, leaves it out: remove that line", line, ignore.HelmIgnore, pattern)
}

// firstLine finds the first line that is as wanted; 0 where there is none.
func firstLine(source []byte, wanted func(pattern []byte) bool) (number int, line string) {
	for text := range bytes.Lines(bytes.TrimPrefix(source, unpack.ByteOrderMark)) {
		number++
		if wanted(text) {
			return number, strings.TrimSpace(string(text))
		}
	}
	return 0, ""
}

// Line is a line of .helmignore by itself.
type Line struct {
	Number  int
	Pattern string
	Rules   *ignore.Rules
}

func Lines(source []byte) []Line {
	var lines []Line
	number := 0
	for text := range bytes.Lines(bytes.TrimPrefix(source, unpack.ByteOrderMark)) {
		number++
		pattern := strings.TrimSpace(string(text))
		if pattern == "" || strings.HasPrefix(pattern, "#") {
			continue
		}
		if rules, err := ignore.Parse(strings.NewReader(pattern)); err == nil {
			lines = append(lines, Line{number, pattern, rules})
		}
	}
	return lines
}
