package ruletest

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/lint"
)

// sameInChinese is what stands in Chinese as it does in English: what is quoted, code, names with more than
// letters in them, and what the author of a template said.
var sameInChinese = regexp.MustCompile("`[^`]*`" +
	`|"(?:[^"\\]|\\.)*"|“[^”]*”|'[^']*'|\{\{.*?\}\}|# ?ksrelease:ignore [a-z/-]+(?: REASON)?` +
	`|https?://[A-Za-z0-9_./%-]*|[A-Za-z0-9_./@=*$:-]*[/.@=*$_-][A-Za-z0-9_./@=*$-]*` +
	`|git lfs pull|ksrelease(?: [a-z]+){1,3}|an ingress is needed|(?m)^ .*$|^(?:- |[A-Za-z]+: ?).*$`)

// inEnglish are three words in a row, or one of those that join words.
var inEnglish = regexp.MustCompile(`(?:\b[A-Za-z]+\b[:;]? ){2}[a-z]{2,}\b|\b(?:and|is|of|in|the|with|on|which|to|a|an|so|but|for|are|has) [a-z]`)

// inChinese are the faults that findings have where they are shown in Chinese: messages and hints that the
// catalog does not find again, in whole or in part, because a rule puts them together from pieces.
func inChinese(findings []lint.Finding) (problems []string) {
	for _, f := range findings {
		for _, text := range []struct{ kind, english, chinese string }{
			{"message", f.Message, language.Chinese.Text(f.Message)},
			{"hint", f.Hint, language.Chinese.Hint(f.Hint)},
		} {
			left := sameInChinese.ReplaceAllString(text.chinese, "…")
			isSame := text.chinese == text.english && strings.Contains(text.english, " ")
			isOpen := strings.Count(left, "(") != strings.Count(left, ")") || strings.Count(left, "（") != strings.Count(left, "）")
			if isSame || isOpen || inEnglish.MatchString(left) {
				problems = append(problems, fmt.Sprintf("%s in Chinese (%s):\n  %s\n  %s", text.kind, f.Code, text.english, text.chinese))
			}
		}
	}
	return problems
}
