package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Writer appends the lines of a run to a file. Lines are collected until Flush, so that
// events which come together take one write. It is for one goroutine.
type Writer struct {
	path    string
	encoder Encoder
	pending []byte
	most    int // bytes of pending
	// durable says that something pending has to be on the disk when Flush returns.
	durable bool
	file    file  // nil before the first Flush
	size    int64 // of all whole lines in the file
	lost    bool  // lines were given up: nothing may follow them
	err     error
}

// file is the *os.File that lines are appended to.
type file interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

// NewWriter makes a writer. A file of an earlier run is replaced when the run begins.
func NewWriter(path string) *Writer { return &Writer{path: path, most: mostPending} }

// mostPending is how many bytes are kept for a disk that takes none. When there are more,
// the journal ends.
const mostPending = 64 << 20

// Observe adds the line of an event.
func (w *Writer) Observe(e results.Event) {
	if w.lost {
		return
	}
	line, err := w.encoder.Encode(e)
	if err != nil { // nothing that follows would fit what a reader knows
		w.lost = true
		w.keep(err)
		return
	}
	w.pending = append(w.pending, line...)
	w.durable = w.durable || e.Writes || e.Kind == results.EventRunStarted || e.Kind == results.EventRunFinished
	if len(w.pending) > w.most {
		w.lost, w.pending = true, nil
	}
}

// Flush writes the lines since the last one, and waits for the disk where one of them is
// evidence: the start and end of a stage that changes a target, and of the run.
// What cannot be written is tried again by the next Flush.
func (w *Writer) Flush() {
	if len(w.pending) == 0 {
		return
	}
	if err := w.write(); err != nil {
		w.keep(err)
		return
	}
	w.pending, w.durable = w.pending[:0], false
}

func (w *Writer) write() error {
	if w.file == nil {
		return w.begin()
	}
	n, err := w.file.Write(w.pending)
	if err == nil && w.durable {
		err = w.file.Sync()
	}
	if err != nil {
		if n > 0 { // no part of a line stays in the way of the next one
			err = errors.Join(err, w.file.Truncate(w.size))
		}
		return err
	}
	w.size += int64(n)
	return nil
}

// begin puts the file in its place with all lines so far, and opens it.
func (w *Writer) begin() error {
	if err := atomicfile.WriteSynced(w.path, w.pending, 0o644); err != nil {
		return err
	}
	opened, err := os.OpenFile(w.path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	// Another run with the same journal may have put its own there by now.
	if found, err := io.ReadAll(opened); err != nil || !bytes.Equal(found, w.pending) {
		return errors.Join(errors.New("another run writes it, too"), err, opened.Close())
	}
	w.file, w.size = opened, int64(len(w.pending))
	return nil
}

// Close writes what is left and closes the file.
func (w *Writer) Close() {
	w.Flush()
	if w.file != nil {
		w.keep(w.file.Close())
	}
}

func (w *Writer) keep(err error) {
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("writing the report %s: %w", w.path, err)
	}
}

// Err is the first error of writing; nil when all went well.
func (w *Writer) Err() error { return w.err }
