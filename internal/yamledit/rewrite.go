// Package yamledit replaces values in the text of a YAML document, and leaves all else of it
// as it is, to the byte.
package yamledit

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Edit is a new value for one scalar of a document.
type Edit struct {
	// Pointer leads to the scalar, as in yamldoc: {"screenshots", "0"}.
	Pointer []string
	Value   string
}

// Rewrite gives the source of a document in which the scalars that edits name
// have new values, and every other byte is as it was: comments, anchors, order,
// indentation, line ends, byte order mark. A quoted scalar keeps its kind of
// quotes where the new value can be written so.
//
// The result is parsed again, and Rewrite fails with the hint where anything
// but exactly these values reads differently: where an alias elsewhere shares
// the value, for one.
func Rewrite(doc *yamldoc.Document, edits []Edit) ([]byte, error) {
	rewritten, err := Apply(doc, edits)
	if err != nil {
		return nil, err
	}
	after, err := doc.Again(rewritten)
	if err != nil {
		return nil, cannotEdit(doc, culprits(doc, edits), "the result would be no valid YAML")
	}
	want := doc.Value()
	for _, e := range edits {
		want = withValue(want, e.Pointer, e.Value)
	}
	if !reflect.DeepEqual(after.Value(), want) {
		return nil, cannotEdit(doc, culprits(doc, edits), "another value shares it through an anchor or a merge key")
	}
	return rewritten, nil
}

// culprits are the edits that cannot be made by themselves; where each can, all are.
func culprits(doc *yamldoc.Document, edits []Edit) []Edit {
	if len(edits) < 2 {
		return edits
	}
	var found []Edit
	for _, e := range edits {
		if _, err := Rewrite(doc, []Edit{e}); err != nil {
			found = append(found, e)
		}
	}
	if found == nil {
		return edits
	}
	return found
}

// splice is a replacement of the bytes [start, end) by text.
type splice struct {
	start, end int
	text       string
	edit       Edit
}

// Apply is Rewrite without its proof.
func Apply(doc *yamldoc.Document, edits []Edit) ([]byte, error) {
	splices := make([]splice, 0, len(edits))
	for _, e := range edits {
		start, end, ok := doc.Span(e.Pointer...)
		if !ok {
			return nil, cannotEdit(doc, []Edit{e}, "there is no text there")
		}
		text := indentation(doc, e.Pointer, start) + scalarLike(doc.Source()[start:end], e.Value)
		splices = append(splices, splice{start, end, text, e})
	}
	slices.SortFunc(splices, func(a, b splice) int { return a.start - b.start })
	var out bytes.Buffer
	at := 0
	for i, s := range splices {
		if i > 0 && s.start < splices[i-1].end {
			if s.start == splices[i-1].start && s.end == splices[i-1].end && s.text == splices[i-1].text {
				continue
			}
			return nil, cannotEdit(doc, []Edit{s.edit}, "another value shares it through an anchor or a merge key")
		}
		out.Write(doc.Source()[at:s.start])
		out.WriteString(s.text)
		at = s.end
	}
	out.Write(doc.Source()[at:])
	return out.Bytes(), nil
}

// indentation is what has to stand before a new value: a literal or folded text may
// begin below its key without any, and no other text may. start is where the old one
// begins.
func indentation(doc *yamldoc.Document, pointer []string, start int) string {
	before := doc.Source()[:start]
	if before = before[bytes.LastIndexByte(before, '\n')+1:]; len(bytes.TrimSpace(before)) > 0 {
		return "" // behind the ":" of a key with a question mark
	}
	keyLine, keyColumn := doc.KeyPlace(pointer...)
	line, column := doc.Place(pointer...)
	if line > keyLine && column <= keyColumn {
		return strings.Repeat(" ", keyColumn-column+1)
	}
	return ""
}

// cannotEdit is the error of an edit that cannot be made in place.
func cannotEdit(doc *yamldoc.Document, edits []Edit, why string) error {
	if len(edits) == 0 {
		return fmt.Errorf("rewriting %s: %s", doc.File(), why)
	}
	names := make([]string, len(edits))
	for i, e := range edits {
		names[i] = strings.Join(e.Pointer, ".")
	}
	return doc.Problem(
		fmt.Sprintf("%s cannot be replaced in place: %s", strings.Join(names, ", "), why),
		"write the value there as plain text of its own, without anchor or alias",
		edits[0].Pointer...)
}

// withValue gives a copy of a document's value in which the scalar that pointer
// leads to is replaced. What is not on the way to it is shared.
func withValue(value any, pointer []string, scalar string) any {
	if len(pointer) == 0 {
		return scalar
	}
	switch value := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(value))
		for k, v := range value {
			out[k] = v
		}
		out[pointer[0]] = withValue(value[pointer[0]], pointer[1:], scalar)
		return out
	case []any:
		i, err := strconv.Atoi(pointer[0])
		if err != nil || i < 0 || i >= len(value) {
			return value
		}
		out := slices.Clone(value)
		out[i] = withValue(value[i], pointer[1:], scalar)
		return out
	}
	return value
}

// plainSafe are values that read as themselves unquoted, wherever they stand (a
// list in brackets included): addresses and digests of ordinary characters, versions of
// three numbers, and constraints with one sign. Fewer numbers alone are a number.
var plainSafe = lazyregexp.New(`^(https?://|sha256:)[A-Za-z0-9._~/:%+=@&?-]*[A-Za-z0-9._~/%+=@&?-]$` +
	`|^(v?[0-9]+\.[0-9]+\.[0-9xX]+|v[0-9.]*[0-9]|[~^]v?[0-9.]*[0-9]|[0-9]+(\.[0-9]+)?\.[xX])([-+][0-9A-Za-z.+-]*[0-9A-Za-z])?$`)

// headerComment is the comment behind the | or > of a block scalar, with the blanks
// before it; nil where there is none.
func headerComment(scalar []byte) []byte {
	if len(scalar) == 0 || scalar[0] != '|' && scalar[0] != '>' {
		return nil
	}
	header, _, _ := bytes.Cut(scalar, []byte("\n"))
	return blankComment.Find(bytes.TrimRight(header, "\r"))
}

var blankComment = lazyregexp.New(`[ \t]+#.*$`)

// scalarLike writes value in the style of the scalar that it replaces.
func scalarLike(old []byte, value string) string {
	if comment := headerComment(old); comment != nil {
		return scalarLike([]byte("plain"), value) + string(comment)
	}
	if len(old) > 0 && old[0] == '\'' && isPrintable(value) {
		return "'" + strings.ReplaceAll(value, "'", "''") + "'"
	}
	if len(old) > 0 && old[0] != '"' && plainSafe.MatchString(value) {
		return value
	}
	return doubleQuoted(value)
}

// isPrintable reports whether a value can stand between single quotes, which know
// no escapes.
func isPrintable(value string) bool {
	if !utf8.ValidString(value) {
		return false
	}
	for _, r := range value {
		if r == '\uFEFF' || r != ' ' && !unicode.IsGraphic(r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			return false
		}
	}
	return true
}

// doubleQuoted writes a value as a double-quoted scalar of YAML, which can hold
// any text.
func doubleQuoted(value string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range value {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case isPrintable(string(r)):
			out.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&out, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	out.WriteByte('"')
	return out.String()
}
