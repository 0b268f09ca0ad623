package cache

import (
	"bufio"
	"crypto/sha256"
	"hash"
	"io"
	"os"
)

// Blob is the content of an entry that is not read into memory. Whoever opened it closes it. Until
// then it stays as it is, also where the entry is replaced or removed meanwhile.
type Blob struct {
	*io.SectionReader
	file *os.File
}

// Close gives the file back.
func (b *Blob) Close() error { return b.file.Close() }

// Open gives the content of an entry of this machine as a file. It has been read once as a whole when Open
// returns, to verify it.
func (c *Cache) Open(k Key) (*Blob, bool) {
	if c == nil {
		return nil, false
	}
	file, size, err := c.folder.open(k.kind, k.name(), c.now())
	if err == nil && whole(k, file, size) {
		c.stats.hits.Add(1)
		return &Blob{io.NewSectionReader(file, headerSize, size-headerSize), file}, true
	}
	if err == nil {
		file.Close()
	}
	c.stats.misses.Add(1)
	return nil, false
}

// Writer takes the content of an entry that is not in memory. It is of one goroutine. The entry stays
// on this machine. A nil *Writer takes all and keeps nothing.
type Writer struct {
	c      *local
	next   *nextFile // nil: nothing is kept
	buffer *bufio.Writer
	sum    hash.Hash
	size   int64
}

// Create begins an entry of a kind, whose key need not be known yet. Commit or Abort has to be called
// in the end.
func (c *Cache) Create(kind string) *Writer {
	if c == nil || c.broken.Load() {
		return nil
	}
	k := c.Key(kind)
	next, err := c.folder.create(k.kind)
	if err != nil {
		c.fails(err)
		return nil
	}
	w := &Writer{c: c.local, next: next, buffer: bufio.NewWriterSize(next, 64<<10), sum: sha256.New()}
	_, _ = w.buffer.Write(make([]byte, headerSize)) // for the header, which is known in the end
	return w
}

// Write never returns an error: what cannot be kept is let go.
func (w *Writer) Write(p []byte) (int, error) {
	if w == nil || w.next == nil {
		return len(p), nil
	}
	w.size += int64(len(p))
	if w.size > w.c.limit/2 {
		w.Abort()
		return len(p), nil
	}
	w.sum.Write(p)
	if _, err := w.buffer.Write(p); err != nil {
		w.Abort()
		w.c.fails(err)
	}
	return len(p), nil
}

// Abort lets go what was written. After Commit it does nothing.
func (w *Writer) Abort() {
	if w != nil && w.next != nil {
		w.next.drop()
		w.next = nil
	}
}

// Commit keeps what was written as the entry of a key, which is of the kind that Create was called
// with.
func (w *Writer) Commit(k Key) {
	if w == nil || w.next == nil {
		return
	}
	err := w.buffer.Flush()
	if err == nil {
		_, err = w.next.WriteAt(header(k, w.sum.Sum(nil), w.size), 0)
	}
	if err != nil {
		w.Abort()
	} else {
		err = w.next.place(k.name())
		w.next = nil
	}
	w.c.wrote(w.size, err)
}
