package tarball

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/flate"
)

// gzipWriter writes one member of gzip (RFC 1952), as package gzip does, and can
// let the compressor begin anew within it, which package gzip cannot: what comes out
// from there on depends on what is written from there on alone.
//
// It has two compressors. The careful one is slow, and so for short parts; it finds
// what repeats wherever that stands, while the other, which looks at fewer places,
// may find it with one address and miss it with another.
type gzipWriter struct {
	to             *bytes.Buffer
	usual, careful *flate.Writer
	current        *flate.Writer
	checksum       uint32
	size           uint32
}

// gzipHead is a member's head without a name and a time. The system it was made on
// is unknown (255): the same bytes anywhere.
var gzipHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}

func newGzip(to *bytes.Buffer, level int) (*gzipWriter, error) {
	usual, err := flate.NewWriter(to, level)
	if err != nil {
		return nil, err
	}
	careful, err := flate.NewWriter(to, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	head := bytes.Clone(gzipHead)
	if level == flate.BestCompression {
		head[8] = 2 // the slowest algorithm, says RFC 1952 of this byte
	}
	to.Write(head)
	return &gzipWriter{to: to, usual: usual, careful: careful, current: usual}, nil
}

func (z *gzipWriter) Write(data []byte) (int, error) {
	z.checksum = crc32.Update(z.checksum, crc32.IEEETable, data)
	z.size += uint32(len(data))
	return z.current.Write(data)
}

// flush ends a block: all that was written so far is in the output.
func (z *gzipWriter) flush() error { return z.current.Flush() }

// restart ends a block, and begins anew with one of the compressors. A block that
// was ended by flush ends with a byte, so that another can stand behind it (RFC 1951).
func (z *gzipWriter) restart(with *flate.Writer) error {
	if err := z.flush(); err != nil {
		return err
	}
	with.Reset(z.to)
	z.current = with
	return nil
}

func (z *gzipWriter) close() error {
	if err := z.current.Close(); err != nil {
		return err
	}
	tail := binary.LittleEndian.AppendUint32(nil, z.checksum)
	_, err := z.to.Write(binary.LittleEndian.AppendUint32(tail, z.size))
	return err
}
