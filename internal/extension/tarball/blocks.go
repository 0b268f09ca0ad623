package tarball

import (
	"math/bits"

	"github.com/andybalholm/brotli/matchfinder"
)

// block is what gets codes of its own (RFC 1951): content, and the repetitions in it.
type block struct {
	src     []byte
	matches []matchfinder.Match
}

// What DEFLATE has (RFC 1951, 3.2.5 and 3.2.7).
const (
	literals      = 286 // bytes, the end of a block, and lengths
	endOfBlock    = 256
	firstLength   = 257
	distances     = 30
	longestMatch  = 258
	longestStored = 65535
)

// unitTokens is from how many bytes and repetitions on it is worth to ask whether a block ends.
const unitTokens = 768

// division divides content into blocks, so that each has what is alike. Its bits are estimated, in
// integers: the same on any machine.
type division struct {
	matches []matchfinder.Match // what is divided
	units   []unit
	found   []block
}

// unit is a part of the content that is not divided any more.
type unit struct {
	symbols
	matches, size int // how many of the matches, and of the bytes
	cost          int64
	// next is the unit behind it that is still there, and joined what both would cost.
	next   int
	joined int64
}

// symbols counts what a block writes.
type symbols struct {
	literal  [literals]uint32
	distance [distances]uint32
	extra    int64 // bits behind the codes
}

// blocks divides src by d.matches, or makes it one block. What comes is valid until the next call;
// bits is what it costs by estimate.
func (d *division) blocks(src []byte, one bool) (blocks []block, bits int64) {
	least := unitTokens
	if one {
		least = len(src) + 1
	}
	d.count(src, least)
	d.join()
	d.found = d.found[:0]
	at, match := 0, 0
	for i := 0; i < len(d.units); i = d.units[i].next {
		u := &d.units[i]
		d.found = append(d.found, block{src[at : at+u.size], d.matches[match : match+u.matches]})
		at, match, bits = at+u.size, match+u.matches, bits+u.cost
	}
	return d.found, bits
}

// count cuts the content into units of so many tokens.
func (d *division) count(src []byte, least int) {
	d.cut(least)
	d.units = d.units[:0]
	var u *unit
	tokens := 0
	begin := func() {
		d.units = append(d.units, unit{})
		u, tokens = &d.units[len(d.units)-1], 0
	}
	begin()
	for _, m := range d.matches {
		for _, c := range src[:m.Unmatched] {
			u.literal[c]++
		}
		u.match(m.Length, m.Distance)
		src = src[m.Unmatched+m.Length:]
		u.matches++
		u.size += m.Unmatched + m.Length
		tokens += m.Unmatched + 1
		if tokens >= least && len(src) > 0 {
			begin()
		}
	}
	for i := range d.units {
		d.units[i].cost = d.units[i].bits(d.units[i].size)
		d.units[i].next = i + 1
	}
}

// cut makes several matches of one behind much that does not repeat, so that a block may end within.
func (d *division) cut(least int) {
	more := 0
	for _, m := range d.matches {
		if m.Unmatched > least {
			more += (m.Unmatched - 1) / least
		}
	}
	if more == 0 {
		return
	}
	from := len(d.matches)
	d.matches = append(d.matches, make([]matchfinder.Match, more)...)
	for to := len(d.matches); to > from; {
		from--
		to--
		m := d.matches[from]
		pieces := max(m.Unmatched-1, 0) / least
		m.Unmatched -= pieces * least
		d.matches[to] = m
		for range pieces {
			to--
			d.matches[to] = matchfinder.Match{Unmatched: least}
		}
	}
}

// match counts a repetition; one that is too long is written as several.
func (s *symbols) match(length, distance int) {
	for length > 0 {
		n := min(length, longestMatch)
		if rest := length - n; rest > 0 && rest < 3 {
			n = length - 3
		}
		length -= n
		symbol, extra := lengthSymbol(n)
		s.literal[firstLength+symbol]++
		s.extra += int64(extra)
		symbol, extra = distanceSymbol(distance)
		s.distance[symbol]++
		s.extra += int64(extra)
	}
}

