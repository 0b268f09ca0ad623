package charts

import "testing"

// TestMayRepeatKeys: what is not parsed has no key twice, and costs no parsing.
func TestMayRepeatKeys(t *testing.T) {
	if mayRepeatKeys("web:\n  a: 1\nb:\n  a: 1\nlist:\n- a: 1\n  b: 2\n- a: 1\nempty: {}\n") {
		t.Error("what has no key twice is parsed for it")
	}
}
