package lint_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/lint"
)

// TestRulesInChinese: what a rule says of itself is in Chinese, also where a part of it is put in at run time. What
// it finds is held to Chinese by package ruletest.
func TestRulesInChinese(t *testing.T) {
	inChinese := func(text string) bool {
		return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	}
	for _, r := range lint.Rules() {
		for _, text := range []string{r.Why, r.Fix, r.Source} {
			if !inChinese(language.Chinese.Prose(text)) {
				t.Errorf("%s: %s", r.Name, language.Chinese.Prose(text))
			}
		}
		if !inChinese(language.Chinese.Word(r.Summary)) {
			t.Errorf("%s: %s", r.Name, r.Summary)
		}
		for _, c := range r.Codes {
			if !inChinese(language.Chinese.Word(c.Meaning)) {
				t.Errorf("%s/%s: %s", r.Name, c.Name, c.Meaning)
			}
		}
	}
}
