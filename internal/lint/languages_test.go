package lint

import "testing"

func TestLanguages(t *testing.T) {
	const names = "displayName: {en: Web, zh: 网站}\n"
	named := func(displayName string) []string {
		return []string{"extension.yaml", replaced(goodMetadata, names, displayName)}
	}
	const form = "the codes have two lower-case letters and name a language, not a country or a script, such as en and zh"
	testFindings(t, []findingTest{
		{
			name:    "a country behind the language",
			changes: named("displayName: {en: Web, zh-CN: 网站}\n"),
			want:    []string{`warning languages ext/extension.yaml:4:24: "zh-CN" in displayName is not a language code of ISO 639-1`},
			hint:    `did you mean "zh"? ` + form,
		},
		{
			name:    "the language is there without the country too",
			changes: named("displayName: {en: Web, zh: 网站, zh_TW: 網站}\n"),
			want:    []string{`warning languages ext/extension.yaml:4:32: "zh_TW" in displayName is not a language code of ISO 639-1`},
			hint:    `remove it, for there is "zh" already: ` + form,
		},
		{
			name:    "a country in place of the language",
			changes: named("displayName: {en: Web, cn: 网站}\n"),
			want:    []string{`warning languages ext/extension.yaml:4:24: "cn" in displayName is not a language code of ISO 639-1`},
			hint:    `did you mean "zh"? ` + form,
		},
		{
			name:    "a name in place of the code stands for English",
			changes: named("displayName: {English: Web, zh: 网站}\n"),
			want:    []string{`warning languages ext/extension.yaml:4:15: "English" in displayName is not a language code of ISO 639-1`},
			hint:    `did you mean "en"? ` + form,
		},
		{
			name:    "no language at all",
			changes: named("displayName: {en: Web, zh: 网站, klingon: Qap}\n"),
			want:    []string{`warning languages ext/extension.yaml:4:32: "klingon" in displayName is not a language code of ISO 639-1`},
			hint:    form,
		},
		{
			name:    "no English",
			changes: named("displayName: {zh: 网站}\n"),
			want:    []string{`warning languages ext/extension.yaml:4:1: displayName has no "en", which KubeSphere shows to readers of all languages that are not there`},
			hint:    "add it in English, under en",
		},
		{
			name:    "a provider without English",
			changes: []string{"extension.yaml", replaced(goodMetadata, "provider: {en: {name: Example}}", "provider: {zh: {name: 示例}}")},
			want:    []string{`warning languages ext/extension.yaml:7:1: provider has no "en", which KubeSphere shows to readers of all languages that are not there`},
		},
		{
			name:    "a text that is not written yet",
			changes: named("displayName: {en: Web, zh: ' '}\n"),
			want:    []string{`warning languages ext/extension.yaml:4:28: displayName is empty in the language zh`},
			hint:    "write it, or remove the line",
		},
		{
			name:    "a description in fewer languages",
			changes: append(named("displayName: {en: Web, zh: 网站, ja: ウェブ}\n"), "README_ja.md", "Web", "CHANGELOG_ja.md", "1.0.0"),
			want:    []string{`warning languages ext/extension.yaml:5:1: description is not written in the language ja, and displayName is`},
			hint:    "add ja to description, or take it out of displayName",
		},
		{
			name:    "a name in fewer languages",
			changes: named("displayName: {en: Web}\n"),
			want:    []string{`warning languages ext/extension.yaml:4:1: displayName is not written in the language zh, and description is`},
		},
		{
			name:    "an empty mapping is for the schema",
			changes: named("displayName: {}\n"),
			want:    []string{`error schema ext/extension.yaml:4:14: "displayName" must have at least 1 key, not 0`},
		},
		{
			name:    "a text without languages is for the schema",
			changes: named("displayName: Web\n"),
			want:    []string{`error schema ext/extension.yaml:4:14: "displayName" must be a mapping, not a string`},
		},
	})
}

func TestLanguageCode(t *testing.T) {
	for key, want := range map[string]string{
		"en": "en", "zh": "zh", "sr": "sr", "no": "no", "nb": "nb", "bh": "bh",
		"ZH": "zh", "zh-CN": "zh", "zh_Hans_CN": "zh", "en-US": "en", "pt-BR": "pt", " en ": "en",
		"zho": "zh", "eng": "en", "cn": "zh", "jp": "ja", "us": "en", "Chinese": "zh",
		"iw": "he", "in": "id", "mo": "ro",
		"": "", "und": "", "fil": "", "tlh": "", "qq": "", "klingon": "", "日本": "", "-": "", "en--": "", "1": "",
	} {
		if got := languageCode(key); got != want {
			t.Errorf("%q means %q, want %q", key, got, want)
		}
	}
}
