// Package request reads which extensions somebody asks to release: by a git tag, the title of a
// pull request, or a comment. What is asked is held strictly to what the project declares. It
// asks nobody; texts of strangers come in, and nothing of them is executed.
package request

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/tags"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Kind is what asks.
type Kind string

// The kinds.
const (
	Tag     Kind = "tag"
	Title   Kind = "title"
	Comment Kind = "comment"
)

// Request is what somebody asks to release. Its texts are those of strangers.
type Request struct {
	Kind Kind
	// Text is as it was given. Where a tag was looked for among several, it is empty until
	// Choose has found it.
	Text string

	wanted     []wanted       // of a title or comment
	patterns   []tags.Pattern // of a tag
	candidates []string       // tags of which exactly one has to mean an extension; nil: Text
}

type wanted struct {
	name, version string // without a version any is meant
}

// FromTag is a request by a tag; refs/tags/ may stand before it. Without patterns, those that are
// built in hold.
func FromTag(tag string, patterns []tags.Pattern) *Request {
	return &Request{Kind: Tag, Text: tag, patterns: patterns}
}

// FromTags is a request by the one of some tags that means a declared extension.
func FromTags(all []string, patterns []tags.Pattern) *Request {
	return &Request{Kind: Tag, patterns: patterns, candidates: append([]string{}, all...)}
}

// longest is how many bytes of a title or comment are read: a hundred names, and some more. GitHub
// has titles of 256 characters.
const longest = 8 << 10

// forms is how a title and a comment are written, for hints.
const forms = `write the title as "release NAME" or "release NAME1, NAME2", and a comment as "/release NAME1 NAME2"; NAME@VERSION asks for that version`

// FromTitle reads the title of a pull request, "release NAME1, NAME2", or a comment,
// "/release NAME1 NAME2". NAME may be NAME@VERSION. Blanks around it do not count; any other
// text is an error, with a hint.
func FromTitle(text string) (*Request, error) {
	r := &Request{Kind: Title, Text: strings.TrimSpace(text)}
	if strings.HasPrefix(r.Text, "/") {
		r.Kind = Comment
	}
	if len(r.Text) > longest {
		return nil, failure.WithHint(fmt.Errorf("the %s has %d bytes, and at most %d are read", r.Kind, len(r.Text), longest), forms)
	}
	items, err := r.items()
	if err != nil {
		return nil, failure.WithHint(err, forms)
	}
	for _, item := range items {
		w, err := r.wantedBy(item)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(r.wanted, func(other wanted) bool { return other.name == w.name }) {
			return nil, failure.WithHint(fmt.Errorf("the %s names %s twice", r.Kind, w.name), "name each extension once")
		}
		r.wanted = append(r.wanted, w)
	}
	return r, nil
}

// begins is the first word of each form, and what comes behind it.
var begins = map[Kind]*lazyregexp.Regexp{
	Title:   lazyregexp.New(`^release +(.*)$`),
	Comment: lazyregexp.New(`^/release +(.*)$`),
}

// items are what a text names, divided.
func (r *Request) items() ([]string, error) {
	if strings.ContainsAny(r.Text, "\r\n") {
		return nil, fmt.Errorf("the %s has several lines, and more than the request in them", r.Kind)
	}
	parts := begins[r.Kind].FindStringSubmatch(r.Text)
	switch {
	case parts == nil && (r.Text == "release" || r.Text == "/release"):
		return nil, fmt.Errorf("the %s names no extension", r.Kind)
	case parts == nil:
		return nil, fmt.Errorf("the %s %s asks for no release", r.Kind, quoted(r.Text))
	}
	if r.Kind == Comment {
		return strings.FieldsFunc(parts[1], func(c rune) bool { return c == ' ' }), nil
	}
	items := strings.Split(parts[1], ",")
	for i := range items {
		if items[i] = strings.Trim(items[i], " "); items[i] == "" {
			return nil, fmt.Errorf("the title %s has nothing before or behind a comma", quoted(r.Text))
		}
	}
	return items, nil
}

