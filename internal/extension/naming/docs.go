package naming

import "strings"

// DocLanguage is the language of a file at the top of the extension that KubeSphere's
// console shows as STEM: README.md, or README_zh.md, README-zh.md, README.zh.md, in any
// case. It is empty for the one without a language, and not ok for any other file.
func DocLanguage(name, stem string) (language string, ok bool) {
	lower := strings.ToLower(name)
	rest, ok := strings.CutPrefix(lower, strings.ToLower(stem))
	if !ok || strings.Contains(name, "/") {
		return "", false
	}
	if rest, ok = strings.CutSuffix(rest, ".md"); !ok || rest == "" {
		return "", ok
	}
	return rest[1:], strings.ContainsRune("_-.", rune(rest[0])) && len(rest) > 1
}

// IsDoc reports whether a file at the top of the extension is STEM.md in any language.
func IsDoc(name, stem string) bool {
	_, ok := DocLanguage(name, stem)
	return ok
}
