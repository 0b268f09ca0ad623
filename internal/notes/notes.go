// Package notes finds the release notes of a version: its section in the CHANGELOG of each
// language, as KubeSphere's console reads them.
package notes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/changelog"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Notes are those of one version of an extension.
type Notes struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Since is the version behind which they begin; empty for those of Version alone.
	Since string `json:"since,omitempty"`
	// From is where the CHANGELOG is: "work tree", or "package" for a published one.
	From string `json:"from,omitempty"`
	// Texts are in the order of their languages; the one without a language comes first.
	Texts []Text `json:"texts"`
}

// Text is a CHANGELOG in one language.
type Text struct {
	// Language is that of the name of the file, such as zh; empty for CHANGELOG.md, which
	// KubeSphere shows to readers of all languages that have none.
	Language string    `json:"language"`
	File     string    `json:"file"`
	Sections []Section `json:"sections"` // newest first, as they stand in the file
}

// Section is what a CHANGELOG says of one version.
type Section struct {
	Version  string `json:"version"` // as the heading has it, without a v
	Heading  string `json:"heading"` // in Markdown, without its marks
	Markdown string `json:"markdown"`
}

// Options say which notes.
type Options struct {
	// Language is the one to be shown; empty is all. Where there is none, English takes its
	// place, and then the text without a language, as in KubeSphere's console
	// (packages/core/src/utils/extension.tsx, https://github.com/kubesphere/console).
	Language string
	// Since asks for all sections above that version, up to and with Version.
	Since string
}

// languageForm is what a language may be.
var languageForm = lazyregexp.New(`^[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*$`)

// Of finds the notes of a version in the files of its extension. It is an error, with a hint,
// where there is no CHANGELOG, or one of those that are wanted has no section of the version.
func Of(name, version string, files []extension.File, options Options) (*Notes, error) {
	version = strings.TrimPrefix(version, "v")
	since, err := sinceOf(options.Since, version)
	if err != nil {
		return nil, err
	}
	chosen, err := choose(name, files, options.Language)
	if err != nil {
		return nil, err
	}
	n := &Notes{Name: name, Version: version, Since: strings.TrimPrefix(options.Since, "v")}
	var lacking []string
	for _, file := range chosen {
		if len(file.Data) > changelog.Largest {
			return nil, failure.WithHint(fmt.Errorf("%s of %s has %d bytes, and at most %d are read", excerpt.OneLine(file.Name), name, len(file.Data), changelog.Largest), "move old versions to another file")
		}
		sections := wanted(file.Data, version, since)
		if !slices.ContainsFunc(sections, func(s Section) bool { return same(s.Version, version) }) {
			lacking = append(lacking, lack(file, version))
			continue
		}
		language, _ := changelog.Language(file.Name)
		n.Texts = append(n.Texts, Text{language, file.Name, sections})
	}
	if len(lacking) > 0 {
		return nil, &MissingError{fmt.Sprintf("%s %s has no notes: %s", name, excerpt.OneLine(version), strings.Join(lacking, "; ")), "write what is new below a heading ## " + excerpt.OneLine(version)}
	}
	return n, nil
}

// OptionError is that of options that nothing can be found by, whatever the CHANGELOG says.
type OptionError struct{ error }

func (e *OptionError) Unwrap() error { return e.error }

func optionError(hint, format string, values ...any) error {
	return &OptionError{failure.WithHint(fmt.Errorf(format, values...), "%s", hint)}
}

// MissingError is that of a version without notes.
type MissingError struct{ what, hint string }

func (e *MissingError) Error() string { return e.what }

// Hint is what to do about it.
func (e *MissingError) Hint() string { return e.hint }

// lack says what a CHANGELOG has in place of a version.
func lack(file extension.File, version string) string {
	const shown = 3
	var there []string
	for _, s := range changelog.Sections(file.Data, version) {
		there = append(there, s.Heading.Version)
	}
	switch more := len(there) - shown; {
	case len(there) == 0:
		return fmt.Sprintf("%s has no heading with a version", excerpt.OneLine(file.Name))
	case more > 0:
		return fmt.Sprintf("%s has sections of %s and %d more", excerpt.OneLine(file.Name), strings.Join(there[:shown], ", "), more)
	}
	return fmt.Sprintf("%s has sections of %s", excerpt.OneLine(file.Name), strings.Join(there, ", "))
}

// choose are the CHANGELOGs that are wanted, by language.
func choose(name string, files []extension.File, language string) (chosen []extension.File, err error) {
	all := map[string]extension.File{}
	var languages []string
	for _, file := range files {
		l, ok := changelog.Language(file.Name)
		if _, twice := all[l]; !ok || twice { // the console shows the first
			continue
		}
		all[l] = file
		languages = append(languages, l)
	}
	if len(all) == 0 {
		return nil, &MissingError{name + " has no CHANGELOG.md", "write one, with a heading for each version, such as ## 1.2.0"}
	}
	slices.Sort(languages)
	if language == "" {
		for _, l := range languages {
			chosen = append(chosen, all[l])
		}
		return chosen, nil
	}
	if !languageForm.MatchString(language) {
		return nil, optionError("write its code, such as en or zh", "%q is no language", excerpt.OneLine(language))
	}
	for _, l := range []string{strings.ToLower(language), "en", ""} {
		if file, ok := all[l]; ok {
			return []extension.File{file}, nil
		}
	}
	return nil, &MissingError{fmt.Sprintf("%s has no CHANGELOG for readers of %s: there is %s", name, language, all[languages[0]].Name), fmt.Sprintf("add CHANGELOG_%s.md, or CHANGELOG.md for all languages", strings.ToLower(language))}
}

// sinceOf reads the version behind which notes begin.
func sinceOf(since, version string) (*semver.Version, error) {
	if since == "" {
		return nil, nil
	}
	from, err := semver.NewVersion(since)
	if err != nil {
		return nil, optionError("write a version such as 1.2.0", "%q is no version", excerpt.OneLine(since))
	}
	to, err := semver.NewVersion(version)
	if err == nil && !from.LessThan(to) {
		return nil, optionError("name a lower version: the notes are those of the versions above it", "%s is not before %s", since, version)
	}
	return from, nil
}

// wanted are the sections of a version, or of those up to it.
func wanted(source []byte, version string, since *semver.Version) (found []Section) {
	to, _ := semver.NewVersion(version)
	links := changelog.LinksOf(source)
	for _, s := range changelog.Sections(source, version) {
		is := s.Heading.Names(version)
		if !is && since != nil && to != nil {
			v, err := semver.NewVersion(s.Heading.Version)
			is = err == nil && since.LessThan(v) && v.LessThan(to)
		}
		if is && !slices.ContainsFunc(found, func(other Section) bool { return other.Version == s.Heading.Version }) {
			found = append(found, Section{s.Heading.Version, s.Heading.Text, links.Complete(s.Body)})
		}
	}
	return found
}

func same(a, b string) bool {
	return changelog.Heading{Version: a}.Names(b)
}

// Markdown is the notes as one document: the text alone where there is one of one version, and
// else a heading above each.
func (n *Notes) Markdown() string {
	var b strings.Builder
	for _, text := range n.Texts {
		for _, s := range text.Sections {
			if len(n.Texts) > 1 || len(text.Sections) > 1 {
				if b.Len() > 0 {
					b.WriteString("\n")
				}
				b.WriteString("## " + n.Name + " " + s.Version)
				if len(n.Texts) > 1 {
					b.WriteString(" (" + text.File + ")")
				}
				b.WriteString("\n\n")
			}
			b.WriteString(s.Markdown + "\n")
		}
	}
	return b.String()
}
