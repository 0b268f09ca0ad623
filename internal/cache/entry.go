package cache

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
)

// headerSize is the length of the line that an entry begins with.
const headerSize = 17 + 1 + 64 + 1 + 64 + 1 + 20 + 1

// header is that line: a word and the version of the form, the digests of key and content, and the
// size of the content in bytes.
func header(k Key, sum []byte, size int64) []byte {
	return fmt.Appendf(make([]byte, 0, headerSize), "ksrelease-cache/1 %x %x %020d\n", k.sum, sum, size)
}

// seal makes an entry of a content.
func seal(k Key, data []byte) []byte {
	sum := sha256.Sum256(data)
	return append(header(k, sum[:], int64(len(data))), data...)
}

// unseal gives the content of an entry if it is whole and has this key.
func unseal(k Key, entry []byte) ([]byte, bool) {
	if len(entry) < headerSize {
		return nil, false
	}
	data := entry[headerSize:]
	sum := sha256.Sum256(data)
	return data, bytes.Equal(entry[:headerSize], header(k, sum[:], int64(len(data))))
}

// whole reports whether an entry of size bytes is whole and has this key.
func whole(k Key, entry io.ReaderAt, size int64) bool {
	if size < headerSize {
		return false
	}
	first := make([]byte, headerSize)
	if n, _ := entry.ReadAt(first, 0); n < headerSize {
		return false
	}
	h := sha256.New()
	n, err := io.Copy(h, io.NewSectionReader(entry, headerSize, size-headerSize))
	return err == nil && bytes.Equal(first, header(k, h.Sum(nil), n))
}
