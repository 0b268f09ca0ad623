// Package screen is a terminal for tests: what is written to it can be read as somebody sees it.
package screen

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"
)

// Screen is a terminal of some size: enough of one for what ksrelease writes.
type Screen struct {
	columns, rows int

	mu     sync.Mutex
	cells  [][]rune // all lines so far; the last rows of them are on the screen
	x, y   int
	writes []string
	begun  string // the beginning of what comes with the next write
}

// New makes an empty one.
func New(columns, rows int) *Screen {
	return &Screen{columns: columns, rows: rows, cells: [][]rune{nil}}
}

// Size is how large it is.
func (s *Screen) Size() (columns, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.columns, s.rows
}

// Writes is what was written to it, write by write.
func (s *Screen) Writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

// Write shows a text, and obeys what is in it. It panics at what it does not know.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, string(p))
	rest := s.begun + string(p)
	s.begun = ""
	for rest != "" {
		end := strings.IndexFunc(rest, func(r rune) bool { return r >= 'A' && r <= 'z' && r != '[' })
		if rest[0] == '\x1b' && end < 0 || !utf8.FullRuneInString(rest) {
			s.begun = rest
			break
		}
		if rest[0] == '\x1b' {
			s.obey(rest[end], rest[2:end])
			rest = rest[end+1:]
			continue
		}
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		switch r {
		case '\r':
			s.x = 0
		case '\n':
			s.x = 0
			s.down()
		default:
			s.put(r)
		}
	}
	return len(p), nil
}

func (s *Screen) down() {
	if s.y++; s.y == len(s.cells) {
		s.cells = append(s.cells, nil)
	}
}

func (s *Screen) put(r rune) {
	width := text.RuneWidth(r)
	if s.x+width > s.columns {
		s.x = 0
		s.down()
	}
	line := s.cells[s.y]
	for len(line) < s.x+width {
		line = append(line, ' ')
	}
	line[s.x] = r
	if width == 2 {
		line[s.x+1] = 0
	}
	s.cells[s.y] = line
	s.x += width
}

func (s *Screen) obey(command byte, arguments string) {
	switch command {
	case 'A':
		n := 0
		for _, d := range arguments {
			n = 10*n + int(d-'0')
		}
		s.y = max(s.y-n, len(s.cells)-s.rows, 0) // no terminal goes back to what has left it
	case 'K', 'J':
		s.cells[s.y] = s.cells[s.y][:min(s.x, len(s.cells[s.y]))]
		if command == 'J' {
			s.cells = s.cells[:s.y+1]
		}
	case 'm':
	default:
		panic("unknown command " + string(command))
	}
}

// String is all that is to be read, also what has left the screen.
func (s *Screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, line := range s.cells {
		lines = append(lines, strings.TrimRight(strings.ReplaceAll(string(line), "\x00", ""), " "))
	}
	return strings.Join(lines, "\n")
}

// Places are the columns in which a word begins, of all lines that have it.
func (s *Screen) Places(word string) (all []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.cells {
		if before, _, ok := strings.Cut(string(line), word); ok {
			all = append(all, utf8.RuneCountInString(before)) // a wide character has two cells
		}
	}
	return all
}

// Fold makes the screen narrower, which folds the lines that are wider, as most terminals do. The
// cursor is at the end of all lines.
func (s *Screen) Fold(columns int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.columns = columns
	var folded [][]rune
	for _, line := range s.cells {
		for len(line) > columns {
			folded = append(folded, line[:columns:columns])
			line = line[columns:]
		}
		folded = append(folded, line)
	}
	s.cells = folded
	s.y = len(folded) - 1
	s.x = len(folded[s.y])
}

// Await waits until a text is on the screen.
func (s *Screen) Await(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(s.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %q on the screen:\n%s", text, s)
		}
	}
}
