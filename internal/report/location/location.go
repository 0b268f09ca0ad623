// Package location finds the files that findings name, as readers of reports know them: by
// their path from the top of the repository, links followed; with the region that is meant,
// and what a finding is known by in another run.
package location

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Places finds files of findings by their path from the top of the repository.
type Places struct {
	here, top string // absolute, links followed
	known     map[string]*Place
}

// Place is a file of findings.
type Place struct {
	// URI is the path below the top as a URI reference, percent-encoded; the absolute address
	// of a file that is not below it.
	URI string
	// Path is the path below the top as it is, with slashes; the name alone of a file that is not
	// below it. It is never empty, and never that of a folder.
	Path   string
	inside string         // what of it is meant, where it is an archive
	lines  []string       // of a text that can be read; nil else
	hashes map[int]string // of its lines, as codeql-action makes them
}

// Region is what a finding is about: in one line, and never empty. Lines and columns begin
// at 1 and count characters; EndColumn is behind the last one.
type Region struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
	EndLine     int `json:"endLine"`
	EndColumn   int `json:"endColumn"`
}

// New goes out from the working directory. The top is the folder with .git above
// it, else the working directory.
func New() *Places {
	here, err := os.Getwd()
	if err != nil {
		here = "."
	}
	here = followed(here)
	top := here
	for dir := here; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			top = dir
			break
		}
		if filepath.Dir(dir) == dir {
			break
		}
	}
	return &Places{here: here, top: top, known: map[string]*Place{}}
}

// Of is the place of a file that a finding names, relative to the working directory.
func (p *Places) Of(file string) *Place {
	if known, ok := p.known[file]; ok {
		return known
	}
	absolute := filepath.FromSlash(file)
	if !filepath.IsAbs(absolute) {
		absolute = filepath.Join(p.here, absolute)
	}
	at := &Place{}
	p.known[file] = at
	real, rest := existing(absolute)
	info, err := os.Stat(real)
	switch {
	case err == nil && info.Mode().IsRegular() && rest != "": // within an archive
		at.inside = filepath.ToSlash(rest)
	case err == nil && info.IsDir() && rest == "": // an extension as a whole
		real = filepath.Join(real, extension.MetadataFile)
		at.read(real)
	default:
		real = filepath.Join(real, rest)
		at.read(real)
	}
	at.find(p.top, real, filepath.Clean(absolute))
	return at
}

// find sets the path below the top. A link may lead out of the repository: then the link
// itself is what is in it. What is not below the top at all has an absolute address.
func (at *Place) find(top, real, lexical string) {
	for _, path := range []string{real, lexical} {
		if below, err := filepath.Rel(top, path); err == nil && filepath.IsLocal(below) && below != "." {
			at.Path = filepath.ToSlash(below)
			at.URI = encoded(at.Path)
			return
		}
	}
	at.URI = "file:///" + strings.TrimPrefix(encoded(filepath.ToSlash(real)), "/")
	at.Path = filepath.Base(real)
}

// encoded is a path as a URI reference: everything but unreserved characters (RFC 3986,
// 2.3) is encoded, a colon too, which would end a scheme.
func encoded(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// followed is a path with links followed as far as it exists.
func followed(path string) string {
	real, rest := existing(path)
	return filepath.Join(real, rest)
}

// existing parts a path into what is there, links followed, and what is not.
func existing(path string) (real, rest string) {
	for at := path; ; {
		if found, err := filepath.EvalSymlinks(at); err == nil {
			return found, rest
		}
		parent := filepath.Dir(at)
		if parent == at {
			return path, ""
		}
		rest = filepath.Join(filepath.Base(at), rest)
		at = parent
	}
}

// mostText bounds what is read of a file for the hashes of its lines.
const mostText = 4 << 20

// read takes a text file in; what is none, or cannot be read, has no lines.
func (at *Place) read(path string) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > mostText {
		return
	}
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, mostText+1))
	if err != nil || len(text) > mostText {
		return
	}
	at.lines = strings.Split(string(text), "\n")
	at.hashes = lineHashes(string(text))
}

// LineOf is the first line that begins with a text, from 1; 0 where there is none.
func (at *Place) LineOf(begin string) int {
	for i, line := range at.lines {
		if strings.HasPrefix(line, begin) {
			return i + 1
		}
	}
	return 0
}

// Region is what a finding is about: a line at least.
func (at *Place) Region(f results.Finding) Region {
	line, column := max(1, f.Line), max(1, f.Column)
	if at.inside != "" {
		line, column = 1, 1 // of the archive
	}
	r := Region{StartLine: line, StartColumn: column, EndLine: line, EndColumn: column + 1}
	switch {
	case at.inside != "":
	case f.EndColumn > column:
		r.EndColumn = f.EndColumn
	case line <= len(at.lines):
		r.EndColumn = max(r.EndColumn, utf8.RuneCountInString(strings.TrimRight(at.lines[line-1], "\r"))+1)
	}
	return r
}

// LineHash is what code scanning knows a finding by, wherever its line moves to. Where the
// file can be read it is what codeql-action would make of it: a different one would be a
// warning. Where it cannot, it is the fingerprint of the finding.
func (at *Place) LineHash(f results.Finding, line int) string {
	return cmp.Or(at.hashes[line], Fingerprint(f)+":1")
}

// Fingerprint is that of a finding. Results of earlier versions have none; what they have
// of its parts stands for it then.
func Fingerprint(f results.Finding) string {
	return cmp.Or(f.Fingerprint, f.Diagnostic().Fingerprint().String())
}

// lineHashes are the hashes of all lines of a text, as github/codeql-action makes them
// (4.36.3, src/fingerprints.ts): of the 100 characters from the beginning of the line on,
// without blanks and tabs, all line ends alike, with the number of the same hashes so far.
// Characters are those of UTF-16; behind the text stands 0xffff, and then zeros.
func lineHashes(text string) map[int]string {
	const (
		block = 100
		base  = uint64(37)
		end   = uint16(0xffff)
	)
	power := uint64(1)
	for range block {
		power *= base
	}
	var (
		window [block]uint16
		starts [block]int // the line that begins there; 0 is none
		sum    uint64
		at     int
		line   int
		begins = true
		wasCR  = false
		counts = map[uint64]int{}
		hashes = map[int]string{}
	)
	emit := func() {
		if starts[at] == 0 {
			return
		}
		counts[sum]++
		hashes[starts[at]] = fmt.Sprintf("%x:%d", sum, counts[sum])
		starts[at] = 0
	}
	push := func(c uint16) {
		old := window[at]
		window[at] = c
		sum = base*sum + uint64(c) - power*uint64(old)
		at = (at + 1) % block
	}
	take := func(c uint16) {
		if c == ' ' || c == '\t' || wasCR && c == '\n' {
			wasCR = false
			return
		}
		if wasCR = c == '\r'; wasCR {
			c = '\n'
		}
		emit()
		if begins {
			begins = false
			line++
			starts[at] = line
		}
		begins = begins || c == '\n'
		push(c)
	}
	for _, r := range text {
		if r > 0xffff {
			high, low := utf16.EncodeRune(r)
			take(uint16(high))
			take(uint16(low))
			continue
		}
		take(uint16(r))
	}
	take(end)
	for range block {
		emit()
		push(0)
	}
	return hashes
}
