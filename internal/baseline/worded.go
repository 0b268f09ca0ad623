package baseline

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/lint"
)

// worded is what version 1 of the format knew a finding by: its rule, its file and
// its message. Messages have changed since, so that a finding which is not there
// word by word is looked for by what the message said: the code it stands for today
// (codesOfMessages), and the names in it.
type worded struct{ Rule, File, Message string }

func wordsOf(f lint.Finding) worded {
	return worded{Rule: f.Rule(), File: f.File, Message: steady(f.Message)}
}

// reworded finds the entry of version 1 that is about a finding.
func (f findings) reworded(found lint.Finding) (worded, bool) {
	var about []worded
	for w := range f.worded {
		if w.Rule == found.Rule() && w.File == found.File && w.code() == found.Code && w.isAbout(found) {
			about = append(about, w)
		}
	}
	if len(about) == 0 {
		return worded{}, false
	}
	return slices.MinFunc(about, func(a, b worded) int { return strings.Compare(a.Message, b.Message) }), true
}

// isAbout reports whether a message names what a finding is about.
func (w worded) isAbout(f lint.Finding) bool {
	if f.Code == "least-privilege/sensitive" {
		return true // the message named what the rule opens, not the resources
	}
	subject := f.Subject
	if f.Rule() == "schema" { // the message named the field, not what it is in
		subject = subject[strings.LastIndexByte(subject, '.')+1:]
	}
	for _, word := range strings.Fields(subject) {
		if !hasWord(w.Message, word) {
			return false
		}
	}
	return true
}

// hasWord reports whether a text has a word that is no part of a longer one: nginx:1.2
// does not stand in nginx:1.27, nor in nginx:1.2.7.
func hasWord(text, word string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		begin, end := at+i, at+i+len(word)
		if !joins(text[:begin], true) && !joins(text[end:], false) {
			return true
		}
		at = begin + 1
	}
}

// joins reports whether a text goes on with a word: at its end, or at its beginning.
func joins(text string, atEnd bool) bool {
	next, first := utf8.DecodeRuneInString, func(s string, n int) string { return s[n:] }
	if atEnd {
		next, first = utf8.DecodeLastRuneInString, func(s string, n int) string { return s[:len(s)-n] }
	}
	r, width := next(text)
	if width > 0 && strings.ContainsRune("./:", r) { // a stop may end the sentence
		r, width = next(first(text, width))
	}
	return width > 0 && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_')
}

// code is what a finding with this message is called today; it is empty where
// nobody knows.
func (w worded) code() string {
	for _, known := range codesOfMessages[w.Rule] {
		if strings.Contains(w.Message, known.words) {
			return w.Rule + "/" + known.code
		}
	}
	return ""
}

