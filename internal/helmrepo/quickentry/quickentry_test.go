package quickentry

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
)

// Eight bytes at once are judged as one after the other, whatever is beside them.
func TestPlainASCII(t *testing.T) {
	rng := rand.New(rand.NewPCG(14, 2))
	edges := []byte{0, 1, '\t', '\n', '\v', '\r', 0x1f, ' ', '!', '~', 0x7f, 0x80, 0x8a, 0xff, 'a', 'a', 'a', 'a', 'a', 'a'}
	plain := 0
	for range 200_000 {
		var eight [8]byte
		want := true
		for i := range eight {
			if eight[i] = edges[rng.IntN(len(edges))]; rng.IntN(4) > 0 {
				eight[i] = 'a'
			}
			want = want && (eight[i] == '\n' || eight[i] >= ' ' && eight[i] < 0x7f)
		}
		if got := isPlainASCII(binary.LittleEndian.Uint64(eight[:])); got != want {
			t.Fatalf("%q: %v", eight, got)
		}
		if want {
			plain++
		}
	}
	if plain < 10_000 {
		t.Errorf("%d of them are plain", plain)
	}
}

// An entry ends before a line that is not in it, and what has not come yet is asked for.
func TestReadEnds(t *testing.T) {
	const one = "  - name: alc\n    urls:\n    - a.tgz\n\n    version: 1.2.0\n"
	for text, want := range map[string]struct {
		lines     int
		ok, short bool
	}{
		one:                    {short: true},
		one + "  - name":       {short: true},
		one + "  - name: b\n":  {lines: 5, ok: true},
		one + "\n\n  b:\n":     {lines: 7, ok: true},
		one + "generated: x\n": {lines: 5, ok: true},
		one + "   # deeper\n":  {},
		one + "# goes on\n    type: application\n  b:\n":       {},
		one + "\r\n    type: application\n  b:\n":              {},
		one + "  \tname: b\n":                                  {},
		one + "    \n  - name: b\n":                            {},
		one[:30]:                                               {short: true},
		"  - name: alc\n    version: 1.2.0\v\n  b:\n":          {},
		"  - name: alc\n    wheels: 4\n    version: 1\n  b:\n": {},
	} {
		var r Reader
		size, lines, ok := r.Read([]byte(text), 2, false)
		if ok != want.ok || ok && (lines != want.lines || size != strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n")+1) || !ok && r.IsShort() != want.short {
			t.Errorf("%q: %d bytes, %d lines, %v, short %v", text, size, lines, ok, r.IsShort())
		}
	}
}

// Of texts without quotes that begin with a digit those are texts that are no number and no time in YAML.
func TestPlainDigits(t *testing.T) {
	for text, want := range map[string]bool{
		"1": false, "1.5": false, "1e3": false, "0x1f": false, "0X1F": false, "0_x1f": false, "0b11": false, "0o17": false, "1_000": false, "12:30": false,
		"2026-01-31": false, "2026-01-31T10:00:00Z": false, "1.2.3": true, "1.2.3-rc.1+b": true,
		"3scale": true, "12ab": true, "1c": true, "0f00": true, "2a0e": true, "12eb": false,
		"90e1b2d3": true, "1a: b": false, "1a #b": false, "1a:": false,
	} {
		if got := isPlainText([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
