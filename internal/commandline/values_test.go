package commandline

import (
	"testing"
	"time"
)

func TestCount(t *testing.T) {
	for text, want := range map[string]Count{"1": 1, "128": 128, "0": 0, "129": 0, "-1": 0, "2.5": 0, "many": 0, "": 0} {
		var got Count
		if err := got.UnmarshalText([]byte(text)); (err == nil) != (want > 0) || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]string{"30m": "30m", "1h": "1h", "90s": "1m30s", "1h30m": "1h30m", "1h0m5s": "1h0m5s", "10s": "10s", "500ms": "500ms"} {
		var got Duration
		if err := got.UnmarshalText([]byte(text)); err != nil || got.String() != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "soon", "-1m", "5"} {
		var got Duration
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: %s", text, time.Duration(got))
		}
	}
}
