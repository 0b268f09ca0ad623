package canary

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unicode/utf8"
)

// Leak is a secret that got out.
type Leak struct {
	// Where names the output or file; what is within an archive comes after a !.
	Where string
	// Line and Column are 1-based; Column counts bytes.
	Line, Column int
	// Secret is the name of the secret, Form how it was written.
	Secret, Form string
}

// String shows it without the secret.
func (l Leak) String() string {
	return fmt.Sprintf("%s:%d:%d: %s, %s", l.Where, l.Line, l.Column, l.Secret, l.Form)
}

// Watch looks for secrets, and counts what it has looked at. It may be used by
// several goroutines.
type Watch struct {
	byStart map[[start]byte][]needle
	// seen answers most places of a text without a look into the map.
	seen [1 << 16]bool

	outputs, bytes atomic.Int64
}

// start is how many bytes of a needle are looked up at once.
const start = 4

// New watches for the Secrets of this package and for others besides, which
// need at least four bytes.
func New(others ...Secret) *Watch {
	w := &Watch{byStart: map[[start]byte][]needle{}}
	for _, secret := range append(Secrets(), others...) {
		for _, n := range needles(secret) {
			key := [start]byte([]byte(n.text))
			w.byStart[key] = append(w.byStart[key], n)
			w.seen[slot(key[:])] = true
		}
	}
	return w
}

func slot(text []byte) uint16 {
	return (uint16(text[0])<<8 | uint16(text[1])) ^ (uint16(text[2])*31 + uint16(text[3])*257)
}

// Searched is how many outputs and files were searched, and how many bytes in
// them, those in archives unpacked.
func (w *Watch) Searched() (outputs, bytes int64) { return w.outputs.Load(), w.bytes.Load() }

// Check searches an output. Hand it over as one piece, however many writes it
// came in: what is cut between two writes is found then.
func (w *Watch) Check(tb testing.TB, where string, data []byte) {
	tb.Helper()
	for _, leak := range w.Scan(where, data) {
		tb.Errorf("a secret got out: %s", leak)
	}
}

// CheckTree searches a folder as ScanTree does.
func (w *Watch) CheckTree(tb testing.TB, dir string, except ...string) {
	tb.Helper()
	leaks, err := w.ScanTree(dir, except...)
	if err != nil {
		tb.Error(err)
	}
	for _, leak := range leaks {
		tb.Errorf("a secret got out: %s", leak)
	}
}

// ScanTree searches the names and contents of all files below dir but those that
// are excepted, named by slash paths below dir that may have wildcards
// (path.Match). A file that goes away meanwhile is passed over.
func (w *Watch) ScanTree(dir string, except ...string) ([]Leak, error) {
	var leaks []Leak
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		}
		relative, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(relative)
		for _, pattern := range except {
			if matched, err := path.Match(pattern, name); matched || err != nil {
				return err
			}
		}
		leaks = append(leaks, w.find("the name of "+name, []byte(filepath.Base(file)))...)
		if !entry.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		leaks = append(leaks, w.Scan(name, data)...)
		return err
	})
	return leaks, err
}

// Scan searches one output, or one file. Where it is compressed or an archive,
// what is in it is searched besides.
func (w *Watch) Scan(where string, data []byte) []Leak {
	w.outputs.Add(1)
	return w.scan(where, data, 0)
}

// deepest bounds archives within archives: an extension, its charts, theirs.
const deepest = 4

func (w *Watch) scan(where string, data []byte, depth int) []Leak {
	leaks := w.find(where, data)
	if depth == deepest || !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return leaks
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return leaks
	}
	plain, _ := io.ReadAll(unzipped) // what is cut holds secrets, too
	leaks = append(leaks, w.scan(where+"!", plain, depth+1)...)
	for archive := tar.NewReader(bytes.NewReader(plain)); ; {
		header, err := archive.Next()
		if err != nil {
			return leaks
		}
		file, _ := io.ReadAll(archive)
		if bytes.HasPrefix(file, []byte{0x1f, 0x8b}) {
			leaks = append(leaks, w.scan(where+"!"+header.Name, file, depth+1)...)
		}
	}
}

// find searches a text as it is, and without what folds lines.
func (w *Watch) find(where string, data []byte) []Leak {
	w.bytes.Add(int64(len(data)))
	buffer := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buffer)
	buffer.Reset()
	for rest := data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 || !isFolding(r) {
			buffer.Write(rest[:size])
		}
		rest = rest[size:]
	}
	return w.match(where, data, buffer.Bytes())
}

// buffers keep the garbage of a search small.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// match looks for needles in the squeezed form of a text. Each secret is reported
// once for each form.
func (w *Watch) match(where string, data, squeezed []byte) []Leak {
	var leaks []Leak
	reported := map[string]bool{}
	for i := range len(squeezed) - start + 1 {
		if !w.seen[slot(squeezed[i:i+start])] {
			continue
		}
		for _, n := range w.byStart[[start]byte(squeezed[i:])] {
			if reported[n.secret+n.form] || !bytes.HasPrefix(squeezed[i:], []byte(n.text)) {
				continue
			}
			reported[n.secret+n.form] = true
			line, column := placeOf(data, i)
			leaks = append(leaks, Leak{where, line, column, n.secret, n.form})
		}
	}
	return leaks
}

// placeOf is where a byte of the squeezed form stands in the text itself.
func placeOf(data []byte, squeezed int) (line, column int) {
	at := 0
	for at < len(data) {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 || !isFolding(r) {
			if squeezed < size {
				break
			}
			squeezed -= size
		}
		at += size
	}
	before := string(data[:at])
	return strings.Count(before, "\n") + 1, len(before) - strings.LastIndexByte(before, '\n')
}
