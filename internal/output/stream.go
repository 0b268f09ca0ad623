package output

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
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
	status  []Text // what is going on: it stands below all that was printed
	widths  []int  // of the lines of it that are on the screen
	plain   atomic.Bool
	last    atomic.Int64 // when something was printed, in nanoseconds since 1970

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

// Status shows what is going on, in lines that stand below all that is printed until others take
// their place, or [Stream.Wipe] takes them away. It is for terminals, and the lines have to fit:
// see [Stream.Live].
func (s *Stream) Status(lines ...Text) {
	shown := make([]Text, len(lines))
	for i, line := range lines {
		shown[i] = Text{withoutCommands(strings.ReplaceAll(line.s, "\n", " "))}
	}
	s.put(entry{to: s, kind: ofStatus, status: shown})
}

// Wipe takes away what Status showed.
func (s *Stream) Wipe() { s.put(entry{to: s, kind: ofStatus}) }

// Plain has nothing redrawn from now on: what Status showed is taken away, and what it is given
// later is not shown.
func (s *Stream) Plain() {
	s.plain.Store(true)
	s.Wipe()
}

// Forget leaves what Status showed where it is, as somebody else has written to the terminal since: a
// shell, while the program was stopped without a [Stream.Leave]. The next status is drawn below that.
func (s *Stream) Forget() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.widths = nil
}

// Leave takes away what Status showed, and has nothing written until back is called: a shell has the
// terminal meanwhile. It waits only for a moment where the terminal takes nothing.
func (s *Stream) Leave() (back func()) {
	const moment = 200 * time.Millisecond
	left, returned := make(chan struct{}), make(chan struct{})
	go func() {
		s.writing.Lock()
		defer s.writing.Unlock()
		s.out(s.away())
		close(left)
		<-returned
		if columns, _ := s.Live(); columns == 0 { // it goes on in the background
			s.status = nil
		}
	}()
	select {
	case <-left:
	case <-time.After(moment):
	}
	return func() { close(returned) }
}

// LastPrint is when something was printed; zero before that. A status is nothing printed.
func (s *Stream) LastPrint() time.Time {
	if at := s.last.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

func (s *Stream) write(text string) {
	s.last.Store(time.Now().UnixNano())
	s.put(entry{to: s, text: text})
}

func (s *Stream) put(p entry) {
	if s.queue != nil {
		s.queue.put(p)
		return
	}
	s.show(p)
}

// show does what an entry asks for in one write, so that nobody sees half of it.
func (s *Stream) show(p entry) {
	s.writing.Lock()
	defer s.writing.Unlock()
	switch {
	case p.kind == ofStatus && s.isPlain():
		s.status = nil
		s.out(s.away())
	case p.kind == ofStatus:
		s.status = p.status
		s.out(s.drawn())
	case strings.HasSuffix(p.text, "\n"):
		s.out(s.away() + p.text + s.drawn())
	default: // a question, whose answer comes in the same line
		s.status = nil
		s.out(s.away() + p.text)
	}
}

// clear takes away the status for a moment, for what another stream prints to the same terminal.
func (s *Stream) clear() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.out(s.away())
}

// eraseBelow clears the screen from the cursor on (ECMA-48, 8.3.39 ED).
const eraseBelow = text.EscapeStart + "J"

// away is what takes the status from the screen.
func (s *Stream) away() string {
	begin := s.begin()
	if begin != "" {
		s.widths = nil
		begin += eraseBelow
	}
	return begin
}

// begin leads to where the first line of the status on the screen begins; empty where there is
// none. A terminal that has become narrower has folded its lines.
func (s *Stream) begin() string {
	if len(s.widths) == 0 {
		return ""
	}
	columns, rows := s.Columns(), 0
	for _, width := range s.widths {
		rows++
		if columns > 0 && width > columns {
			rows += (width - 1) / columns
		}
	}
	if rows == 1 {
		return "\r"
	}
	return "\r" + text.CursorUp.Sprintn(rows-1)
}

// drawn is what brings the status to the screen, over the one before it.
func (s *Stream) drawn() string {
	if len(s.status) == 0 {
		return s.away()
	}
	var b strings.Builder
	b.WriteString(s.begin())
	s.widths = s.widths[:0]
	for i, line := range s.status {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(line.s)
		if i < len(s.status)-1 {
			b.WriteString(text.EraseLine.Sprint())
		}
		s.widths = append(s.widths, line.Width())
	}
	b.WriteString(eraseBelow)
	return b.String()
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
	columns, _ := s.size()
	return columns
}

// Live is the size of the terminal, for what is redrawn there; 0 where nothing is to be, as in the
// background of a shell.
func (s *Stream) Live() (columns, rows int) {
	if s.isPlain() {
		return 0, 0
	}
	return s.size()
}

// isPlain says that nothing is redrawn now.
func (s *Stream) isPlain() bool {
	f, ok := s.w.(*os.File)
	return s.plain.Load() || ok && inBackground(f)
}

func (s *Stream) size() (columns, rows int) {
	f, ok := s.w.(*os.File)
	if !ok {
		return 0, 0
	}
	columns, rows, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, rows
}

// IsTerminal says that somebody reads along.
func (s *Stream) IsTerminal() bool {
	f, ok := s.w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