// wantedBy reads NAME or NAME@VERSION.
func (r *Request) wantedBy(item string) (wanted, error) {
	name, version, hasVersion := strings.Cut(item, "@")
	if naming.ValidName(name) != nil {
		hint := forms
		if words := strings.Fields(item); len(words) == 2 && naming.ValidName(words[0]) == nil && isVersion(words[1]) {
			hint = "write " + words[0] + "@" + words[1]
		} else if allNames(words) {
			hint = "divide the names by commas: release " + strings.Join(words, ", ")
		}
		return wanted{}, failure.WithHint(fmt.Errorf("%s in the %s is no name of an extension", quoted(name), r.Kind), "%s", hint)
	}
	if hasVersion && !isVersion(version) {
		return wanted{}, failure.WithHint(fmt.Errorf("%s in the %s is no version", quoted(version), r.Kind), "write NAME@MAJOR.MINOR.PATCH, such as %s@1.2.0", name)
	}
	return wanted{name, version}, nil
}

// allNames says that each word may be the name of an extension.
func allNames(words []string) bool {
	return len(words) > 1 && !slices.ContainsFunc(words, func(w string) bool { return naming.ValidName(w) != nil })
}

// isHigher says that a version is above another one.
func isHigher(version, other string) bool {
	a, wrong := semver.NewVersion(version)
	b, err := semver.NewVersion(other)
	return wrong == nil && err == nil && a.GreaterThan(b)
}

func isVersion(text string) bool {
	_, err := semver.StrictNewVersion(strings.TrimPrefix(text, "v"))
	return err == nil
}

