package helmrepo

import (
	"encoding/binary"
	"iter"
	"time"
)

// entries are the entries of an index, those of a chart behind one another. Each is kept as
// bytes: an index of 30,000 versions takes a third of the memory that values with strings and
// maps of their own take, and the garbage collector has nothing to look at in them. A look-up
// makes an Entry of what it finds.
//
// An entry is its length, and then its parts, each with its length before it: version, digest,
// own name, time, line, addresses, annotations. Lengths and numbers are uvarints.
type entries struct {
	of map[string][]byte // by chart

	// What is being read. Its chart is in of as soon as another one comes, or the end.
	chart  string
	latest []byte
	one    []byte // one entry
}

// record is an entry that is being read. Its bytes are those of the text where that can be.
type record struct {
	version, digest, ownName []byte
	urls                     [][]byte
	annotations              [][2][]byte
	created                  time.Time
	line                     int
}

func (r *record) reset() {
	*r = record{urls: r.urls[:0], annotations: r.annotations[:0]}
}

// record is an entry to be kept.
func (e *Entry) record() *record {
	r := &record{version: []byte(e.Version), digest: []byte(e.Digest), ownName: []byte(e.OwnName), created: e.Created, line: e.Line}
	for _, url := range e.URLs {
		r.urls = append(r.urls, []byte(url))
	}
	for key, value := range e.Annotations {
		r.annotations = append(r.annotations, [2][]byte{[]byte(key), []byte(value)})
	}
	return r
}

// add puts an entry behind those of its chart.
func (e *entries) add(chart string, r *record) {
	if chart != e.chart {
		e.seal()
		e.chart = chart
	}
	one := appendBytes(e.one[:0], r.version)
	one = appendBytes(one, r.digest)
	one = appendBytes(one, r.ownName)
	var created [16]byte
	at, err := r.created.AppendBinary(created[:0])
	if err != nil || r.created.IsZero() {
		at = nil
	}
	one = appendBytes(one, at)
	one = binary.AppendUvarint(one, uint64(r.line))
	one = binary.AppendUvarint(one, uint64(len(r.urls)))
	for _, url := range r.urls {
		one = appendBytes(one, url)
	}
	one = binary.AppendUvarint(one, uint64(len(r.annotations)))
	for _, a := range r.annotations {
		one = appendBytes(appendBytes(one, a[0]), a[1])
	}
	e.one = one
	e.latest = appendBytes(e.latest, one)
}

func appendBytes(to, data []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(data))), data...)
}

// seal puts what was read last to its chart.
func (e *entries) seal() {
	if len(e.latest) > 0 {
		before := e.of[e.chart]
		all := make([]byte, len(before)+len(e.latest))
		copy(all[copy(all, before):], e.latest)
		e.of[e.chart] = all
	}
	e.chart, e.latest = "", e.latest[:0]
}

// end drops what only reading needs.
func (e *entries) end() {
	e.seal()
	e.latest, e.one = nil, nil
}

// drop takes the entries of a chart out.
func (e *entries) drop(chart string) {
	e.seal()
	delete(e.of, chart)
}

// clear takes all entries out.
func (e *entries) clear() {
	e.seal()
	clear(e.of)
}

// all goes through the entries of a chart.
func (e *entries) all(chart string) iter.Seq[keptEntry] {
	return func(yield func(keptEntry) bool) {
		for rest := e.of[chart]; len(rest) > 0; {
			var one []byte
			if one, rest = cutBytes(rest); !yield(one) {
				return
			}
		}
	}
}

// keptEntry is an entry as it is kept.
type keptEntry []byte

func (k keptEntry) version() []byte {
	version, _ := cutBytes(k)
	return version
}

// entry is what was kept.
func (k keptEntry) entry(chart string) Entry {
	e := Entry{Name: chart}
	text := func() string {
		var part []byte
		part, k = cutBytes(k)
		return string(part)
	}
	e.Version, e.Digest, e.OwnName = text(), text(), text()
	if at := text(); at != "" {
		_ = e.Created.UnmarshalBinary([]byte(at)) // MarshalBinary made it
	}
	e.Line, k = cutNumber(k)
	var n int
	for n, k = cutNumber(k); n > 0; n-- {
		e.URLs = append(e.URLs, text())
	}
	if n, k = cutNumber(k); n > 0 {
		e.Annotations = make(map[string]string, n)
	}
	for ; n > 0; n-- {
		key := text()
		e.Annotations[key] = text()
	}
	return e
}

func cutBytes(of []byte) (data, rest []byte) {
	n, rest := cutNumber(of)
	return rest[:n], rest[n:]
}

func cutNumber(of []byte) (n int, rest []byte) {
	value, size := binary.Uvarint(of)
	return int(value), of[size:]
}
