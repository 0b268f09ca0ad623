// Package tarball makes a package of files: the same bytes for the same files on any machine
// and at any time. It says how many bytes of it are whose, and keeps its size near what it
// was with other addresses in it.
package tarball

import (
	"archive/tar"
	"bytes"
	"fmt"
	"iter"
	"regexp"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
)

// Archive is a package.
type Archive struct {
	Data []byte
	// Hardness is how it was packed.
	Hardness Hardness
}

// Make packs files below the folder top: usually in the usual way, and hard where it comes near a
// limit of so many bytes, since each of them counts there; 0 is none. The same files give the same
// bytes on any machine and at any time: there is no time, no owner, no mode of the source in it,
// and the compressor is a module pinned in go.mod and not the one of the Go release in use.
//
// How it is packed depends on what is not an address. Were it chosen by the whole, an address of
// one character more could make a package by 1 % smaller, and no forecast of the size would hold.
func Make(top string, files []unpack.File, limit int64) (Archive, error) {
	s, err := lay(top, files)
	if err != nil {
		return Archive{}, err
	}
	defer s.release()
	return s.make(limit), nil
}

func (s *stream) make(limit int64) Archive {
	usual := s.pack(Usual)
	near := limit * nearLimit / 100
	if limit <= 0 || int64(len(usual)) < near {
		return Archive{Data: usual}
	}
	settled := s.settled(Usual)
	switch {
	case settled < near:
		return Archive{Data: usual}
	case s.settled(Hard) >= settled: // what does not compress at all
		return Archive{usual, Hard}
	}
	return Archive{s.pack(Hard), Hard}
}

// Forms are the archives that files give in each way that there is, and there was, to pack them:
// the usual one, the hard one, and the first form.
func Forms(top string, files []unpack.File) ([]Archive, error) {
	s, err := lay(top, files)
	if err != nil {
		return nil, err
	}
	defer s.release()
	first, err := First(top, files)
	return []Archive{{Data: s.pack(Usual)}, {s.pack(Hard), Hard}, {Data: first}}, err
}

// nearLimit is from how many hundredths of the limit on a package is packed hard. It is so many
// without addresses, which may be 2 hundredths, so that all are that have 80 with them.
const nearLimit = 78

// MakeAt packs files in one way.
func MakeAt(hardness Hardness, top string, files []unpack.File) ([]byte, error) {
	s, err := lay(top, files)
	if err != nil {
		return nil, err
	}
	defer s.release()
	return s.pack(hardness), nil
}

// holdsAddresses reports whether a file of the package depends on where the
// assets were uploaded to.
func holdsAddresses(f unpack.File) bool {
	return f.Name == naming.ChartFile || f.Name == naming.MetadataFile
}

// stream is a tar, in segments, one or more for each file.
type stream struct {
	data     []byte
	segments []segment
	buffer   bytes.Buffer // of data, where that is its own
}

// streams are those that nobody uses now: their buffers are used again, as those of writers.
var streams = sync.Pool{New: func() any { return new(stream) }}

// release has the stream, and its data, used by others.
func (s *stream) release() {
	if s.buffer.Cap() > muchKept {
		s.buffer = bytes.Buffer{}
	}
	s.data, s.segments = nil, s.segments[:0]
	streams.Put(s)
}

// segment is a part of a stream.
type segment struct {
	from, to int
	file     int
	kind     kind
	head     int // how much of it is the header of the file
}

// kind says how a segment depends on addresses.
type kind int

const (
	// still has none, and none before it.
	still kind = iota
	// moving has addresses, or the size of the file with them.
	moving
	// apart has none, and some before it.
	apart
)

