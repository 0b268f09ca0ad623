package language_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/language/collect"
)

func messages(t *testing.T) (found []collect.Message, catalog map[string]string) {
	t.Helper()
	found, err := collect.Messages("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("zh.gotext.json")
	if err != nil {
		t.Fatal(err)
	}
	var file language.File
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	catalog = map[string]string{}
	for _, m := range file.Messages {
		if _, twice := catalog[m.ID]; twice {
			t.Errorf("%q is there twice", m.ID)
		}
		catalog[m.ID] = m.Translation
	}
	return found, catalog
}

const repair = "run go run ./internal/language/generate, and translate what has no translation"

func TestEachMessageIsTranslated(t *testing.T) {
	found, catalog := messages(t)
	inSource := map[string]bool{}
	for _, m := range found {
		inSource[m.ID] = true
		if catalog[m.ID] == "" {
			t.Errorf("%s has no translation: %s", m, repair)
		}
	}
	for id := range catalog {
		if !inSource[id] {
			t.Errorf("%q is no longer in the source: %s", id, repair)
		}
	}
}

var (
	verbs = regexp.MustCompile(`%(?:\[(\d+)\])?[-+# 0]*(?:\*|\d+)?(?:\.\d+)?([sdqvwxtcfTUo])|%%|\$\{\w+\}`)
	// kept are the words that are the same in each language: what stands in backquotes, flags, variables
	// and addresses.
	kept = regexp.MustCompile("`[^`]+`" + `|(?:^|[ (])(--[a-z][a-z-]+)|\b[A-Z]+_[A-Z_]+\b|https?://[^\s",;)，；）]*[^\s",;)，；）.]`)
)

func TestTranslationsKeepWhatIsTheSame(t *testing.T) {
	_, catalog := messages(t)
	for id, translation := range catalog {
		if translation == id || translation == "" {
			continue
		}
		if id != "one %s" && id != "chart %s" && id != "%s, %s" && !strings.HasSuffix(translation, "%s）") && !strings.ContainsFunc(translation, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%q: %q is no Chinese", id, translation)
		}
		for _, word := range kept.FindAllString(id, -1) {
			if word = strings.TrimLeft(word, " ("); !strings.Contains(translation, word) {
				t.Errorf("%q: %q has no %s", id, translation, word)
			}
		}
		if wide := strings.HasPrefix(translation, "（") || strings.HasPrefix(translation, "，"); !wide && strings.TrimLeft(id, " \n") == id != (strings.TrimLeft(translation, " \n") == translation) || strings.TrimRight(id, " \n") == id != (strings.TrimRight(translation, " \n") == translation) {
			t.Errorf("%q: %q begins or ends in another way", id, translation)
		}
		if wrong := verbsDiffer(id, translation); wrong != "" {
			t.Errorf("%q: %q %s", id, translation, wrong)
		}
	}
}

// verbsDiffer says what fmt would make of a translation that is wrong.
func verbsDiffer(id, translation string) string {
	var plain, numbered, english []string
	for _, v := range verbs.FindAllStringSubmatch(id, -1) {
		if v[0] != "%%" {
			english = append(english, v[0])
		}
	}
	for _, v := range verbs.FindAllStringSubmatch(translation, -1) {
		switch {
		case v[0] == "%%":
		case v[1] != "":
			numbered = append(numbered, v[0])
			at := 0
			_, _ = fmt.Sscan(v[1], &at)
			if at < 1 || at > len(english) || !strings.HasSuffix(english[at-1], v[2]) {
				return "has " + v[0] + ", which English has not"
			}
		default:
			plain = append(plain, v[0])
		}
	}
	switch {
	case len(plain) > 0 && len(numbered) > 0:
		return "has verbs with numbers and without"
	case len(numbered) == 0 && !slices.Equal(plain, english):
		return fmt.Sprintf("has the verbs %v, and not %v", plain, english)
	}
	return ""
}

// TestMessagesAreFoundAgain: each text of the source with values in it is found again in the message, with
// these values; otherwise the message would be shown with other words than those of its translation.
func TestMessagesAreFoundAgain(t *testing.T) {
	_, catalog := messages(t)
	language.Use(language.Chinese)
	defer language.Use(language.English)
	for id, translation := range catalog {
		if translation == id || translation == "" || strings.Contains(id, "*") || strings.TrimLeft(id, " ,;:)\n") != id || strings.TrimRight(id, " (\n") != id {
			continue // what is part of a line is found in lines
		}
		english, want := filled(id, id), filled(id, translation)
		letters := 0
		for _, r := range verbs.ReplaceAllString(id, "") {
			if unicode.IsLetter(r) {
				letters++
			}
		}
		if letters < 6 || !strings.Contains(english, " ") {
			continue
		}
		if got := language.Text(english); got != want {
			t.Errorf("%q: %q, want %q", english, got, want)
		}
	}
}

// filled puts a value in place of each verb; it is another one for each place. What follows another value of
// the text in English is an addition.
func filled(id, format string) string {
	next, number, additions := 0, 0, map[int]bool{}
	end := -1
	for _, at := range verbs.FindAllStringIndex(id, -1) {
		if id[at[0]:at[1]] != "%%" {
			additions[number] = at[0] == end
			number++
		}
		end = at[1]
	}
	return verbs.ReplaceAllStringFunc(format, func(v string) string {
		if v == "%%" {
			return "%"
		}
		parts := verbs.FindStringSubmatch(v)
		at := next
		if parts[1] != "" {
			_, _ = fmt.Sscan(parts[1], &at)
			at--
		}
		next = at + 1
		switch parts[2] {
		case "d":
			return fmt.Sprint(40 + at)
		case "q":
			return fmt.Sprintf("%q", fmt.Sprintf("vv-%d", at))
		case "f":
			return fmt.Sprintf("%d.5", at)
		case "t":
			return "true"
		case "c":
			return "c"
		case "o":
			return fmt.Sprintf("%04o", 0o640+at)
		case "x":
			return fmt.Sprintf("%x", 0xabc0+at)
		}
		if additions[at] {
			return fmt.Sprintf(", vv-%d", at)
		}
		return fmt.Sprintf("vv-%d", at)
	})
}
