package yamldoc

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// lines finds the way between byte offsets and line and column numbers. There
// are two such ways: editors end a line at LF, CRLF or CR, while the YAML 1.1
// scanner also ends it at NEL, LS and PS. Places are kept as offsets, found in
// the scanner's way and shown in the editors'.
type lines struct {
	src     []byte
	editor  []int // offset at which each line starts
	scanner []int
}

func newLines(src []byte) lines {
	first := 0
	if bytes.HasPrefix(src, byteOrderMark) {
		first = len(byteOrderMark)
	}
	l := lines{src: src, editor: []int{first}, scanner: []int{first}}
	for i := first; i < len(src); {
		width := breakWidth(src, i)
		if width == 0 {
			i++
			continue
		}
		l.scanner = append(l.scanner, i+width)
		if src[i] == '\n' || src[i] == '\r' {
			l.editor = append(l.editor, i+width)
		}
		i += width
	}
	return l
}

// breakWidth is the number of bytes of the line break at i, 0 where there is
// none: LF, CR, CRLF, NEL, LS or PS, as in YAML 1.1.
func breakWidth(src []byte, i int) int {
	switch src[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(src) && src[i+1] == '\n' {
			return 2
		}
		return 1
	case 0xC2:
		if i+1 < len(src) && src[i+1] == 0x85 {
			return 2
		}
	case 0xE2:
		if i+2 < len(src) && src[i+1] == 0x80 && (src[i+2] == 0xA8 || src[i+2] == 0xA9) {
			return 3
		}
	}
	return 0
}

// offset is where the scanner's line and column (both 1-based, the column in
// characters) stand in the source.
func (l lines) offset(line, column int) int {
	if line < 1 {
		return l.editor[0]
	}
	if line > len(l.scanner) {
		return len(l.src)
	}
	at := l.scanner[line-1]
	for ; column > 1 && at < len(l.src); column-- {
		_, width := utf8.DecodeRune(l.src[at:])
		at += width
	}
	return at
}

// place is the line and column of an offset as an editor shows them.
func (l lines) place(offset int) (line, column int) {
	line = max(sort.SearchInts(l.editor, offset+1), 1)
	start := min(l.editor[line-1], offset)
	return line, utf8.RuneCount(l.src[start:offset]) + 1
}

// text is an editor's line without its end.
func (l lines) text(line int) string {
	if line < 1 || line > len(l.editor) {
		return ""
	}
	start, end := l.editor[line-1], len(l.src)
	if line < len(l.editor) {
		end = l.editor[line]
	}
	return string(bytes.TrimRight(l.src[start:end], "\r\n"))
}
