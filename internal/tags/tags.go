// Package tags reads and writes the git tags of releases: which extension and version a tag
// means, and how the tag of a version is named. It asks nobody: tags and declared names are
// handed to it.
package tags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/versions"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// The placeholders of a pattern.
const (
	namePlace    = "{name}"
	versionPlace = "{version}"
)

// longestTag is how many bytes of a tag are read. A name and a version of an extension have at
// most 63 each; the longest reference that git makes is that of a file name, 255.
const longestTag = 255

// Grammar is what a pattern may be, as a regular expression that Go and ECMAScript read alike:
// {version} once, {name} at most once, something between them, and around them letters, digits
// and underscores with single separators. So what git refuses in a tag (two dots, a component
// that begins with a dot, a hyphen at the beginning) cannot come out of the pattern
// (git-check-ref-format(1), https://git-scm.com/docs/git-check-ref-format).
const Grammar = `^(refs/tags/)?` + before + `(\{name\}` + between + `\{version\}|\{version\}` + between + `\{name\}|\{version\})` + after + `$`

const (
	word      = `[A-Za-z0-9_]+`
	separator = `[-+./@=]`
	before    = `(` + word + `(` + separator + word + `)*` + separator + `?)?`
	between   = `(` + separator + `(` + word + separator + `)*(` + word + `)?|` + word + `(` + separator + word + `)*` + separator + `?)`
	after     = `(` + separator + `?` + word + `(` + separator + word + `)*)?`
)

var grammar = lazyregexp.New(Grammar)

// Form is what Grammar asks for, in words that end a sentence of the form "… but".
const Form = "it must have {version} once and {name} at most once, not next to each other, among letters, digits, underscores and single separators, such as {name}/v{version}"

// BuiltIn are the patterns that hold where none are configured, as they are used in public
// repositories. The first is the form of new tags.
func BuiltIn() []string {
	return []string{"{name}/v{version}", "{name}/{version}", "{name}-{version}"}
}

// Pattern is a form of tags. Make one with [ParsePattern].
type Pattern struct {
	text                   string
	before, between, after string
	named, nameFirst       bool
}

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }

// ParsePattern reads a pattern, such as {name}/v{version}. One without {name} is for a project
// with a single extension. The error is for a sentence: "… is %q, but" and the error.
func ParsePattern(text string) (Pattern, error) {
	if !grammar.MatchString(text) {
		return Pattern{}, errors.New(Form)
	}
	p := Pattern{text: text}
	rest := strings.TrimPrefix(text, refsTags)
	name, version := strings.Index(rest, namePlace), strings.Index(rest, versionPlace)
	p.named, p.nameFirst = name >= 0, name >= 0 && name < version
	first, second := version, name
	firstPlace, secondPlace := versionPlace, namePlace
	if p.nameFirst {
		first, second, firstPlace, secondPlace = name, version, namePlace, versionPlace
	}
	p.before, rest = rest[:first], rest[first+len(firstPlace):]
	if p.named {
		second -= first + len(firstPlace)
		p.between, rest = rest[:second], rest[second+len(secondPlace):]
	}
	p.after = rest
	return p, nil
}

// hasV says that the pattern itself writes the v of a version.
func (p Pattern) hasV() bool {
	if p.nameFirst {
		return strings.HasSuffix(p.between, "v")
	}
	return strings.HasSuffix(p.before, "v")
}

// format is the tag of a version.
func (p Pattern) format(name, version string) string {
	if p.hasV() {
		version = strings.TrimPrefix(version, "v")
	}
	switch {
	case !p.named:
		return p.before + version + p.after
	case p.nameFirst:
		return p.before + name + p.between + version + p.after
	}
	return p.before + version + p.between + name + p.after
}

// Tag is what a tag says.
type Tag struct {
	Text    string // the tag, without refs/tags/
	Name    string // of a declared extension
	Version string // a semantic version without a v before it
}

// String is NAME@VERSION.
func (t Tag) String() string { return t.Name + "@" + t.Version }

// Means says that the tag is that of a version, which may have a v before it or not.
func (t Tag) Means(version string) bool { return t.Version == strings.TrimPrefix(version, "v") }

// Reader reads tags for the extensions that a project declares. It may be used by several
// goroutines.
type Reader struct {
	patterns []Pattern
	names    []string // sorted, each once
}

// NewReader makes one. Without patterns, the built-in ones hold.
func NewReader(patterns []Pattern, names []string) *Reader {
	if len(patterns) == 0 {
		for _, text := range BuiltIn() {
			p, err := ParsePattern(text)
			if err != nil {
				panic(err) // a test holds them
			}
			patterns = append(patterns, p)
		}
	}
	names = slices.Sorted(slices.Values(names))
	return &Reader{patterns, slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })}
}

