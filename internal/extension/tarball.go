package extension

import (
	"archive/tar"
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/klauspost/compress/flate"
)

// The levels of gzip. The fast one packs eight times faster than the small one
// and gives packages 4 % larger (over six real extensions: 27 ms and 497 kB
// against 217 ms and 476 kB). Where the package comes near the 1 MB that
// KubeSphere takes, each byte counts: from smallFrom on it is packed again, small.
const (
	fastLevel  = 6
	smallLevel = flate.BestCompression
	smallFrom  = 768 << 10
)

// addressSlack is more than the addresses of assets can add to a package: some
// hundred of them would have to be named, with different hosts.
const addressSlack = 64 << 10

// tarball packs files, which are sorted by name, below the folder top. The same
// files give the same bytes on any machine and at any time: there is no time,
// no owner, no mode of the source in it, and the compressor is a module pinned
// in go.mod and not the one of the Go release in use.
//
// The level is chosen by the files that hold no addresses. Were it chosen by the
// whole, an address of one character more could make a package by 4 % smaller,
// and no forecast of the size would hold.
func tarball(top string, files []File) ([]byte, error) {
	packed, _, err := leveledTarball(top, files)
	return packed, err
}

// leveledTarball is tarball, and tells which level it chose.
func leveledTarball(top string, files []File) (packed []byte, level int, err error) {
	packed, err = tarballAt(fastLevel, top, files)
	if err != nil || len(packed) < smallFrom-addressSlack {
		return packed, fastLevel, err
	}
	rest, err := tarballAt(fastLevel, top, slices.DeleteFunc(slices.Clone(files), holdsAddresses))
	if err != nil || len(rest) < smallFrom {
		return packed, fastLevel, err
	}
	small, err := tarballAt(smallLevel, top, files)
	if err != nil || len(small) > len(packed) {
		return packed, fastLevel, err
	}
	return small, smallLevel, nil
}

// holdsAddresses tells whether a file of the package depends on where the
// assets were uploaded to.
func holdsAddresses(f File) bool { return f.Name == ChartFile || f.Name == MetadataFile }

func tarballAt(level int, top string, files []File) ([]byte, error) {
	packed, _, err := measuredTarball(level, top, files, func(File) bool { return false })
	return packed, err
}

// measuredTarball packs files, and ends a block of the compressor after each file
// that apart picks. grown says by how much the archive had grown from one file to
// the next, exact where a block ends.
//
// Before and after a file that holds addresses the compressor begins anew, for the
// sake of the forecast: then nothing but these few files can come out larger or
// smaller with other addresses. It would otherwise repeat what stood in them, and
// cut what it reads into blocks at other places, in all that follows (5 kB in
// 170 kB were seen). It costs about 100 bytes each time, and what the files around
// have in common.
func measuredTarball(level int, top string, files []File, apart func(File) bool) (packed []byte, grown []int, err error) {
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
		if i > 0 && holdsAddresses(f) {
			if err := endBlock(tw, zw.flush); err != nil {
				return nil, nil, err
			}
			grown[i-1] = buf.Len()
		}
		if err := writeEntry(tw, top+"/"+f.Name, f.Data); err != nil {
			return nil, nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
		switch {
		case holdsAddresses(f):
			err = endBlock(tw, zw.restart)
		case apart(f):
			err = endBlock(tw, zw.flush)
		}
		if err != nil {
			return nil, nil, err
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

// writeEntry writes one file. archive/tar takes USTAR where the name fits
// there, else PAX; that depends on the name alone.
func writeEntry(tw *tar.Writer, name string, data []byte) error {
	err := tw.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg,
		Name:     name,
		Size:     int64(len(data)),
		Mode:     0o644,
		ModTime:  time.Unix(0, 0),
	})
	if err != nil {
		return err
	}
	_, err = tw.Write(data)
	return err
}