// codesOfMessages are the codes of the findings that version 1 of the format knew by
// their messages, by rule: the first whose words stand in the message. The list is
// complete: what came later has never been in such a file.
var codesOfMessages = map[string][]struct{ words, code string }{
	"schema": {{` is missing`, "missing-key"}, {`unknown key "`, "unknown-key"}, {"", "invalid-value"}},
	"name":   {{"", "invalid"}},
	"version": {
		{"is not text", "not-text"}, {"", "invalid"},
	},
	"languages": {
		{"is not a language code", "unknown-code"}, {" is empty in the language ", "empty-text"},
		{`has no "en"`, "no-english"}, {"is not written in the language ", "missing-language"},
	},
	"constraints": {
		{"no version satisfies ", "unsatisfiable"}, {"shuts out pre-releases", "no-pre-releases"}, {"", "unreadable"},
	},
	"installation-mode": {
		{"installationMode must be ", "unknown-mode"}, {"no subchart goes to the chosen clusters", "no-agent"},
		{"has neither the tag ", "untagged"}, {"", "installed-nowhere"},
	},
	"category": {{"cannot be the value of a Kubernetes label", "not-a-label"}, {"", "unknown"}},
	"provider": {{"", "no-name"}},
	"links": {
		{"a maintainer has no name", "maintainer-without-name"}, {"is kept for examples", "placeholder"},
		{"leads to your own machine", "private-address"}, {"has a user name or password", "password-in-address"},
		{"e-mail address", "invalid-email"}, {"names a host that is not on the internet", "invalid-email"}, {"", "invalid-address"},
	},
	"external-dependencies": {
		{"is of the type ", "unknown-type"}, {"is released beside this one", "version-not-admitted"},
		{"no extension can have the name ", "invalid-name"}, {"names itself", "itself"}, {"stands here twice", "twice"},
	},
	"icon":        codesOfPictures,
	"screenshots": codesOfPictures,
	"assets": {
		{".helmignore keeps it out", "ignored-file"}, {" is embedded with ", "embedded"}, {" is damaged: ", "damaged"},
		{"for a small square in a list", "large-icon"}, {" is no square: ", "icon-not-square"}, {"has the file name of ", "same-name"},
		{" moves", "animated-icon"}, {"icon", "icon-pixels"}, {" pixels", "screenshot-pixels"}, {"", "large-screenshot"},
	},
	"readme": codesOfTexts,
	"changelog": slices.Concat(
		[]struct{ words, code string }{{"does not name this version", "version-not-named"}}, codesOfTexts),
	"permissions": {
		{"documents, the others were not read", "too-many-documents"}, {"text stands behind the hyphens", "text-after-separator"},
		{"this document holds no fields", "not-a-mapping"}, {"passes over", "unknown-kind"}, {" has no rules", "no-rules"},
		{"a rule must be a mapping", "rule-not-a-mapping"}, {"which nothing reads", "unknown-key"}, {"the rule has no ", "incomplete-rule"},
		{"a Role cannot have nonResourceURLs", "urls-in-role"}, {"not both: Kubernetes refuses it", "urls-and-resources"},
		{"must be a list of texts", "not-text"}, {" must be a list:", "not-a-list"}, {"", "unreadable"},
	},
	"least-privilege": {{"the wildcard *", "wildcard"}, {"", "sensitive"}},
	"secrets": {
		{"files of this name hold", "key-file"}, {"a private key ", "private-key"},
		{"a password of an image registry", "registry-password"}, {"", "token"},
	},
	"leftovers": {{"the packaged subchart holds", "packed-in-subchart"}, {"", "packed"}},
	"chart": {
		{"more than one dependency with the name or alias", "dependency-twice"}, {"Helm cannot load the chart: ", "not-loaded"},
		{"the chart is of the type ", "type"}, {" in Chart.yaml is ", "other-chart"}, {"staticFileDirectory leaves that out", "file-left-out"},
		{"the values have no mapping under ", "values-not-a-mapping"}, {"Helm cannot work out the subcharts", "values-not-merged"},
		{" is not there: no chart under charts/", "missing-dependency"}, {"the alias ", "alias-without-version"},
		{"asks for version ", "other-version"}, {"which is switched on and not under its charts/", "missing-nested-dependency"},
		{"is given twice", "repeated-key"}, {"", "not-loaded"},
	},
	"dependencies": {
		{" is not among the dependencies", "undeclared"}, {" hold charts with one name", "same-name"},
		{"enabled: false has no effect", "enabled-without-effect"}, {"has a blank beside a comma", "condition-with-blank"},
		{" in values.yaml: Helm passes over what is not true or false", "condition-not-boolean"},
		{": Helm passes over it, and the subchart stays on", "condition-without-value"},
		{": Helm passes over them, and the subchart stays on", "condition-without-value"},
		{"is not a mapping of tags", "tags-not-a-mapping"}, {": Helm passes over what is not true or false", "tag-not-boolean"},
		{"but KubeSphere sets it", "tag-set-by-kubesphere"}, {"no dependency has the tag ", "unused-tag"},
		{"is switched off here without effect", "tag-without-effect"}, {"is switched off here, so that ", "tag-off"},
	},
	"dependency-lock": {
		{"is not packed: ", "replaced"}, {"Chart.lock is out of sync", "out-of-sync"}, {"is not locked: ", "not-locked"},
		{"is there, but not in version ", "other-version"}, {"", "unreadable"},
	},
	"values-schema": {{"the schema of the values ", "not-a-schema"}, {"", "value-refused"}},
	"render": {
		{"Helm cannot render the chart: ", "not-rendered"}, {"templates that do not render, the others", "too-many-broken"},
		{" does not render: ", "broken-template"}, {"of what the template renders begins ", "not-an-object"}, {"that is not YAML", "not-yaml"},
	},
	"helm-lint": {
		{" is none of Helm's", "api-version"}, {"is not text: ", "not-text"},
		{"a maintainer has no name", "maintainer-without-name"}, {"the source ", "invalid-source"}, {"is under charts/ and no dependency", "undeclared-chart"},
		{"Helm takes each file under templates/", "file-ending"}, {".Release.Time", "release-time"}, {"crd-install", "crd-install-hook"},
		{"begins with an indented line", "indented-output"}, {"has a name that Kubernetes does not take", "invalid-object-name"},
		{" has no name", "invalid-object-name"}, {"has no selector", "no-selector"}, {"has not had since", "removed-api"},
		{"is given twice", "repeated-key"}, {" is of ", "deprecated-api"},
	},
	"ci-values": {
		{"were not tried", "too-many"}, {"they break values.schema.json", "values-refused"},
		{"these values: the values have no mapping under ", "values-not-merged"}, {"these values: Helm cannot work out", "values-not-merged"},
		{" does not render with these values: ", "broken-template"}, {"", "unreadable"},
	},
	"images": {
		{"the annotation ", "unlisted-hook"}, {"extension.yaml lists no images", "no-list"}, {"which images in extension.yaml does not list", "unlisted"},
		{" has no image", "no-image"}, {"has an image that cannot be pulled", "invalid-image"}, {"is no image reference", "invalid-entry"},
		{"is listed twice", "listed-twice"},
		{"and nothing uses it", "unused"},
	},
	"image-registry": {
		{"without a slash between them", "no-slash"}, {"not at the beginning", "not-at-the-beginning"}, {"", "not-obeyed"},
	},
	"node-selector": {{"", "not-obeyed"}},
	"ignore": {
		{"the comment names no rule", "no-rule"}, {"there is no rule ", "unknown-rule"}, {"gives no reason", "no-reason"}, {"", "unused"},
	},
}