// Why a tag is not read, for who decides by it.
var (
	ErrUnmatched = errors.New("unmatched tag") // no pattern and declared name
	ErrAmbiguous = errors.New("ambiguous tag") // more than one
)

// unread is the error of a tag that is not read.
type unread struct {
	message string
	kind    error // ErrUnmatched or ErrAmbiguous
}

func (e *unread) Error() string { return e.message }
func (e *unread) Unwrap() error { return e.kind }

const (
	refsTags  = "refs/tags/"
	refsHeads = "refs/heads/"
)

// Read says which extension and version a tag means; refs/tags/ may stand before it. Of several
// declared names that it may begin with, the longest counts: foo-bar-1.0.0 is foo-bar, and not
// foo. The error wraps ErrUnmatched or ErrAmbiguous, and has a hint.
func (r *Reader) Read(ref string) (Tag, error) {
	text := strings.TrimPrefix(ref, refsTags)
	if strings.HasPrefix(ref, refsHeads) {
		return Tag{}, r.unmatched(quoted(ref)+" is a branch, and no tag", "")
	}
	if len(text) > longestTag {
		return Tag{}, r.unmatched(fmt.Sprintf("the tag %s has %d characters", quoted(text), len(text)), "")
	}
	found := r.find(text, r.declares)
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return Tag{}, failure.WithHint(&unread{fmt.Sprintf("the tag %s is ambiguous: it may be %s and %s", quoted(text), found[0], found[1]), ErrAmbiguous},
			"make a tag that only one of the patterns reads (%s), or change tags.patterns in .ksrelease.yaml", r.forms())
	}
	if len(r.names) != 1 {
		for _, p := range r.patterns {
			if version, ok := p.unnamed(text); ok {
				return Tag{}, failure.WithHint(&unread{fmt.Sprintf("the tag %s does not say which extension: its pattern %s is for a project with one extension, and %d are declared", quoted(text), p, len(r.names)), ErrUnmatched},
					"name the extension in the tag, such as %s", r.example("", version))
			}
		}
	}
	return Tag{}, r.unmatched(fmt.Sprintf("the tag %s means no declared extension", quoted(text)), text)
}

// unmatched gives the error a hint: the extension that was probably meant, or the forms.
func (r *Reader) unmatched(message, text string) error {
	err := &unread{message, ErrUnmatched}
	for _, meant := range r.find(text, func(name string) bool { return name != "" }) {
		if near, ok := yamldoc.Nearest(meant.Name, r.names); ok {
			return failure.WithHint(err, "did you mean %s?", r.example(near, meant.Version))
		}
	}
	const shown = 10
	names := strings.Join(r.names[:min(shown, len(r.names))], ", ")
	if more := len(r.names) - shown; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	if names == "" {
		return failure.WithHint(err, "no extension is declared: ksrelease check says what the config declares")
	}
	return failure.WithHint(err, "tags have the form %s, with one of these names: %s", r.forms(), names)
}

// forms are the patterns, for a message.
func (r *Reader) forms() string {
	var all []string
	for _, p := range r.patterns {
		all = append(all, p.text)
	}
	if len(all) == 1 {
		return all[0]
	}
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}

// example is a tag of a version.
func (r *Reader) example(name, version string) string {
	if name == "" {
		name = "NAME"
		if len(r.names) > 0 {
			name = r.names[0]
		}
	}
	for _, p := range r.patterns {
		if p.named || len(r.names) == 1 {
			return p.format(name, version)
		}
	}
	return name + "/v" + version
}

// declares says that an extension is declared.
func (r *Reader) declares(name string) bool {
	_, found := slices.BinarySearch(r.names, name)
	return found
}

// find is all that a tag may mean, of the longest names that are admitted; what two patterns
// read alike is there once.
func (r *Reader) find(text string, admit func(name string) bool) (found []Tag) {
	for _, p := range r.patterns {
		for _, t := range p.read(text, admit, r.names) {
			longest := 0
			if len(found) > 0 {
				longest = len(found[0].Name)
			}
			switch {
			case len(t.Name) < longest, slices.Contains(found, t):
			case len(t.Name) > longest:
				found = []Tag{t}
			default:
				found = append(found, t)
			}
		}
	}
	return found
}

