package tarball

import (
	"encoding/binary"
	"math/bits"

	"github.com/andybalholm/brotli/matchfinder"
)

// effort is how much is looked at for repetitions.
type effort struct {
	places int  // with the same beginning, at most
	good   int  // behind a repetition of so many bytes, a quarter of them
	enough int  // a repetition of so many bytes is long enough
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
	data    []byte
	begin   int // nothing before it is repeated
	entered int // the places before it are in the tables
	// last is the place, plus 1, at which four bytes were seen last, by their hash; before is where
	// the same hash was seen before, by the place modulo the window; thirds is last for three bytes.
	// A table is there from when it is needed on.
	last   *[1 << hashBits]int32
	before *[window]int32
	thirds *[1 << hashBits]int32
}

// reset begins with another stream.
func (r *repeats) reset(e effort, data []byte) {
	r.effort, r.data, r.begin, r.entered = e, data, 0, 0
	if r.last == nil {
		r.last, r.before = new([1 << hashBits]int32), new([window]int32)
	}
	clear(r.last[:]) // before is read only where last, or a place that it has, leads to
	if e.three && r.thirds == nil {
		r.thirds = new([1 << hashBits]int32)
	}
	if e.three {
		clear(r.thirds[:])
	}
}

// forget lets nothing that follows repeat what was before a place.
func (r *repeats) forget(at int) { r.begin = at }

// find appends the repetitions from a place to another one.
func (r *repeats) find(found []matchfinder.Match, from, to int) []matchfinder.Match {
	data := r.data[:to]
	r.enterUpTo(data, from)
	at, end := from, to-3 // no four bytes begin at the end, or behind it
	done := from          // so far it is in found
	length, distance := 0, 0
	for ; at < end; at++ {
		four := binary.LittleEndian.Uint32(data[at:])
		place, near := r.enter(at, four), -1
		if r.three {
			near = r.enterThree(at, four)
		}
		l, d := 0, 0
		if length < r.lazy {
			l, d = r.longest(data, at, place, length)
			if l == 0 && length < shortest && near >= max(r.begin, at-nearShortest) && (binary.LittleEndian.Uint32(data[near:])^four)<<8 == 0 {
				l, d = shortest, at-near
			}
		}
		if length < shortest || l > length {
			length, distance = l, d
			continue
		}
		// That of the byte before wins.
		found = append(found, matchfinder.Match{Unmatched: at - 1 - done, Length: length, Distance: distance})
		done = at - 1 + length
		r.entered = at + 1
		r.enterUpTo(data, done)
		at = done - 1
		length = 0
	}
	if length >= shortest {
		found = append(found, matchfinder.Match{Unmatched: at - 1 - done, Length: length, Distance: distance})
		done = at - 1 + length
	}
	r.entered = max(r.entered, min(at, end))
	if done < to {
		found = append(found, matchfinder.Match{Unmatched: to - done})
	}
	return found
}

// enter puts a place into the table of those with the same four bytes. It gives the one before it that
// has the same hash, -1 where there is none.
func (r *repeats) enter(at int, four uint32) int {
	h := hashOf(four)
	place := r.last[h]
	r.before[uint(at)%window] = place
	r.last[h] = int32(at + 1)
	return int(place) - 1
}

// enterThree is enter for three bytes, of which only the last place is kept.
func (r *repeats) enterThree(at int, four uint32) int {
	h := hashOf(four << 8)
	place := r.thirds[h]
	r.thirds[h] = int32(at + 1)
	return int(place) - 1
}

// enterUpTo puts the places into the tables that are before one, and at which four bytes begin.
func (r *repeats) enterUpTo(data []byte, upTo int) {
	upTo = min(upTo, len(data)-3)
	for at := r.entered; at < upTo; at++ {
		four := binary.LittleEndian.Uint32(data[at:])
		r.enter(at, four)
		if r.three {
			r.enterThree(at, four)
		}
	}
	r.entered = max(r.entered, upTo)
}

func hashOf(bytes uint32) uint32 { return bytes * 0x9E3779B1 >> (32 - hashBits) }

// longest is the longest repetition at a place that is longer than one which is known, by the places
// before that have the same hash, of which it is given the nearest; 0 if there is none.
func (r *repeats) longest(data []byte, at, place, known int) (length, distance int) {
	first := max(r.begin, at-window)
	best := max(known, shortest)
	if place < first || at+best >= len(data) {
		return 0, 0
	}
	places := r.places
	if known >= r.good {
		places /= 4
	}
	tail := binary.LittleEndian.Uint32(data[at+best-3:]) // a longer one has the same
	for range places {
		if binary.LittleEndian.Uint32(data[place+best-3:]) == tail {
			if n := same(data, place, at); n > best {
				best, length, distance = n, n, at-place
				if n >= r.enough || at+n >= len(data) {
					break
				}
				tail = binary.LittleEndian.Uint32(data[at+best-3:])
			}
		}
		next := int(r.before[uint(place)%window]) - 1
		if next < first || next >= place {
			break
		}
		place = next
	}
	return length, distance
}

// same is how many bytes from two places on are the same, of which the later is at.
func same(data []byte, place, at int) int {
	n := 0
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
