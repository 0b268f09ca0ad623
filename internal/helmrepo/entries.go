package helmrepo

import (
	"encoding/binary"
	"iter"

	"github.com/ksrelease/ksrelease/internal/helmrepo/quickentry"
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

// record is an entry to be kept.
func (e *Entry) record() *quickentry.Entry {
	r := &quickentry.Entry{Version: []byte(e.Version), Digest: []byte(e.Digest), OwnName: []byte(e.OwnName), Created: e.Created, Line: e.Line}
	for _, url := range e.URLs {
		r.URLs = append(r.URLs, []byte(url))
	}
	for key, value := range e.Annotations {
		r.Annotations = append(r.Annotations, [2][]byte{[]byte(key), []byte(value)})
	}
	return r
}

// add puts an entry behind those of its chart.
func (e *entries) add(chart string, r *quickentry.Entry) {
	if chart != e.chart {
		e.seal()
		e.chart = chart
	}
	one := appendBytes(e.one[:0], r.Version)
	one = appendBytes(one, r.Digest)
	one = appendBytes(one, r.OwnName)
	var created [16]byte
	at, err := r.Created.AppendBinary(created[:0])
	if err != nil || r.Created.IsZero() {
		at = nil
	}
	one = appendBytes(one, at)
	one = binary.AppendUvarint(one, uint64(r.Line))
	one = binary.AppendUvarint(one, uint64(len(r.URLs)))
	for _, url := range r.URLs {
		one = appendBytes(one, url)
	}
	one = binary.AppendUvarint(one, uint64(len(r.Annotations)))
	for _, a := range r.Annotations {
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