// read is what a tag may mean by this pattern: a pair for each place at which it can be divided
// into an admitted name and a version.
func (p Pattern) read(text string, admit func(string) bool, names []string) (found []Tag) {
	if !p.named {
		if version, ok := p.unnamed(text); ok && len(names) == 1 && admit(names[0]) {
			return []Tag{{text, names[0], version}}
		}
		return nil
	}
	middle, ok := within(text, p.before, p.after)
	for at := 0; ok; at++ {
		next := strings.Index(middle[min(at, len(middle)):], p.between)
		if next < 0 || at > len(middle) {
			break
		}
		at += next
		name, written := middle[:at], middle[at+len(p.between):]
		if !p.nameFirst {
			name, written = written, name
		}
		if !admit(name) {
			continue
		}
		if version, ok := p.version(written); ok {
			found = append(found, Tag{text, name, version})
		}
	}
	return found
}

// unnamed is the version in a tag of a pattern without a name.
func (p Pattern) unnamed(text string) (version string, ok bool) {
	middle, ok := within(text, p.before, p.after)
	if !ok || p.named {
		return "", false
	}
	return p.version(middle)
}

// within is what stands between the two.
func within(text, before, after string) (string, bool) {
	text, begins := strings.CutPrefix(text, before)
	text, ends := strings.CutSuffix(text, after)
	return text, begins && ends
}

// version reads a semantic version, with a v before it unless the pattern has that; it is
// without the v.
func (p Pattern) version(text string) (string, bool) {
	if !p.hasV() {
		text = strings.TrimPrefix(text, "v")
	}
	_, err := semver.StrictNewVersion(text)
	return text, err == nil
}

// Format is the tag of a version, by the first pattern that says which extension it means. The
// error says why there is none: git would refuse it, or it would be read as that of another
// extension.
func (r *Reader) Format(name, version string) (string, error) {
	var last error
	for _, p := range r.patterns {
		if !p.named && len(r.names) != 1 {
			last = fmt.Errorf("the pattern %s names no extension, and %d are declared", p, len(r.names))
			continue
		}
		text := p.format(name, version)
		read, err := r.Read(text)
		switch {
		case !valid(text):
			last = fmt.Errorf("git takes no tag %s, which the pattern %s makes of %s %s", quoted(text), p, name, version)
		case err != nil:
			last = err
		case read.Name != name || !read.Means(version):
			last = fmt.Errorf("the tag %s, which the pattern %s makes of %s %s, means %s %s", quoted(text), p, name, version, read.Name, read.Version)
		default:
			return text, nil
		}
	}
	return "", failure.WithHint(last, "write another pattern under tags.patterns in .ksrelease.yaml, such as {name}/v{version}")
}

// refused is what git takes in no reference, as far as a pattern, a name and a version can make
// it: git-check-ref-format(1), https://git-scm.com/docs/git-check-ref-format.
var refused = lazyregexp.New(`[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/]|[/.]$|(^|/)\.|\.lock(/|$)|^@$`)

// valid says that git takes a tag of this name.
func valid(tag string) bool { return tag != "" && len(tag) <= longestTag && !refused.MatchString(tag) }

// Releases are the tags of each extension, the newest first: by semantic version, so that
// 1.10.0 is newer than 1.9.0 and 1.0.0 newer than 1.0.0-rc.1. Tags of other things, and those
// that are ambiguous, are passed over. Of two tags of one version the one of the earlier pattern
// comes first.
func (r *Reader) Releases(all []string) map[string][]Tag {
	releases := map[string][]Tag{}
	for _, text := range all {
		text = strings.TrimPrefix(text, refsTags)
		if len(text) > longestTag {
			continue
		}
		if found := r.find(text, r.declares); len(found) == 1 {
			releases[found[0].Name] = append(releases[found[0].Name], found[0])
		}
	}
	for _, of := range releases {
		slices.SortStableFunc(of, func(a, b Tag) int {
			if order := versions.Compare(b.Version, a.Version); order != 0 {
				return order
			}
			if order := r.rank(a) - r.rank(b); order != 0 {
				return order
			}
			return strings.Compare(a.Text, b.Text)
		})
	}
	return releases
}

// rank is the number of the first pattern that reads a tag so.
func (r *Reader) rank(t Tag) int {
	return slices.IndexFunc(r.patterns, func(p Pattern) bool {
		return slices.Contains(p.read(t.Text, r.declares, r.names), t)
	})
}

// Newest is the newest tag of each extension, by name, as Releases has it first.
func (r *Reader) Newest(all []string) map[string]Tag {
	newest := map[string]Tag{}
	for name, of := range r.Releases(all) {
		newest[name] = of[0]
	}
	return newest
}

// quoted is a text that a stranger may have written, for a message.
func quoted(text string) string {
	const enough = 100
	if runes := []rune(text); len(runes) > enough {
		return fmt.Sprintf("%q…", string(runes[:enough]))
	}
	return fmt.Sprintf("%q", text)
}
