package texts

import (
	"fmt"
	"strings"

	"golang.org/x/text/language"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Languages is the rule languages.
func Languages() rule.Rule {
	return rule.Rule{
		Name:    "languages",
		Summary: "texts are under language codes of ISO 639-1, in English too, and in the same languages everywhere",
		Why: "KubeSphere shows `displayName`, `description` and `provider` in the reader's language, which it looks up by its " +
			"code of two letters (`tc`, which is no code of ISO 639-1, for Traditional Chinese). A key that is no such code, such as `zh-CN` or `english`, is shown to nobody.\n\n" +
			"Where the reader's language is not there, the text under `en` is shown, without `en` the one under `zh`, and " +
			"without both any one of the others. The marketplace takes the `en` description for the chart.",
		Fix: "Use codes such as `en`, `zh`, `ja` or `de`, always with `en`, and write name and description in the same languages:\n\n" +
			"displayName:\n  en: Web\n  zh: 网站\ndescription:\n  en: A web server.\n  zh: 网站服务器。",
		Source: "The extension development guide of KubeSphere (ISO 639-1); `Locales.Default` of KubeSphere 4 (kubesphere.io/api/core/v1alpha1); " +
			"ksbuilder v0.4.5 refuses other codes (its package iso639). Which codes there are: the IANA registry of language subtags, without those withdrawn.",
		Codes: []rule.Code{
			{Name: "unknown-code", Meaning: "a key is no language code"},
			{Name: "empty-text", Meaning: "a text is empty"},
			{Name: "no-english", Meaning: "a text is not there in English"},
			{Name: "missing-language", Meaning: "a text is there in a language in which another one is not"},
		},
		Default: rule.Warning,
		Run:     checkLanguages,
	}
}

func checkLanguages(pass *rule.Pass) {
	for _, field := range [...]string{"displayName", "description", "provider"} {
		languagesOf(pass, field)
	}
	sameLanguages(pass, "displayName", "description")
	sameLanguages(pass, "description", "displayName")
}

// fallbackLanguage is the one whose text stands in for those that are missing.
const fallbackLanguage = "en"

// languagesOf looks at the keys and texts of one field.
func languagesOf(pass *rule.Pass, field string) {
	texts, _ := pass.Field(field).(map[string]any)
	if len(texts) == 0 {
		return // the schema says so
	}
	fallback := false
	for _, key := range rule.SortedKeys(texts) {
		code := languageCode(key)
		fallback = fallback || code == fallbackLanguage
		if code != key {
			_, there := texts[code]
			pass.Problem(rule.Found("unknown-code", key, field), pass.Ext.Document.ProblemAtKey(
				fmt.Sprintf("%q in %s is not a language code of ISO 639-1", excerpt.OneLine(key), field), languageHint(code, there), field, key))
			continue
		}
		if text, ok := texts[key].(string); ok && strings.TrimSpace(text) == "" {
			pass.Problem(rule.Found("empty-text", field, key), pass.Ext.Document.Problem(
				fmt.Sprintf("%s is empty in the language %s", field, key), "write it, or remove the line", field, key))
		}
	}
	if !fallback {
		pass.Problem(rule.Found("no-english", field), pass.Ext.Document.ProblemAtKey(
			fmt.Sprintf("%s has no %q, which KubeSphere shows to readers of all languages that are not there", field, fallbackLanguage),
			"add it in English, under "+fallbackLanguage, field))
	}
}

// sameLanguages reports the languages in which the first field is written and the
// second is not. English is a matter of its own: see languagesOf.
func sameLanguages(pass *rule.Pass, field, other string) {
	texts, _ := pass.Field(field).(map[string]any)
	others, _ := pass.Field(other).(map[string]any)
	if len(texts) == 0 || len(others) == 0 {
		return
	}
	there := map[string]bool{}
	for key := range others {
		there[languageCode(key)] = true
	}
	for _, key := range rule.SortedKeys(texts) {
		code := languageCode(key)
		if code == "" || code == fallbackLanguage || there[code] {
			continue
		}
		pass.Problem(rule.Found("missing-language", other, code), pass.Ext.Document.ProblemAtKey(
			fmt.Sprintf("%s is not written in the language %s, and %s is", other, code, field),
			fmt.Sprintf("add %s to %s, or take it out of %s", code, other, field), other))
	}
}

func languageHint(code string, there bool) string {
	const form = "the codes have two lower-case letters and name a language, not a country or a script, such as en and zh"
	switch {
	case code == "":
		return form
	case there:
		return fmt.Sprintf("remove it, for there is %q already: %s", code, form)
	}
	return fmt.Sprintf("did you mean %q? %s", code, form)
}

// languageCode is the ISO 639-1 code of the language that a key means: of itself
// (en), of a tag (zh-CN, zh_Hans), a code of three letters (zho), one that was
// withdrawn (iw), a country (cn) or a name (English). It is empty where no
// language of two letters can be found. tc is KubeSphere's own code, for Traditional Chinese.
func languageCode(key string) string {
	lower := strings.ToLower(strings.TrimSpace(key))
	if name, ok := map[string]string{"english": "en", "chinese": "zh", "tc": "tc"}[lower]; ok {
		return name
	}
	if len(lower) > maxLanguageTag {
		return ""
	}
	tag, err := language.Raw.Parse(lower)
	if err != nil {
		region, err := language.ParseRegion(lower)
		if err != nil {
			return ""
		}
		if tag, err = language.Compose(region); err != nil {
			return ""
		}
	}
	if current, err := language.DeprecatedBase.Canonicalize(tag); err == nil {
		tag = current
	}
	base, confidence := tag.Base()
	if code := base.String(); confidence >= language.High && len(code) == len(fallbackLanguage) {
		return code
	}
	return ""
}

// maxLanguageTag bounds the texts that are read as a language tag (BCP 47 asks
// for at least 35 characters); parsing takes long over long ones.
const maxLanguageTag = 35
