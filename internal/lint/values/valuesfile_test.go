package values

import (
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
)

// TestTruthWordsAreHelms: Helm takes exactly these words for true and false, as values and
// as keys, and reads the first document alone.
func TestTruthWordsAreHelms(t *testing.T) {
	for _, word := range []string{"y", "Y", "yes", "Yes", "YES", "yEs", "on", "On", "ON", "n", "N", "no", "No", "NO", "nO", "off", "Off", "OFF", "oN", "t", "f", "T", "ok", "none"} {
		values, err := chartutil.ReadValues([]byte("list: [x, " + word + "]\n" + word + ": 1\n---\nlist: []\n"))
		if err != nil {
			t.Fatal(err)
		}
		list, _ := values["list"].([]any)
		value, isTruth := list[1].(bool)
		_, isKey := values[word]
		if isTruth != isTruthWord(word) || isTruth && value != truthOf(word) || isKey == isTruth {
			t.Errorf("%s: %v", word, values)
		}
		if got := mayHoldTruthWords([]byte("list: [x, " + word + "]")); got != isTruth {
			t.Errorf("%s is looked at: %v", word, got)
		}
	}
	for text, want := range map[string]bool{
		"a:\n  - on\n": true, "a: {no: 1}": true, "  y : 2": true, "country: no": true, "x: [a,\n  no]": true, "'no': 1": false, "a: yes": false, "# no: 1": false, "none: 1\nonly: x": false, "a: no # b": false,
	} {
		if got := mayHoldTruthWords([]byte(text)); got != want {
			t.Errorf("%q is looked at: %v", text, got)
		}
	}
}
