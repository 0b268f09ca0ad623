package output

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// Stream is standard output or standard error. It may be used by several goroutines;
// each call is one write, so that lines stay whole. [Background] has its writes done by a
// goroutine, so that nobody waits for a slow reader.
//
// Prints return no error: a command would have to go on all the same, since it may be in
// the middle of a release. The first error is kept for the end of the command; see Err.
type Stream struct {
	writing sync.Mutex // one write at a time
	w       io.Writer
	status  bool // the last line says what is going on, and has no end

	mu    sync.Mutex
	err   error
	queue *queue // nil: each print is a write
}

// New makes a stream that writes to w. Where w is an *os.File that is a terminal, the
// stream knows its width.
func New(w io.Writer) *Stream { return &Stream{w: w} }

// Print prints words of this program with values in them, as Format makes them, and ends
// the line.
func (s *Stream) Print(format constant, args ...any) {
	s.write(withoutCommands(Format(format, args...).s + "\n"))
}

// Ask prints a question: it stays in its line.
func (s *Stream) Ask(format constant, args ...any) {
	s.write(withoutCommands(Format(format, args...).s))
}

// Own prints a document of this program byte for byte, such as a schema that it carries.
func (s *Stream) Own(document []byte) {
	s.write(string(document))
}

// JSON prints a value as one line of JSON, or set in by an indent: equal to the value, and
// without commands and characters that a terminal would obey, which JSON has escapes for.
func (s *Stream) JSON(value any, indent constant) {
	text, err := JSON(value, "", string(indent))
	if err != nil {
		s.fail(err)
		return
	}
	s.write(string(text) + "\n")
}

// Lines is a writer for others who print to people line by line, such as the parser of
// the command line with its help.
func (s *Stream) Lines() io.Writer { return lineWriter{s} }

type lineWriter struct{ to *Stream }

func (l lineWriter) Write(p []byte) (int, error) {
	l.to.write(withoutCommands(VisibleLines(string(p))))
	return len(p), nil // as a Print: the error is kept
}

// Status shows a line that the next print replaces. It is for terminals.
func (s *Stream) Status(line Text) {
	s.put(entry{s, withoutCommands(strings.ReplaceAll(line.s, "\n", " ")), true})
}

// Wipe takes away what Status showed.
func (s *Stream) Wipe() { s.put(entry{s, "", false}) }

func (s *Stream) write(text string) { s.put(entry{s, text, false}) }

func (s *Stream) put(p entry) {
	if s.queue != nil {
		s.queue.put(p)
		return
	}
	s.show(p)
}

// show does the write of a print.
func (s *Stream) show(p entry) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.status {
		s.out("\r\x1b[K")
	}
	s.status = p.status
	s.out(p.text)
}

func (s *Stream) out(text string) {
	if text == "" {
		return
	}
	if _, err := io.WriteString(s.w, text); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.err == nil {
			s.err = err
		}
	}
}

func (s *Stream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = errors.Join(s.err, err)
}

// Err is the first error of writing: a full disk, a reader that has gone away. It is nil
// when all that was printed has been taken, as far as it was written: see Flush.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Columns is the width of the terminal; 0 where the stream is none.
func (s *Stream) Columns() int {
	f, ok := s.w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// IsTerminal says that somebody reads along.
func (s *Stream) IsTerminal() bool {
	f, ok := s.w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
