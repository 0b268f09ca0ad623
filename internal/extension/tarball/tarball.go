// Package tarball makes a package of files: the same bytes for the same files on any machine
// and at any time. It says how many bytes of it are whose, and keeps its size near what it
// was with other addresses in it.
package tarball

import (
	"archive/tar"
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/klauspost/compress/flate"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
)

// The levels of gzip. The fast one packs eight times faster than the small one
// and gives packages 4 % larger (over six real extensions: 27 ms and 497 kB
// against 217 ms and 476 kB). Where the package comes near the 1 MB that
// KubeSphere takes, each byte counts: from SmallFrom on it is packed again, small.
const (
	FastLevel  = 6
	smallLevel = flate.BestCompression
	SmallFrom  = 768 << 10
)

// addressSlack is more than the addresses of assets can add to a package: some
// hundred of them would have to be named, with different hosts.
const addressSlack = 64 << 10

// Make packs files, which are sorted by name, below the folder top. The same
// files give the same bytes on any machine and at any time: there is no time,
// no owner, no mode of the source in it, and the compressor is a module pinned
// in go.mod and not the one of the Go release in use.
//
// The level is chosen by the files that hold no addresses. Were it chosen by the
// whole, an address of one character more could make a package by 4 % smaller,
// and no forecast of the size would hold.
func Make(top string, files []unpack.File) ([]byte, error) {
	packed, _, err := leveledTarball(top, files)
	return packed, err
}

// leveledTarball is tarball, and says which level it chose.
func leveledTarball(top string, files []unpack.File) (packed []byte, level int, err error) {
	packed, err = MakeAt(FastLevel, top, files)
	if err != nil || len(packed) < SmallFrom-addressSlack {
		return packed, FastLevel, err
	}
	rest, err := MakeAt(FastLevel, top, slices.DeleteFunc(slices.Clone(files), holdsAddresses))
	if err != nil || len(rest) < SmallFrom {
		return packed, FastLevel, err
	}
	small, err := MakeAt(smallLevel, top, files)
	if err != nil || len(small) > len(packed) {
		return packed, FastLevel, err
	}
	return small, smallLevel, nil
}

// holdsAddresses reports whether a file of the package depends on where the
// assets were uploaded to.
func holdsAddresses(f unpack.File) bool {
	return f.Name == naming.ChartFile || f.Name == naming.MetadataFile
}

func MakeAt(level int, top string, files []unpack.File) ([]byte, error) {
	packed, _, err := measuredTarball(level, top, files, func(unpack.File) bool { return false })
	return packed, err
}

// measuredTarball packs files, and ends a block of the compressor after each file
// that apart picks. grown says by how much the archive had grown from one file to
// the next, exact where a block ends.
//
// Files that hold addresses are packed so that nothing but the lines around these
// can come out larger or smaller with other ones (see writeMoving).
func measuredTarball(level int, top string, files []unpack.File, apart func(unpack.File) bool) (packed []byte, grown []int, err error) {
	var size int
	for _, f := range files {
		size += len(f.Data)
	}
	var buf bytes.Buffer
	buf.Grow(size/4 + 4<<10)
	zw, err := newGzip(&buf, level)
	if err != nil {
		return nil, nil, err
	}
	tw := tar.NewWriter(zw)
	grown = make([]int, 0, len(files))
	for i, f := range files {
		if holdsAddresses(f) {
			if err := endBlock(tw, func() error { return zw.restart(zw.careful) }); err != nil {
				return nil, nil, err
			}
			if i > 0 {
				grown[i-1] = buf.Len()
			}
		}
		if err := writeHeader(tw, top+"/"+f.Name, len(f.Data)); err != nil {
			return nil, nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
		if holdsAddresses(f) {
			err = writeMoving(tw, zw, f.Data)
		} else if _, err = tw.Write(f.Data); err == nil && apart(f) {
			err = endBlock(tw, zw.flush)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
		grown = append(grown, buf.Len())
	}
	if err := tw.Close(); err != nil {
		return nil, nil, err
	}
	if err := zw.close(); err != nil {
		return nil, nil, err
	}
	return buf.Bytes(), grown, nil
}

// endBlock hands over what tar holds back, and ends the block of the compressor.
func endBlock(tw *tar.Writer, end func() error) error {
	if err := tw.Flush(); err != nil {
		return err
	}
	return end()
}

// writeMoving writes the content of a file that holds addresses, behind its header,
// which holds its size.
//
// With addresses of another length the compressor would repeat other things in all
// that follows, and cut what it reads into blocks at other places: 5 kB in 170 kB
// were seen. So it begins anew before the header and behind the padding, and around
// what else is in the file, where that is much: a picture as a data: URI came out by
// 16 kB smaller with another address next to it. Each time costs about 100 bytes, and
// what stands before and after have in common.
func writeMoving(tw *tar.Writer, zw *gzipWriter, data []byte) error {
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
