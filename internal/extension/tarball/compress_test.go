package tarball

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// What was packed is what another gzip reads, however it repeats, in whatever parts.
func TestWhatIsPackedIsRead(t *testing.T) {
	for seed := range uint64(soak.Cases(t, 60, 5000)) {
		r := rand.New(rand.NewPCG(seed, 15))
		data := repetitive(r, 1+r.IntN(1<<(1+r.IntN(19))))
		for _, hardness := range []Hardness{Usual, Hard} {
			z := newGzip(hardness, data, r.IntN(2) == 0)
			for at := 0; at < len(data); {
				to := min(len(data), at+1+r.IntN(len(data)))
				z.add(at, to, kind(r.IntN(3)))
				at = to
			}
			zr, err := gzip.NewReader(bytes.NewReader(z.end()))
			if err != nil {
				t.Fatal(seed, err)
			}
			if got, err := io.ReadAll(zr); err != nil || !bytes.Equal(got, data) {
				t.Fatalf("seed %d, %d, %d bytes: other content, %v", seed, hardness, len(data), err)
			}
		}
	}
}

// A writer that was used before makes the bytes of a fresh one, whatever it was used for.
func TestWritersAreUsedAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 18))
	used := freshWriter()
	for i := range 60 {
		data := repetitive(r, r.IntN(1<<(1+r.IntN(19))))
		hardness, few, at := Usual, r.IntN(2) == 0, r.IntN(len(data)+1)
		if r.IntN(8) == 0 {
			hardness = Hard
		}
		made := func(z *gzipWriter) []byte {
			z.begin(hardness, data, few)
			z.add(0, at, still)
			z.add(at, len(data), kind(i%3))
			return z.end()
		}
		if !bytes.Equal(made(used), made(freshWriter())) {
			t.Fatalf("%d: other bytes of %d", i, len(data))
		}
	}
}

// repetitive is content with noise, runs of a byte, and repetitions near and far.
func repetitive(r *rand.Rand, size int) []byte {
	var data []byte
	for len(data) < size {
		switch n := 1 + r.IntN(1<<r.IntN(12)); r.IntN(4) {
		case 0:
			for range n {
				data = append(data, byte(r.Uint32()))
			}
		case 1:
			data = append(data, bytes.Repeat([]byte{byte(r.Uint32())}, n)...)
		default:
			if len(data) > 0 {
				at := r.IntN(len(data))
				data = append(data, data[at:min(len(data), at+n)]...)
			}
		}
	}
	return data[:size]
}

// What comes behind changes nothing of what is before: only so does the size hardly depend on
// addresses.
func TestWhatFollowsChangesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 16))
	for range 40 {
		data := repetitive(r, 1+r.IntN(300<<10))
		for _, hardness := range []Hardness{Usual, Hard} {
			var first []byte
			for range 2 {
				all := append(bytes.Clone(data), repetitive(r, 100+r.IntN(1000))...)
				z := newGzip(hardness, all, len(data)%2 == 0)
				z.add(0, len(data), still)
				if first == nil {
					first = bytes.Clone(z.out)
				} else if !bytes.Equal(first, z.out) {
					t.Fatalf("%d: other bytes, with other content behind them", hardness)
				}
			}
		}
	}
}

// The symbols are those of RFC 1951, 3.2.5.
func TestSymbols(t *testing.T) {
	length, distance := 3, 1
	for symbol := range 28 {
		got, extra := lengthSymbol(length)
		if got != symbol {
			t.Errorf("length %d has symbol %d, want %d", length, got, symbol)
		}
		length += 1 << extra
		if last, _ := lengthSymbol(min(length-1, longestMatch-1)); last != symbol {
			t.Errorf("length %d has symbol %d, want %d", length-1, last, symbol)
		}
	}
	if got, extra := lengthSymbol(longestMatch); got != 28 || extra != 0 {
		t.Errorf("the longest has symbol %d, with %d bits", got, extra)
	}
	for symbol := range distances {
		got, extra := distanceSymbol(distance)
		if got != symbol {
			t.Errorf("distance %d has symbol %d, want %d", distance, got, symbol)
		}
		distance += 1 << extra
	}
	if distance != window+1 {
		t.Errorf("the distances end at %d", distance-1)
	}
}

func BenchmarkPack(b *testing.B) {
	data := repetitive(rand.New(rand.NewPCG(2, 17)), 1<<20)
	for name, hardness := range map[string]Hardness{"usual": Usual, "hard": Hard} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				z := newGzip(hardness, data, false)
				z.add(0, len(data), still)
				b.ReportMetric(float64(len(z.end())), "packed-bytes")
			}
		})
	}
}
