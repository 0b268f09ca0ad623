package excerpt

import (
	"strings"
	"testing"
)

func TestWhatIsShown(t *testing.T) {
	long := strings.Repeat("ab ", 300)
	for got, want := range map[string]string{
		Line("one\ntwo\r\nthree", 2, 7):            "   7 | two",
		Line("one\ntwo", 3, 3):                     "",
		Line("one", 0, 0):                          "",
		Printable(3, "abcd"):                       "abc…",
		Printable(9, "a\x1b[31m\tb"):               "a�[31m\tb",
		OneLine(" a\n\n b\r\n"):                    "a b",
		OneLine(long):                              long[:100] + "…",
		Sentence(long):                             long[:500] + "…",
		Line(strings.Repeat("x", 101)+"\ny", 1, 1): "   1 | " + strings.Repeat("x", 100) + "…",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
