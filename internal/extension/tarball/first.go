package tarball

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/klauspost/compress/flate"

	"github.com/ksrelease/ksrelease/internal/extension/unpack"
)

// The levels of gzip of the first form. The small one was for packages of smallFrom bytes and more.
const (
	firstFastLevel  = 6
	firstSmallLevel = flate.BestCompression
	firstSmallFrom  = 768 << 10
)

// firstSlack is more than the addresses of assets can add to a package: some
// hundred of them would have to be named, with different hosts.
const firstSlack = 64 << 10

// First packs files, which are sorted by name, below the folder top, as ksrelease did at first: in
// the order of their names, 12 % larger. Its bytes stay what they were, since they are in what was released:
// packages that are proved to the byte, and charts that lie packed in extensions, of which they are
// content.
func First(top string, files []unpack.File) ([]byte, error) {
	packed, err := firstAt(firstFastLevel, top, files)
	if err != nil || len(packed) < firstSmallFrom-firstSlack {
		return packed, err
	}
	rest, err := firstAt(firstFastLevel, top, slices.DeleteFunc(slices.Clone(files), holdsAddresses))
	if err != nil || len(rest) < firstSmallFrom {
		return packed, err
	}
	small, err := firstAt(firstSmallLevel, top, files)
	if err != nil || len(small) > len(packed) {
		return packed, err
	}
	return small, nil
}

func firstAt(level int, top string, files []unpack.File) ([]byte, error) {
	var buf bytes.Buffer
	zw, err := newFirstGzip(&buf, level)
	if err != nil {
		return nil, err
	}
	tw := tar.NewWriter(zw)
	for _, f := range files {
		if holdsAddresses(f) {
			if err := endBlock(tw, func() error { return zw.restart(zw.careful) }); err != nil {
				return nil, err
			}
		}
		if err := writeHeader(tw, top+"/"+f.Name, len(f.Data)); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
		if holdsAddresses(f) {
			err = writeMoving(tw, zw, f.Data)
		} else {
			_, err = tw.Write(f.Data)
		}
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	if err := zw.close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// endBlock hands over what tar holds back, and ends the block of the compressor.
func endBlock(tw *tar.Writer, end func() error) error {
	if err := tw.Flush(); err != nil {
		return err
	}
	return end()
}

// writeMoving writes the content of a file that holds addresses, behind its header,
// which holds its size. The compressor begins anew around its moving parts.
func writeMoving(tw *tar.Writer, zw *firstGzip, data []byte) error {
	moving := true // the size in the header
	for _, part := range movingParts(data) {
		if moving != part.moving {
			with := zw.usual
			if part.moving {
				with = zw.careful
			}
			if err := zw.restart(with); err != nil {
				return err
			}
		}
		if _, err := tw.Write(part.data); err != nil {
			return err
		}
		moving = part.moving
	}
	return endBlock(tw, func() error { return zw.restart(zw.usual) })
}

// firstGzip writes one member of gzip (RFC 1952), as package gzip does, and can
// let the compressor begin anew within it, which package gzip cannot: what comes out
// from there on depends on what is written from there on alone.
//
// It has two compressors. The careful one is slow, and so for short parts; it finds
// what repeats wherever that stands, while the other, which looks at fewer places,
// may find it with one address and miss it with another.
type firstGzip struct {
	to             *bytes.Buffer
	usual, careful *flate.Writer
	current        *flate.Writer
	checksum       uint32
	size           uint32
}

func newFirstGzip(to *bytes.Buffer, level int) (*firstGzip, error) {
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
	return &firstGzip{to: to, usual: usual, careful: careful, current: usual}, nil
}

func (z *firstGzip) Write(data []byte) (int, error) {
	z.checksum = crc32.Update(z.checksum, crc32.IEEETable, data)
	z.size += uint32(len(data))
	return z.current.Write(data)
}

// flush ends a block: all that was written so far is in the output.
func (z *firstGzip) flush() error { return z.current.Flush() }

// restart ends a block, and begins anew with one of the compressors. A block that
// was ended by flush ends with a byte, so that another can stand behind it (RFC 1951).
func (z *firstGzip) restart(with *flate.Writer) error {
	if err := z.flush(); err != nil {
		return err
	}
	with.Reset(z.to)
	z.current = with
	return nil
}

func (z *firstGzip) close() error {
	if err := z.current.Close(); err != nil {
		return err
	}
	tail := binary.LittleEndian.AppendUint32(nil, z.checksum)
	_, err := z.to.Write(binary.LittleEndian.AppendUint32(tail, z.size))
	return err
}