// lay writes files into a tar.
//
// With other addresses the compressor would repeat other things in all that follows, and cut what
// it reads into blocks at other places: 5 kB in 170 kB were seen. So the files that hold some come
// last (see order), in blocks of their own. What else is in them, where that is much, stands apart
// from the lines with addresses: a picture as a data: URI came out by 16 kB smaller with another
// address next to it.
func lay(top string, files []unpack.File) (*stream, error) {
	size := 0
	for _, f := range files {
		size += len(f.Data) + 1<<10
	}
	s := streams.Get().(*stream)
	buf := &s.buffer
	buf.Reset()
	buf.Grow(size + 1<<10)
	at := 0
	cut := func(file int, kind kind, head int) {
		s.segments = append(s.segments, segment{at, buf.Len(), file, kind, head})
		at = buf.Len()
	}
	tw := tar.NewWriter(buf)
	for _, i := range order(files) {
		f := files[i]
		if err := writeHeader(tw, top+"/"+f.Name, len(f.Data)); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
		head := buf.Len() - at
		parts := []part{{f.Data, false}}
		if holdsAddresses(f) {
			parts = movingParts(f.Data)
		}
		for n, p := range parts {
			if _, err := tw.Write(p.data); err != nil {
				return nil, fmt.Errorf("packing %s: %w", f.Name, err)
			}
			if n == len(parts)-1 {
				if err := tw.Flush(); err != nil { // what fills the block of tar
					return nil, fmt.Errorf("packing %s: %w", f.Name, err)
				}
			}
			switch {
			case !holdsAddresses(f):
				cut(i, still, head)
			case p.moving:
				cut(i, moving, head)
			default:
				cut(i, apart, head)
			}
			head = 0
		}
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	if len(s.segments) == 0 {
		s.segments = append(s.segments, segment{})
	}
	s.data = buf.Bytes()
	s.segments[len(s.segments)-1].to = len(s.data)
	s.joinLittle()
	return s, nil
}

// What is not worth blocks of its own: what is packed to less than littleBefore bytes before what
// moves, or to less than littleApart within it. Blocks would cost more than these can change.
const (
	littleBefore = 4 << 10
	littleApart  = 1 << 10
)

// isLittle says that content is packed to less than so many bytes. What is larger than 32 KiB is not
// even tried.
func isLittle(data []byte, bytes int) bool { return len(data) <= 32<<10 && len(pack(data)) < bytes }

// joinLittle has what is little move with the lines that have addresses.
func (s *stream) joinLittle() {
	n := 0
	for n < len(s.segments) && s.segments[n].kind == still {
		n++
	}
	if n > 0 && n < len(s.segments) && isLittle(s.data[:s.segments[n].from], littleBefore) {
		for i := range s.segments[:n] {
			s.segments[i].kind = moving
		}
	}
	for i, seg := range s.segments[n:] {
		if seg.kind == apart && isLittle(s.data[seg.from:seg.to], littleApart) {
			s.segments[n+i].kind = moving
		}
	}
}

// pack is a member of gzip with this content.
func pack(data []byte) []byte {
	z := newGzip(Usual, data, true)
	defer z.release()
	z.add(0, len(data), still)
	return z.end()
}

// pack compresses a stream.
func (s *stream) pack(hardness Hardness) []byte {
	z := newGzip(hardness, s.data, s.hasFew())
	defer z.release()
	for run := range s.runs() {
		z.add(run[0].from, run[len(run)-1].to, run[0].kind)
	}
	return z.end()
}

// hasFew says that a stream is small, whatever the addresses are.
func (s *stream) hasFew() bool {
	size := 0
	for _, seg := range s.segments {
		if seg.kind != moving {
			size += seg.to - seg.from
		}
	}
	return size <= fewBytes
}

// runs are the segments of a kind that follow one another.
func (s *stream) runs() iter.Seq[[]segment] {
	return func(yield func([]segment) bool) {
		for rest := s.segments; len(rest) > 0; {
			n := 1
			for n < len(rest) && rest[n].kind == rest[0].kind {
				n++
			}
			if !yield(rest[:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}

// address is what differs from server to server.
var address = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`://[^\s"']*`) })

// settled is about the size of the package, whatever the addresses are: without them, and the
// headers of the files that hold some, since these have their size.
func (s *stream) settled(hardness Hardness) int64 {
	var without stream
	for _, seg := range s.segments {
		data := s.data[seg.from:seg.to]
		if seg.kind == moving {
			data = address().ReplaceAll(data[seg.head:], nil)
		}
		without.data = append(without.data, data...)
		without.segments = append(without.segments, segment{from: len(without.data) - len(data), to: len(without.data), kind: seg.kind})
	}
	return int64(len(without.pack(hardness)))
}

// part is a part of a file.
type part struct {
	data []byte
	// moving is set where there are addresses, at most muchElse apart.
	moving bool
}

// muchElse is from how many bytes on it is worth to begin anew before what holds no
// addresses.
const muchElse = 4 << 10

// movingParts divides a file, between lines, into parts that hold addresses and parts
// that hold much else. Its beginning and its end move in any case: the header before
// it holds the size, and the padding behind it fills up to a block of tar.
func movingParts(data []byte) []part {
	var parts []part
	begin, end := 0, 0 // of the part that moves, so far
	still := func(upTo int) {
		if upTo-end < muchElse {
			return
		}
		parts = append(parts, part{data[begin:end], true}, part{data[end:upTo], false})
		begin = upTo
	}
	at := 0
	for line := range bytes.Lines(data) {
		if bytes.Contains(line, []byte("://")) {
			still(at)
			end = at + len(line)
		}
		at += len(line)
	}
	still(len(data))
	return append(parts, part{data[begin:], true})
}

// writeHeader writes the header of a file. archive/tar takes USTAR where the name fits
// there, else PAX; that depends on the name alone.
func writeHeader(tw *tar.Writer, name string, size int) error {
	return tw.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg,
		Name:     name,
		Size:     int64(size),
		Mode:     0o644,
		ModTime:  time.Unix(0, 0),
	})
}
