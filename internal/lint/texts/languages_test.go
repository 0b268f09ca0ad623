package texts

import "testing"

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
