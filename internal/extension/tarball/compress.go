package tarball

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/andybalholm/brotli/flate"
	"github.com/andybalholm/brotli/matchfinder"
)

// Hardness is how much is tried to make a package small.
type Hardness int

const (
	Usual Hardness = iota
	Hard
)

// finder looks for repetitions. What it finds is the same on any machine, and depends on nothing
// behind what it was asked about.
type finder interface {
	// find appends the repetitions from a place to another one.
	find(found []matchfinder.Match, from, to int) []matchfinder.Match
	// forget lets nothing that follows repeat what was before a place.
	forget(at int)
}

// fewBytes is up to which size, without what moves with addresses, all is tried that does not take
// long.
const fewBytes = 80 << 10

// finders are what looks for repetitions, each in its own way: with several, each part is packed
// in the way in which it comes out smallest. They compute in integers alone.
// (matchfinder.Pathfinder packs smaller by 0.5 %, but by logarithms in floating point, which are
// not the same on all machines.)
func (h Hardness) finders(data []byte, few bool) []finder {
	found := []finder{overlapping(data, 8, 5, 66)}
	switch {
	case h == Hard:
		found = append(found, overlapping(data, 512, 5, 66), overlapping(data, 512, 4, 66), overlapping(data, 512, 5, 40), newRepeats(effort{places: 4096, enough: 258, lazy: 258, three: true}, data))
	case few:
		found = append(found, overlapping(data, 64, 4, 66), newRepeats(effort{places: 256, enough: 258, lazy: 64, three: true}, data), newRepeats(effort{places: 256, enough: 258, lazy: 64}, data))
	}
	return found
}

// overlaps finds repetitions with a library, which compares those that overlap.
type overlaps struct {
	matchfinder.M4
	data []byte
}

// overlapping looks at places with the same beginning of so many bytes, as many as chain says. A
// nearer place costs fewer bits (bitCost, in 1/256 bytes).
func overlapping(data []byte, chain, beginning, bitCost int) *overlaps {
	return &overlaps{matchfinder.M4{MaxDistance: window, ChainLength: chain, HashLen: beginning, TableBits: hashBits, DistanceBitCost: bitCost}, data}
}

func (o *overlaps) find(found []matchfinder.Match, from, to int) []matchfinder.Match {
	return o.FindMatches(found, o.data[from:to])
}

func (o *overlaps) forget(int) { o.Reset() }

// chunk is how much is looked through at once: repetitions do not go on behind it.
const chunk = 128 << 10

// gzipWriter makes a member of gzip (RFC 1952).
type gzipWriter struct {
	out     []byte
	data    []byte
	finders []finder
	encoder matchfinder.Encoder
	found   []matchfinder.Match
	divided [2]division // the best, and another
}

// gzipHead is a member's head without a name and a time. The system it was made on
// is unknown (255): the same bytes anywhere.
var gzipHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}

func newGzip(hardness Hardness, data []byte, few bool) *gzipWriter {
	z := &gzipWriter{data: data, finders: hardness.finders(data, few), encoder: flate.NewEncoder()}
	z.out = append(make([]byte, 0, len(data)/4+4<<10), gzipHead...)
	if hardness == Hard {
		z.out[8] = 2 // the slowest algorithm, says RFC 1952 of this byte
	}
	return z
}

// add packs a part of the content, which follows the one before, in blocks of its own. In what stands
// apart nothing repeats what is before. What moves is not divided into blocks: where one ends would be
// another place with other addresses, by 200 bytes in two random trees of a thousand.
func (z *gzipWriter) add(from, to int, kind kind) {
	if kind == apart {
		for _, f := range z.finders {
			f.forget(from)
		}
	}
	one := kind == moving && from > 0 // else all of it is little, and no block can be far off
	for ; to-from > chunk*3/2; from += chunk {
		z.chunk(from, from+chunk, one)
	}
	z.chunk(from, to, one)
}

func (z *gzipWriter) chunk(from, to int, one bool) {
	var best []block
	var least int64
	for _, f := range z.finders {
		z.found = f.find(z.found[:0], from, to)
		if blocks, bits := z.divided[1].blocks(z.data[from:to], z.found, one); best == nil || bits < least {
			best, least = blocks, bits
			z.divided[0], z.divided[1] = z.divided[1], z.divided[0]
		}
	}
	for i, b := range best {
		z.out = z.encoder.Encode(z.out, b.src, b.matches, to == len(z.data) && i == len(best)-1)
	}
}

// end is the member.
func (z *gzipWriter) end() []byte {
	z.out = binary.LittleEndian.AppendUint32(z.out, crc32.ChecksumIEEE(z.data))
	return binary.LittleEndian.AppendUint32(z.out, uint32(len(z.data)))
}
