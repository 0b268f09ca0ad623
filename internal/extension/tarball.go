package extension

import (
	"archive/tar"
	"bytes"
	"fmt"
	"time"

	"github.com/klauspost/compress/gzip"
)

// compressionLevel is the level of gzip. Over the six packages the tests know,
// level 9 is the smallest, and it counts: KubeSphere takes no package of more
// than 1 MB.
const compressionLevel = gzip.BestCompression

// tarball packs files, which are sorted by name, below the folder top. The same
// files give the same bytes on any machine and at any time: there is no time,
// no owner, no mode of the source in it, and the compressor is a module pinned
// in go.mod and not the one of the Go release in use.
func tarball(top string, files []File) ([]byte, error) {
	var size int
	for _, f := range files {
		size += len(f.Data)
	}
	var buf bytes.Buffer
	buf.Grow(size/4 + 4<<10)
	zw, err := gzip.NewWriterLevel(&buf, compressionLevel)
	if err != nil {
		return nil, err
	}
	tw := tar.NewWriter(zw)
	for _, f := range files {
		if err := writeEntry(tw, top+"/"+f.Name, f.Data); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
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
