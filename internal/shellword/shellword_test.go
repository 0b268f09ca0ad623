package shellword

import "testing"

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"": "''", "alc@1.0.0": "alc@1.0.0", "a b": "'a b'", "it's": `'it'\''s'`, "$HOME": "'$HOME'", "ä": "'ä'", "--a=b,c:d/e_f%+": "--a=b,c:d/e_f%+",
	} {
		if got := Quote(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}