// join makes one of two neighbours as long as that saves bits, the best pair first.
func (d *division) join() {
	for i := range d.units {
		d.together(i)
	}
	for {
		best, saved := -1, int64(0)
		before := -1 // the unit before best
		last := -1
		for i := 0; i < len(d.units); i = d.units[i].next {
			u := &d.units[i]
			if u.next < len(d.units) {
				if s := u.cost + d.units[u.next].cost - u.joined; s > saved {
					best, saved, before = i, s, last
				}
			}
			last = i
		}
		if best < 0 {
			return
		}
		u := &d.units[best]
		other := &d.units[u.next]
		u.add(&other.symbols)
		u.matches, u.size, u.cost, u.next = u.matches+other.matches, u.size+other.size, u.joined, other.next
		d.together(best)
		if before >= 0 {
			d.together(before)
		}
	}
}

// together finds out what a unit and the one behind it would cost together.
func (d *division) together(i int) {
	u := &d.units[i]
	if u.next >= len(d.units) {
		return
	}
	other := &d.units[u.next]
	both := u.symbols
	both.add(&other.symbols)
	u.joined = both.bits(u.size + other.size)
}

func (s *symbols) add(other *symbols) {
	for i, n := range other.literal {
		s.literal[i] += n
	}
	for i, n := range other.distance {
		s.distance[i] += n
	}
	s.extra += other.extra
}

// bits estimates what a block costs that writes this, and is so many bytes long: with codes of its
// own, with those of the format, or as it is.
func (s *symbols) bits(size int) int64 {
	const perSymbol, ofBlock = 4, 90 // of the codes of its own
	var fixed, sum, used int64
	var own int64 // in units of 1/logUnit
	for symbol, n := range s.literal {
		if n == 0 && symbol != endOfBlock {
			continue
		}
		n := int64(n)
		if symbol == endOfBlock {
			n = 1
		}
		length := int64(8)
		if symbol >= 144 && symbol < endOfBlock {
			length = 9
		} else if symbol >= endOfBlock && symbol < 280 {
			length = 7
		}
		fixed += n * length
		sum += n
		own -= timesLog(n)
		used++
	}
	own += timesLog(sum)
	sum = 0
	for _, n := range s.distance {
		if n > 0 {
			n := int64(n)
			fixed += 5 * n
			sum += n
			own -= timesLog(n)
			used++
		}
	}
	own += timesLog(sum)
	least := min(fixed+3, own/logUnit+used*perSymbol+ofBlock) + s.extra
	if size <= longestStored {
		least = min(least, 8*int64(size)+40)
	}
	return least
}

// lengthSymbol is the symbol of a length, after the first of them, and how many bits follow.
func lengthSymbol(length int) (symbol, extra int) {
	n := length - 3
	switch {
	case length == longestMatch:
		return 28, 0
	case n < 8:
		return n, 0
	}
	extra = bits.Len(uint(n)) - 3
	return extra<<2 + n>>extra, extra
}

// distanceSymbol is the symbol of a distance, and how many bits follow.
func distanceSymbol(distance int) (symbol, extra int) {
	n := distance - 1
	if n < 4 {
		return n, 0
	}
	extra = bits.Len(uint(n)) - 2
	return extra<<1 + n>>extra, extra
}

// logUnit is one bit, in the units of timesLog.
const logUnit = 1 << 10

// timesLog is n times its logarithm to the base 2.
func timesLog(n int64) int64 {
	if n < 2 {
		return 0
	}
	whole := bits.Len64(uint64(n)) - 1
	const steps = 8 // bits of n that are looked up
	return n * (int64(whole)*logUnit + int64(logs[uint64(n)<<(63-whole)<<1>>(64-steps)]))
}

// logs are the logarithms to the base 2 of 1, 1 + 1/256, and so on below 2, in units of 1/logUnit,
// found by squaring.
var logs = func() (logs [256]uint16) {
	for i := range logs {
		x := uint64(256+i) << 22 // with 30 bits behind the point
		for bit := logUnit / 2; bit > 0; bit /= 2 {
			if x = x * x >> 30; x >= 2<<30 {
				x >>= 1
				logs[i] += uint16(bit)
			}
		}
	}
	return logs
}()