var codesOfPictures = []struct{ words, code string }{
	{"is an SVG image by another name", "svg-by-another-name"}, {" is empty", "empty"}, {"is not an image: ", "not-an-image"},
	{"is a data: URI without an image", "not-an-image"}, {"is not a URL that anybody can open", "not-an-address"}, {"", "not-a-file"},
}

var codesOfTexts = []struct{ words, code string }{
	{"there is no ", "missing"}, {" is empty", "empty"}, {"", "dead-reference"},
}

// moving is what messages said that is another when something else changes: lines, how
// many of a kind there are, and sizes.
var moving = []struct {
	pattern *lazyregexp.Regexp
	with    string
}{
	{lazyregexp.New(`\bline \d+`), "line …"},
	{lazyregexp.New(`:\d+: `), ":…: "},
	{lazyregexp.New(`\b(?:\d+|one) (rule|file|image|other \w+?)s?(?: does| do)?\b`), "… $1"},
	{lazyregexp.New(`\b\d+(?:\.\d+)? (?:B|[KMG]iB)\b`), "… B"},
}

// steady takes out of a message what changes when code moves, or when a finding of
// several is corrected. Version 1 has messages in this form.
func steady(message string) string {
	for _, m := range moving {
		message = m.pattern.ReplaceAllString(message, m.with)
	}
	return message
}
