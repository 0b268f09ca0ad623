package yamldoc

import (
	"bytes"
	"strings"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// maxCommented bounds the files that are read for their comments: goccy's lexer
// needs many times their memory.
const maxCommented = 1 << 20

// CommentLines are the lines of a YAML file, from 1, at which a comment stands or
// ends. A # within a text, be it in quotes or in a block, is no comment. ok is
// false for a file that is too large to be looked at, or beyond the lexer.
func CommentLines(src []byte) (lines map[int]bool, ok bool) {
	if len(src) > maxCommented {
		return nil, false
	}
	defer func() {
		if recover() != nil { // it panics on some texts that are no YAML
			lines, ok = nil, false
		}
	}()
	text := strings.TrimPrefix(string(bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))), "\ufeff") // it counts both wrongly
	lines = map[int]bool{}
	for _, t := range lexer.Tokenize(text) {
		if t.Type == token.CommentType {
			lines[t.Position.Line] = true
		}
	}
	return lines, true
}
