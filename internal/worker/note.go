package worker

import (
	"encoding/binary"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/ksrelease/ksrelease/internal/lint"
)

// notes are pages of memory that a worker shares with the program that started it, one for each task
// that it does at a time: what is at work stands there also when the process ends without another
// word, as with a stack that is full. A message for each template would wake up the program, and
// take longer than to render some of them.
type notes struct {
	file *os.File // that of the program, which reads them
}

// note is such a page in a worker. It has two places, and the number of the one that counts: so
// what is read after the end of the process is whole.
type note struct {
	page []byte
}

const (
	noteSize  = 8 << 10
	notePlace = noteSize/2 - 8
	// noteDescriptor is that of the pages in a worker: the first after the standard streams.
	noteDescriptor = 3
)

// The first word of the page says which place counts: none, the first, or the second.
const noPlace = 0

func (n *note) current() *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&n.page[0])) }

// write notes what is at work. It reports false where there is no page, or the page is too small for it.
func (n *note) write(p lint.Progress) bool {
	if n == nil || len(n.page) != noteSize {
		return false
	}
	if 4+len(p.Rule)+len(p.Template) > notePlace {
		n.current().Store(noPlace) // what was said counts
		return false
	}
	next := n.current().Load()%2 + 1
	at := placeOf(n.page, next)
	binary.NativeEndian.PutUint16(at, uint16(len(p.Rule)))
	binary.NativeEndian.PutUint16(at[2:], uint16(len(p.Template)))
	copy(at[4:], p.Rule)
	copy(at[4+len(p.Rule):], p.Template)
	n.current().Store(next)
	return true
}

// read is what was noted last of the task in a slot; ok is false where nothing is.
func (n *notes) read(slot int) (p lint.Progress, ok bool) {
	if n == nil {
		return p, false
	}
	page := make([]byte, noteSize)
	if _, err := n.file.ReadAt(page, int64(slot)*noteSize); err != nil {
		return p, false
	}
	current := binary.NativeEndian.Uint32(page)
	if current != 1 && current != 2 {
		return p, false
	}
	at := placeOf(page, current)
	rule, template := int(binary.NativeEndian.Uint16(at)), int(binary.NativeEndian.Uint16(at[2:]))
	if 4+rule+template > len(at) {
		return p, false
	}
	return lint.Progress{Rule: string(at[4 : 4+rule]), Template: string(at[4+rule : 4+rule+template])}, true
}

func placeOf(page []byte, number uint32) []byte {
	begin := 8 + int(number-1)*notePlace
	return page[begin : begin+notePlace]
}

// close gives back what the program has of the pages.
func (n *notes) close() {
	if n != nil {
		_ = n.file.Close() // it is memory
	}
}
