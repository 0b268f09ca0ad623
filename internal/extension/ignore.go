package extension

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/ignore"
)

// neverPacked are names (of files or folders, at any depth) that are no part
// of an extension whatever its .helmignore says: version control, leftovers of
// editors, environment files, private keys, and what is ksrelease's own.
var neverPacked = []string{
	".git", ".hg", ".svn", ".bzr", ".gitignore",
	".DS_Store", ".idea", ".vscode", "*.swp", "*~", "*.orig",
	".env", ".env.*",
	"id_rsa*", "id_ed25519*", "*.p12",
	".ksrelease", ".ksrelease.yaml", ".ksrelease.baseline.yaml",
}

// isNeverPacked tells whether a file is kept out of every package because of
// one of its folders' names, or its own.
func isNeverPacked(name string) bool {
	for _, part := range strings.Split(name, "/") {
		if isNeverPackedPart(part) {
			return true
		}
	}
	return false
}

func isNeverPackedPart(part string) bool {
	for _, pattern := range neverPacked {
		// The patterns are constants that a test has seen to compile.
		if ok, err := path.Match(pattern, part); ok && err == nil {
			return true
		}
	}
	return false
}

// isOwnPackage tells whether name, at the top of the extension, is a package
// that an earlier run (or ksbuilder, or helm) left there: NAME-VERSION.tgz.
func isOwnPackage(extension, name string) bool {
	if extension == "" || strings.Contains(name, "/") {
		return false
	}
	rest, ok := strings.CutPrefix(name, extension+"-")
	return ok && strings.HasSuffix(rest, ".tgz")
}

// helmIgnore reads the .helmignore of an extension just as Helm's LoadDir does:
// only the one at the top counts, and Helm's own default (hidden files below
// templates/) is added to it. A nil source is a missing file.
func helmIgnore(source []byte) (*ignore.Rules, error) {
	rules := ignore.Empty()
	if source != nil {
		parsed, err := ignore.Parse(bytes.NewReader(source))
		if err != nil {
			return nil, fmt.Errorf("reading .helmignore: %w: mend the pattern", err)
		}
		rules = parsed
	}
	rules.AddDefaults()
	return rules, nil
}
