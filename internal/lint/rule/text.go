package rule

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// SortedKeys are the keys of a map, sorted.
func SortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// Text is a decoded value that is a text; empty for any other.
func Text(value any) string {
	s, _ := value.(string)
	return s
}

// PlainScalar is a decoded number, truth value or text as people write it.
func PlainScalar(value any) string {
	if f, ok := value.(float64); ok {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return fmt.Sprint(value)
}

// Counted is a number with the word for one or for many: one file, 2 files.
func Counted(n int, one, many string) string {
	if n == 1 {
		return "one " + one
	}
	return strconv.Itoa(n) + " " + many
}

// Listed names the first few of a list: a, b and 3 more.
func Listed(items []string, most int) string {
	if len(items) > most {
		items = append(slices.Clone(items[:most]), strconv.Itoa(len(items)-most)+" more")
	}
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:len(items)-1], ", ") + " and " + items[len(items)-1]
}

// Size is a number of bytes for people: 64 KiB.
func Size(n int) string { return humanize.IBytes(uint64(n)) }

// HasScheme reports whether a reference begins with a scheme and a colon, in any case.
func HasScheme(ref, scheme string) bool {
	return len(ref) > len(scheme) && ref[len(scheme)] == ':' && strings.EqualFold(ref[:len(scheme)], scheme)
}

// Position is the line and column, from 1 and the latter in characters, of a byte.
func Position(text []byte, offset int) (line, column int) {
	before := text[:min(max(offset, 0), len(text))]
	begin := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[begin:]) + 1
}
