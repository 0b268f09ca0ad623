// Package language has the words of this program in the language of who reads them.
//
// The source, the documents that programs read (JSON, the journal of a run, what is kept for later
// runs) and what goes from process to process are in English. Only what is shown to people is
// translated, at the moment when it is shown: by package output for terminals, and by those that
// make pages. So a journal that was written in one language is shown in another, and nobody
// who reads JSON has to know that there are languages.
//
// A catalog has a translation for each text in the source, with the verbs of fmt for the values in it.
// [Format] translates what is about to be formatted. [Text] translates a message that was formatted
// before, perhaps by another process: it finds the text in the catalog that the message was made
// from, and the values in it, among which there are messages again.
package language

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/text/language"
)

// Language is one that this program speaks.
type Language string

// The languages there are.
const (
	English Language = "en"
	Chinese Language = "zh" // as it is written in mainland China
)

// Variable names the environment variable that chooses a language, whatever the locale is.
const Variable = "KSRELEASE_LANG"

// File is a catalog, zh.gotext.json, in the form of the command gotext of golang.org/x/text, which tools of
// translators read and write.
type File struct {
	Language string  `json:"language"`
	Messages []Entry `json:"messages"`
}

// Entry is a message and its translation.
type Entry struct {
	// ID is the text in English, as the source has it: with the verbs of fmt.
	ID string `json:"id"`
	// Translation has the same verbs. Those in another order, or of which some are left out, have
	// numbers: %[2]s.
	Translation string `json:"translation"`
	// Position are the files that have it.
	Position string `json:"position,omitempty"`
}

// inChinese is the catalog of Chinese, which is made when it is needed.
var inChinese = sync.OnceValue(func() *catalog { return newCatalog(chinese[:]) })

// current is the catalog in use; nil is English.
var current atomic.Pointer[catalog]

// Use has all that is shown from now on in a language.
func Use(l Language) { current.Store(l.catalog()) }

// Current is the language in use.
func Current() Language {
	if current.Load() == nil {
		return English
	}
	return Chinese
}

func (l Language) catalog() *catalog {
	if l != Chinese {
		return nil
	}
	return inChinese()
}

// Choose is the language that an environment asks for: that of KSRELEASE_LANG, or else that of the
// locale (LC_ALL, LC_MESSAGES, LANG, and LANGUAGE as GNU gettext reads it), or else that of the system
// where there are no locales. The error is one of KSRELEASE_LANG alone: a locale whose
// language this program does not speak is English.
func Choose(env func(string) (string, bool)) (Language, error) {
	value := func(name string) string {
		v, _ := env(name)
		return strings.TrimSpace(v)
	}
	if asked := value(Variable); asked != "" {
		l, ok := spoken(asked)
		if !ok {
			return English, fmt.Errorf("%s: there are no messages in the language %q", Variable, asked)
		}
		return l, nil
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		locale := value(name)
		if locale == "" {
			continue
		}
		if isC(locale) || !isUTF8(locale) {
			return English, nil
		}
		for wanted := range strings.SplitSeq(value("LANGUAGE"), ":") {
			if l, ok := spoken(wanted); ok {
				return l, nil
			}
		}
		l, _ := spoken(locale)
		return l, nil
	}
	l, _ := spoken(ofSystem())
	return l, nil
}

// isC says that a locale is that of programs: it has no language.
func isC(locale string) bool {
	name, _, _ := strings.Cut(locale, ".")
	return name == "C" || name == "POSIX"
}

// isUTF8 says that a terminal of a locale shows what this program writes. A locale that names no
// charset is taken for one that does.
func isUTF8(locale string) bool {
	locale, _, _ = strings.Cut(locale, "@")
	_, charset, named := strings.Cut(locale, ".")
	return !named || strings.EqualFold(strings.ReplaceAll(charset, "-", ""), "utf8")
}

// spoken is the language of a locale or tag, such as zh_CN.UTF-8 or en-GB; English where this program
// does not speak it.
func spoken(locale string) (l Language, ok bool) {
	locale, _, _ = strings.Cut(locale, "@")
	locale, _, _ = strings.Cut(locale, ".")
	if isC(locale) {
		return English, true
	}
	tag, err := language.Parse(locale)
	if err != nil {
		return English, false
	}
	base, sure := tag.Base()
	switch {
	case sure == language.No:
	case base.String() == string(Chinese):
		return Chinese, true
	case base.String() == string(English):
		return English, true
	}
	return English, false
}

// Format is a text of the source in the language in use, with the same verbs; itself where there is no
// translation.
func Format(format string) string { return current.Load().format(format) }

// Sprintf is fmt.Sprintf in the language in use.
func Sprintf(format string, values ...any) string { return Fill(Format(format), values...) }

// Text is a message in the language in use. What is no message of this program stays as it is.
func Text(message string) string { return current.Load().text(message) }

// Hint is like Text, for what is surely a message of this program, such as advice: few words are enough.
func Hint(message string) string { return current.Load().hint(message) }

// Word is a word of a document, such as an outcome or a stage, in the language in use. Text leaves
// single words as they are: they may be names.
func Word(word string) string { return Format(word) }

// List is what several messages with commas between them are in the language in use. A word alone is the end of
// the message in front of it, and so is what says more of it.
func List(messages string) string {
	if current.Load() == nil {
		return messages
	}
	parts := strings.Split(messages, ", ")
	for i, part := range parts {
		if i > 0 && (strings.Trim(part, "abcdefghijklmnopqrstuvwxyz") == "" || strings.HasPrefix(part, "which ")) {
			return Hint(messages)
		}
		parts[i] = Hint(part)
	}
	return strings.Join(parts, ", ")
}

// Join puts texts that are in the language in use already into a list.
func Join(texts []string) (list string) {
	for i, text := range texts {
		if i == 0 {
			list = text
			continue
		}
		list = Sprintf("%s, %s", list, text)
	}
	return list
}

// Noun is a word of a document for a kind of things, such as a package, in the language in use: a word may be a
// verb, too, and then be another one in another language. The catalog has it with its article.
func Noun(word string) string {
	if c := current.Load(); c != nil {
		return c.noun(word)
	}
	return word
}

// Prose is what a rule or the help says at length, in the language in use. It may have values in it, such as an
// example.
func Prose(text string) string { return current.Load().prose(text) }

// Prose is like the function, in this language.
func (l Language) Prose(text string) string { return l.catalog().prose(text) }

// Text is like the function, in this language.
func (l Language) Text(message string) string { return l.catalog().text(message) }

// Hint is like the function, in this language.
func (l Language) Hint(message string) string { return l.catalog().hint(message) }

// Word is like the function, in this language.
func (l Language) Word(word string) string { return l.catalog().format(word) }
