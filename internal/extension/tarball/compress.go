package tarball

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sync"

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

// fewBytes is up to which size, without what moves with addresses, more is tried than usually, since
// it does not take long.
const fewBytes = 80 << 10

// finders are what looks for repetitions, each in its own way: with several, each part is packed
// in the way in which it comes out smallest. They compute in integers alone.
// (matchfinder.Pathfinder packs smaller by 0.5 %, but by logarithms in floating point, which are
// not the same on all machines.)
func (z *gzipWriter) finders(hardness Hardness, few bool) []finder {
	data := z.data
	switch {
	case hardness == Hard:
		z.repeats[0].reset(effort{places: 4096, good: 258, enough: 258, lazy: 258, three: true}, data)
		return []finder{overlapping(data, 8, 5, 66), overlapping(data, 512, 5, 66), overlapping(data, 512, 4, 66), overlapping(data, 512, 5, 40), &z.repeats[0]}
	case few:
		z.repeats[0].reset(effort{places: 256, good: 258, enough: 258, lazy: 64, three: true}, data)
		z.repeats[1].reset(effort{places: 256, good: 258, enough: 258, lazy: 64}, data)
		return []finder{z.overlaps.on(data), &z.repeats[0], &z.repeats[1]}
	}
	z.repeats[0].reset(effort{places: 16, good: 8, enough: 128, lazy: 16}, data)
	return []finder{&z.repeats[0]}
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

// on begins with another stream.
func (o *overlaps) on(data []byte) *overlaps {
	o.Reset()
	o.data = data
	return o
}

func (o *overlaps) forget(int) { o.Reset() }

// chunk is how much is looked through at once: repetitions do not go on behind it.
const chunk = 128 << 10

// gzipWriter makes a member of gzip (RFC 1952).
type gzipWriter struct {
	out      []byte
	data     []byte
	search   []finder
	encoder  matchfinder.Encoder
	divided  [2]division // the best, and another
	overlaps *overlaps
	repeats  [2]repeats
}

// writers are those that nobody uses now. Their tables and buffers are used again: fresh ones cost as
// much as packing 100 KiB. There are no more of them than packages that were packed at the same time.
var writers = sync.Pool{New: func() any { return freshWriter() }}

func freshWriter() *gzipWriter {
	return &gzipWriter{encoder: flate.NewEncoder(), overlaps: overlapping(nil, 64, 4, 66)}
}

// gzipHead is a member's head without a name and a time. The system it was made on
// is unknown (255): the same bytes anywhere.
var gzipHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}

// newGzip begins a member with this content. It is to be released.
func newGzip(hardness Hardness, data []byte, few bool) *gzipWriter {
	z := writers.Get().(*gzipWriter)
	z.begin(hardness, data, few)
	return z
}

func (z *gzipWriter) begin(hardness Hardness, data []byte, few bool) {
	z.data = data
	z.search = z.finders(hardness, few)
	z.encoder.Reset()
	z.out = append(slices.Grow(z.out[:0], len(data)/4+4<<10), gzipHead...)
	if hardness == Hard {
		z.out[8] = 2 // the slowest algorithm, says RFC 1952 of this byte
	}
}

// release has the writer used by others.
func (z *gzipWriter) release() {
	if cap(z.out) > muchKept {
		z.out = nil
	}
	z.data, z.search, z.overlaps.data = nil, nil, nil
	for i := range z.repeats {
		z.repeats[i].data = nil
	}
	writers.Put(z)
}

// muchKept is how many bytes of a buffer are kept at most.
const muchKept = 8 << 20

// add packs a part of the content, which follows the one before, in blocks of its own. In what stands
// apart nothing repeats what is before. What moves is not divided into blocks: where one ends would be
// another place with other addresses, by 200 bytes in two random trees of a thousand.
func (z *gzipWriter) add(from, to int, kind kind) {
	if kind == apart {
		for _, f := range z.search {
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
	other := 0
	for _, f := range z.search {
		d := &z.divided[other]
		d.matches = f.find(d.matches[:0], from, to)
		if blocks, bits := d.blocks(z.data[from:to], one); best == nil || bits < least {
			best, least, other = blocks, bits, 1-other
		}
	}
	for i, b := range best {
		z.out = z.encoder.Encode(z.out, b.src, b.matches, to == len(z.data) && i == len(best)-1)
	}
}

// end is the member.
func (z *gzipWriter) end() []byte {
	z.out = binary.LittleEndian.AppendUint32(z.out, crc32.ChecksumIEEE(z.data))
	z.out = binary.LittleEndian.AppendUint32(z.out, uint32(len(z.data)))
	return bytes.Clone(z.out)
}
