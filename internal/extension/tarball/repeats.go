package tarball

import (
	"encoding/binary"
	"math/bits"

	"github.com/andybalholm/brotli/matchfinder"
)

// effort is how much is looked at for repetitions.
type effort struct {
	places int  // with the same beginning, at most
	enough int  // a repetition of so many bytes is taken at once
	lazy   int  // behind one that is shorter, the next byte is tried, too
	three  bool // also repetitions of three bytes
}

const (
	window   = 32 << 10 // how far back a repetition may be
	shortest = 3        // bytes of a repetition
	// nearShortest is how far back one of 3 bytes may be: a distance costs bits, too.
	nearShortest = 4 << 10
	hashBits     = 15
)

// repeats finds what repeats in a stream, in the way of zlib: places with the same four bytes, the
// nearest first, of which the longest repetition wins, if the next byte does not begin a longer one.
// It computes in integers, and looks at nothing that comes behind what it was asked about.
type repeats struct {
	effort
	data   []byte
	begin  int // nothing before it is repeated
	hashed int // so far the tables go
	// last is the place, plus 1, at which four bytes were seen last, by their hash; before is where
	// the same hash was seen before, by the place modulo the window; three is last for three bytes.
	last   [1 << hashBits]int32
	before [window]int32
	thirds [1 << hashBits]int32
}

func newRepeats(e effort, data []byte) *repeats { return &repeats{effort: e, data: data} }

// forget lets nothing that follows repeat what was before a place.
func (r *repeats) forget(at int) { r.begin = at }

// find appends the repetitions from a place to another one.
func (r *repeats) find(found []matchfinder.Match, from, to int) []matchfinder.Match {
	data := r.data[:to]
	done := from // so far it is in found
	length, distance := 0, 0
	for at := from; at < to; at++ {
		l, d := 0, 0
		if length < r.lazy {
			l, d = r.longest(data, at, length)
		} else {
			r.hash(data, at+1)
		}
		if length >= shortest && l <= length { // that of the byte before wins
			begin := at - 1
			found = append(found, matchfinder.Match{Unmatched: begin - done, Length: length, Distance: distance})
			done = begin + length
			r.hash(data, done)
			at = done - 1
			length = 0
			continue
		}
		length, distance = l, d
		if length >= r.enough {
			found = append(found, matchfinder.Match{Unmatched: at - done, Length: length, Distance: distance})
			done = at + length
			r.hash(data, done)
			at = done - 1
			length = 0
		}
	}
	if done < to {
		found = append(found, matchfinder.Match{Unmatched: to - done})
	}
	return found
}

// hash puts the places before one into the tables.
func (r *repeats) hash(data []byte, upTo int) {
	for at := r.hashed; at < min(upTo, len(data)-3); at++ {
		four := binary.LittleEndian.Uint32(data[at:])
		h := hashOf(four)
		r.before[at%window] = r.last[h]
		r.last[h] = int32(at + 1)
		r.thirds[hashOf(four<<8)] = int32(at + 1)
	}
	r.hashed = max(r.hashed, upTo)
}

func hashOf(bytes uint32) uint32 { return bytes * 0x9E3779B1 >> (32 - hashBits) }

// longest is the longest repetition at a place that is longer than one which is known; 0 if there is
// none.
func (r *repeats) longest(data []byte, at, known int) (length, distance int) {
	if at+4 > len(data) {
		r.hash(data, at+1)
		return 0, 0
	}
	four := binary.LittleEndian.Uint32(data[at:])
	h := hashOf(four)
	place := int(r.last[h]) - 1
	near := int(r.thirds[hashOf(four<<8)]) - 1
	r.hash(data, at+1)
	first := max(r.begin, at-window)
	best := max(known, shortest)
	for range r.places {
		if place < first {
			break
		}
		if at+best >= len(data) {
			break
		}
		if data[place+best] == data[at+best] && binary.LittleEndian.Uint32(data[place:]) == four {
			if n := same(data, place, at); n > best {
				best, length, distance = n, n, at-place
				if n >= r.enough {
					break
				}
			}
		}
		next := int(r.before[place%window]) - 1
		if next >= place {
			break
		}
		place = next
	}
	if r.three && length == 0 && known < shortest && near >= max(first, at-nearShortest) {
		if data[near] == data[at] && data[near+1] == data[at+1] && data[near+2] == data[at+2] {
			return shortest, at - near
		}
	}
	return length, distance
}

// same is how many bytes from two places on are the same, of which the later is at.
func same(data []byte, place, at int) int {
	n := 4
	for at+n+8 <= len(data) {
		if diff := binary.LittleEndian.Uint64(data[place+n:]) ^ binary.LittleEndian.Uint64(data[at+n:]); diff != 0 {
			return n + bits.TrailingZeros64(diff)/8
		}
		n += 8
	}
	for at+n < len(data) && data[place+n] == data[at+n] {
		n++
	}
	return n
}
