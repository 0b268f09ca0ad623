package discover

import (
	"strings"
)

// lineEnds are the attributes of git by which each checkout of a file has the line ends that
// were committed, LF (gitattributes, "End-of-line conversion").
const lineEnds = "text=auto eol=lf"

// Attributes is a .gitattributes with a line for each path of the config that declares the
// extensions; what was there stays, and added says how many lines are new. The paths are
// relative to the current folder, in which the file will lie.
func Attributes(found Found, was string) (text string, added int) {
	text = was
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	there := map[string]bool{}
	for line := range strings.Lines(was) {
		there[strings.TrimSpace(line)] = true
	}
	for _, e := range entriesFor(found) {
		line := attributePattern(e.path) + " " + lineEnds
		if there[line] {
			continue
		}
		there[line] = true
		text += line + "\n"
		added++
	}
	return text, added
}

// attributePattern is the pattern of all that is in the folders which a path of a config
// matches. A name with a blank has to be quoted, as in C.
func attributePattern(path string) string {
	pattern := "/**"
	if path != "." {
		pattern = "/" + strings.ReplaceAll(path, "$$", "$") + "/**"
	}
	if !strings.ContainsFunc(pattern, func(r rune) bool { return r <= ' ' || r == '"' || r == 0x7f }) {
		return pattern
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\a", `\a`).Replace(pattern) + `"`
}