// Choose finds what is asked for among the declared versions, by the names of their extensions;
// an empty version is that of an extension that could not be read. For each chosen name it gives
// the version, which is empty where all are meant. Whatever is asked and not there makes an
// error, with a hint, and nothing is chosen then.
func (r *Request) Choose(declared map[string][]string) (chosen map[string]string, err error) {
	if r.Kind == Tag {
		return r.byTag(declared)
	}
	chosen = map[string]string{}
	var errs []error
	for _, w := range r.wanted {
		versions, ok := declared[w.name]
		if !ok {
			errs = append(errs, r.unknown(w.name, declared))
			continue
		}
		version, err := r.versionOf(w, versions)
		if err != nil {
			errs = append(errs, err)
		}
		chosen[w.name] = version
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return chosen, nil
}

// Unknown is the error of names that nothing has that is declared, with a hint for each; nil where
// all of them are known.
func Unknown(names, declared []string) error { return unknown("extension", names, declared) }

// UnknownTarget is Unknown for names of targets.
func UnknownTarget(names, declared []string) error { return unknown("target", names, declared) }

func unknown(what string, names, declared []string) error {
	declared = slices.Compact(slices.Sorted(slices.Values(declared)))
	var errs []error
	for _, name := range names {
		if _, ok := slices.BinarySearch(declared, name); !ok {
			errs = append(errs, withNearest(fmt.Errorf("no %s is named %q", what, name), name, declared))
		}
	}
	return errors.Join(errs...)
}

// withNearest gives the error of an unknown name a hint: the one that was meant, or all.
func withNearest(err error, name string, names []string) error {
	if near, ok := yamldoc.Nearest(name, names); ok {
		return failure.WithHint(err, "did you mean %q?", near)
	}
	return failure.WithHint(err, "there are: %s", strings.Join(names, ", "))
}

func (r *Request) unknown(name string, declared map[string][]string) error {
	err := fmt.Errorf("the %s asks for %s, and no extension has that name", r.Kind, name)
	names := make([]string, 0, len(declared))
	for known := range declared {
		names = append(names, known)
	}
	slices.Sort(names)
	return withNearest(err, name, names)
}

// versionOf is the version that is meant, as its extension.yaml has it.
func (r *Request) versionOf(w wanted, declared []string) (string, error) {
	if w.version == "" || slices.Contains(declared, "") { // what cannot be read fails by itself
		return "", nil
	}
	asked := strings.TrimPrefix(w.version, "v")
	var same []string
	for _, version := range declared {
		if version == w.version && r.Kind != Tag { // a tag says nothing of the spelling
			return version, nil
		}
		if strings.TrimPrefix(version, "v") == asked {
			same = append(same, version)
		}
	}
	switch len(same) {
	case 1:
		return same[0], nil
	case 0:
		have := "its extension.yaml has " + declared[0]
		if len(declared) > 1 {
			have = "declared are " + strings.Join(declared, ", ")
		}
		hint := "ask for the version that extension.yaml has"
		if r.Kind == Tag {
			hint = "tag the commit whose extension.yaml has that version"
			if len(declared) == 1 && isHigher(asked, declared[0]) { // bump sets no lower one, and one of several folders has to be named
				hint += fmt.Sprintf(", or set it there: ksrelease bump %s --set %s", w.name, asked)
			}
		}
		return "", failure.WithHint(fmt.Errorf("the %s %s asks for %s %s, but %s", r.Kind, quoted(r.Text), w.name, asked, have), "%s", hint)
	}
	return "", failure.WithHint(fmt.Errorf("the %s %s asks for %s %s, which is declared as %s", r.Kind, quoted(r.Text), w.name, asked, strings.Join(same, " and ")), "declare one of them: both spellings mean one version")
}

// byTag chooses the one extension that a tag means.
func (r *Request) byTag(declared map[string][]string) (map[string]string, error) {
	names := make([]string, 0, len(declared))
	for name := range declared {
		names = append(names, name)
	}
	reader := tags.NewReader(r.patterns, names)
	tag, err := r.tag(reader)
	if err != nil {
		return nil, err
	}
	version, err := r.versionOf(wanted{tag.Name, tag.Version}, declared[tag.Name])
	if err != nil {
		return nil, err
	}
	return map[string]string{tag.Name: version}, nil
}

// tag is the tag that asks.
func (r *Request) tag(reader *tags.Reader) (tags.Tag, error) {
	if r.candidates == nil {
		return reader.Read(r.Text)
	}
	var found []tags.Tag
	for _, text := range r.candidates {
		tag, err := reader.Read(text)
		switch {
		case err == nil:
			found = append(found, tag)
		case errors.Is(err, tags.ErrAmbiguous):
			return tags.Tag{}, err
		}
	}
	switch len(found) {
	case 1:
		r.Text = found[0].Text
		return found[0], nil
	case 0:
		where := "the commit that is checked out has no tag"
		if len(r.candidates) > 0 {
			where = "no tag of the commit that is checked out means a declared extension: " + quotedAll(r.candidates)
		}
		return tags.Tag{}, failure.WithHint(errors.New("no tag was found: CI names none, and "+where), "name it: --tag NAME/vVERSION")
	}
	var texts []string
	for _, tag := range found {
		texts = append(texts, tag.Text)
	}
	return tags.Tag{}, failure.WithHint(fmt.Errorf("the commit that is checked out has several tags of extensions: %s", quotedAll(texts)), "name one of them: --tag %s", texts[0])
}

// quotedAll are some texts, for a message.
func quotedAll(all []string) string {
	const shown = 5
	var texts []string
	for _, text := range all[:min(shown, len(all))] {
		texts = append(texts, quoted(text))
	}
	if more := len(all) - shown; more > 0 {
		return strings.Join(texts, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(texts, ", ")
}

// quoted is a text of a stranger, for a message.
func quoted(text string) string {
	const enough = 100
	if runes := []rune(text); len(runes) > enough {
		return fmt.Sprintf("%q…", string(runes[:enough]))
	}
	return fmt.Sprintf("%q", text)
}
