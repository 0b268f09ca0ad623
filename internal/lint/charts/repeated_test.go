package charts

import "testing"

// TestMayRepeatKeys: what is not parsed has no key twice, and costs no parsing.
func TestMayRepeatKeys(t *testing.T) {
	if mayRepeatKeys("web:\n  a: 1\nb:\n  a: 1\nlist:\n- a: 1\n  b: 2\n- a: 1\nempty: {}\n") {
		t.Error("what has no key twice is parsed for it")
	}
	if mayRepeatKeys("script: |\n  if (x) { a: 1 }\n\n  a: 1\n  a: 1\nlist:\n- text: >-\n    a: 1\n    a: 1\n  b: {}\n") {
		t.Error("a text is parsed for what looks like keys in it")
	}
	for _, twice := range []string{"a: |\n  x\na: 1\n", "- a: |\n    x\n\n  b: 1\n  b: 2\n", "a: |\n  x\nb: {c: 1, c: 2}\n", "a:\n  b: |\n    x\n  b: 1\n", "a: x|\n  b: 1\na: 2\n"} {
		if !mayRepeatKeys(twice) {
			t.Errorf("%q has a key twice", twice)
		}
	}
}
