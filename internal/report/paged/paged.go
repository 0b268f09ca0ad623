// Package paged keeps a text in a file of which parts are replaced in place, a page at a time.
package paged

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
)

// page is what one write to a file replaces as a whole whatever happens to the
// process: a signal can cut a write only between the pages of memory that it
// fills, and no system that we know of has smaller ones.
const page = 4096

// Text is a text in parts, each of which can be replaced in place: it begins
// at a page and is filled up with blanks to the end of one. The text has to be
// sound with any mix of old and new parts.
//
// Why not a new file for every change: on ext4, replacing a file by another
// makes the kernel begin to write the new one out, which takes milliseconds,
// and the reports of a thousand extensions have megabytes. A change in place
// takes microseconds. Neither is synced: what is written survives a kill of the
// process, and is not meant to survive a power failure.
type Text struct {
	Path  string
	parts []part
	File  *os.File // nil: there is nothing on disk that could be changed in place
	Stale bool     // a part does not fit its place: the file has to be written anew
}

// New is one for a file, which is written by Write.
func New(path string) *Text { return &Text{Path: path} }

type part struct {
	text   []byte // as it should be
	onDisk []byte // as it is, with its blanks
	at     int64
}

// Reset takes other parts; they are on disk after the next write.
func (p *Text) Reset(texts [][]byte) {
	p.parts = make([]part, len(texts))
	for i, text := range texts {
		p.parts[i].text = text
	}
	p.Stale = true
}

// Set replaces a part, on disk as well if it fits its place there and differs
// in one page at most. Otherwise the next write will do it.
func (p *Text) Set(i int, text []byte) error {
	part := &p.parts[i]
	part.text = text
	if p.File == nil || len(part.onDisk) == 0 || len(text) > len(part.onDisk) {
		p.Stale = true
		return nil
	}
	wanted := padded(text, len(part.onDisk))
	from, count := differing(part.onDisk, wanted)
	switch count {
	case 0:
		return nil
	case 1:
	default:
		p.Stale = true
		return nil
	}
	if _, err := p.File.WriteAt(wanted[from:from+page], part.at+int64(from)); err != nil {
		p.Close()
		p.Stale = true
		return err
	}
	part.onDisk = wanted
	return nil
}

// differing counts the pages that differ, and says where the first begins.
func differing(a, b []byte) (first, count int) {
	for at := 0; at < len(a); at += page {
		if bytes.Equal(a[at:at+page], b[at:at+page]) {
			continue
		}
		if count == 0 {
			first = at
		}
		count++
	}
	return first, count
}

// padded fills a text up with blanks; its last byte is a line break.
func padded(text []byte, size int) []byte {
	out := make([]byte, size)
	for i := copy(out, text); i < size; i++ {
		out[i] = ' '
	}
	if len(text) < size {
		out[size-1] = '\n'
	}
	return out
}

// Write puts the whole text in the place of the file, in one step.
func (p *Text) Write() error {
	p.Close() // Windows replaces no file that is open
	var whole bytes.Buffer
	for i := range p.parts {
		part := &p.parts[i]
		part.at = int64(whole.Len())
		part.onDisk = padded(part.text, max(1, (len(part.text)+page-1)/page)*page)
		whole.Write(part.onDisk)
	}
	if err := atomicfile.Write(p.Path, whole.Bytes(), 0o644); err != nil {
		return err
	}
	p.Stale = false
	file, err := os.OpenFile(p.Path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("opening it again: %w", err)
	}
	// Another run with the same report may have put its own there by now. That is
	// not to be changed in place; the next write replaces it.
	if found, err := io.ReadAll(file); err != nil || !bytes.Equal(found, whole.Bytes()) {
		return file.Close()
	}
	p.File = file
	return nil
}

// Close lets go of the file; it cannot be changed in place until it is written
// again.
func (p *Text) Close() {
	if p.File != nil {
		_ = p.File.Close() // every write to it has been checked
		p.File = nil
	}
}
