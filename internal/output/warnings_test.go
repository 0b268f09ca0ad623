package output

import (
	"slices"
	"testing"
)

// A warning is passed on once, whether it came before somebody took them or after.
func TestWarnings(t *testing.T) {
	var w Warnings
	w.Add("a")
	w.Add("a")
	w.Add("b")
	var got []string
	w.To(func(message string) { got = append(got, message) })
	w.Add("b")
	w.Add("c")
	if !slices.Equal(got, []string{"a", "b", "c"}) || len(w.Untaken()) > 0 {
		t.Errorf("%q", got)
	}
}

// What nobody took is returned once.
func TestWarningsUntaken(t *testing.T) {
	var w Warnings
	w.Add("a")
	if got := w.Untaken(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("%q", got)
	}
	if got := w.Untaken(); len(got) > 0 {
		t.Errorf("again: %q", got)
	}
}
