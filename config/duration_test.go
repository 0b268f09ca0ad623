package config

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// The pattern that the schema has takes just what the parser behind it reads as more
// than nothing, and of that all that fits its bounds.
func TestDurationPatternIsTheParser(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	pieces := []string{"0", "1", "9", "5", "00", "15", "999", ".", "h", "m", "s", "ms", "us", "µs", "ns", "d", "-", "+", " ", "12345"}
	taken := 0
	for range 20_000 {
		var b strings.Builder
		for range 1 + random.IntN(9) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		text := b.String()
		got, err := ParseDuration(text)
		want, wantErr := time.ParseDuration(text)
		switch {
		case err == nil && (wantErr != nil || got != want || got <= 0):
			t.Fatalf("%q is %s, and %s, %v to Go", text, got, want, wantErr)
		case err != nil && durationForm.MatchString(text):
			t.Fatalf("%q fits the pattern and is not taken", text)
		case err != nil && wantErr == nil && want > 0 && want < 10_000*time.Hour && !strings.ContainsAny(text, "+-") && longestRun(text) <= 5 && strings.Count(text, "n") == 0:
			t.Fatalf("%q is %s to Go and is not taken", text, want)
		case err == nil:
			taken++
		}
	}
	if taken < 100 {
		t.Errorf("only %d were taken", taken)
	}
}

// longestRun is the number of digits in a row.
func longestRun(text string) int {
	longest := 0
	for _, run := range strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		longest = max(longest, len(run))
	}
	return longest
}
