package extension

import (
	"archive/tar"
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"
)

// The levels of gzip. The fast one packs eight times faster than the small one
// and gives packages 4 % larger (over six real extensions: 27 ms and 497 kB
// against 217 ms and 476 kB). Where the package comes near the 1 MB that
// KubeSphere takes, each byte counts: from smallFrom on it is packed again, small.
const (
	fastLevel  = 6
	smallLevel = gzip.BestCompression
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
	packed, _, err := measuredTarball(level, top, files, holdsAddresses)
	return packed, err
}

// measuredTarball packs files, and ends a block of the compressor before and
// after each file that apart picks. grown says by how much the archive had grown
// from one file to the next, exact where a block ends.
//
// Files that hold addresses are always packed so, for the sake of the forecast:
// the compressor cuts what it reads into blocks of 64 KiB with a code each, and
// one character more in extension.yaml would move the cuts in all that follows,
// which may change its size by kilobytes (5 kB in 170 kB were seen). A block that
// is ended by hand costs some 50 bytes.
func measuredTarball(level int, top string, files []File, apart func(File) bool) (packed []byte, grown []int, err error) {
	var size int
	for _, f := range files {
		size += len(f.Data)
	}
	var buf bytes.Buffer
	buf.Grow(size/4 + 4<<10)
	zw, err := gzip.NewWriterLevel(&buf, level)
	if err != nil {
		return nil, nil, err
	}
	// 0 means "no time" to gzip; the zero value of the field comes out as one in 2042.
	zw.ModTime = time.Unix(0, 0)
	tw := tar.NewWriter(zw)
	grown = make([]int, 0, len(files))
	for i, f := range files {
		if i > 0 && !apart(files[i-1]) && apart(f) {
			if err := endBlock(tw, zw); err != nil {
				return nil, nil, err
			}
			grown[i-1] = buf.Len()
		}
		if err := writeEntry(tw, top+"/"+f.Name, f.Data); err != nil {
			return nil, nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
		if apart(f) {
			if err := endBlock(tw, zw); err != nil {
				return nil, nil, err
			}
		}
		grown = append(grown, buf.Len())
	}
	if err := tw.Close(); err != nil {
		return nil, nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, nil, err
	}
	return buf.Bytes(), grown, nil
}

// endBlock writes out all that the entries so far have come to.
func endBlock(tw *tar.Writer, zw *gzip.Writer) error {
	if err := tw.Flush(); err != nil {
		return err
	}
	return zw.Flush()
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
