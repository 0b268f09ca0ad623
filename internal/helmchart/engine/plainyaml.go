package engine

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
)

// plainYAML writes a value as sigs.k8s.io/yaml does, without the line break at the end,
// where nothing has to be quoted, folded or sorted by numbers: labels, resources, the
// most of what templates write by toYaml. ok is false for any other value. (The library
// goes by JSON, which it reads and writes again; that took a tenth of a rendering.)
func plainYAML(value any) (text string, ok bool) {
	w := yamlWriter{}
	if scalar, ok := w.scalar(value); ok {
		return scalar, true
	}
	if !w.block(value, 0, false) {
		return "", false
	}
	return strings.TrimSuffix(w.text.String(), "\n"), true
}

type yamlWriter struct{ text strings.Builder }

// maxYAMLDepth ends what contains itself.
const maxYAMLDepth = 50

// block writes a mapping or a list with something in it. inItem says that it begins behind
// the hyphen of an item of a list.
func (w *yamlWriter) block(value any, indent int, inItem bool) bool {
	if indent > 2*maxYAMLDepth {
		return false
	}
	margin := strings.Repeat(" ", indent)
	switch v := value.(type) {
	case chartutil.Values:
		return w.block(map[string]any(v), indent, inItem)
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		for i, key := range keys {
			if !isPlainText(key) || i > 0 && !isBefore(keys[i-1], key) {
				return false
			}
			if i > 0 || !inItem {
				w.text.WriteString(margin)
			}
			w.text.WriteString(key)
			w.text.WriteByte(':')
			if scalar, ok := w.scalar(v[key]); ok {
				w.text.WriteByte(' ')
				w.text.WriteString(scalar)
				w.text.WriteByte('\n')
				continue
			}
			w.text.WriteByte('\n')
			below := indent + 2
			if _, isList := v[key].([]any); isList {
				below = indent
			}
			if !w.block(v[key], below, false) {
				return false
			}
		}
		return true
	case []any:
		for _, item := range v {
			if _, isList := item.([]any); isList {
				return false
			}
			w.text.WriteString(margin)
			w.text.WriteString("- ")
			if scalar, ok := w.scalar(item); ok {
				w.text.WriteString(scalar)
				w.text.WriteByte('\n')
			} else if !w.block(item, indent+2, true) {
				return false
			}
		}
		return true
	}
	return false
}

// scalar is a value in one line; ok is false for one that takes more, or that somebody else
// has to write.
func (w *yamlWriter) scalar(value any) (text string, ok bool) {
	switch v := value.(type) {
	case nil:
		return "null", true
	case bool:
		return strconv.FormatBool(v), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 && (v != 0 || !math.Signbit(v)) {
			return strconv.FormatInt(int64(v), 10), true
		}
	case string:
		switch v {
		case "", "true", "false": // annotations, mostly
			return `"` + v + `"`, true
		}
		return v, isPlainText(v) || isQuantity(v) || isPath(v)
	case chartutil.Values:
		return w.scalar(map[string]any(v))
	case map[string]any:
		if v == nil {
			return "null", true
		}
		return "{}", len(v) == 0
	case []any:
		if v == nil {
			return "null", true
		}
		return "[]", len(v) == 0
	}
	return "", false
}

// isPlainText reports whether a text is written without quotes: it begins with a letter,
// has no blanks, and is no truth value, null or number of any YAML.
func isPlainText(text string) bool {
	if len(text) == 0 || len(text) > 100 || !isLetter(text[0]) {
		return false
	}
	for i := range len(text) {
		if c := text[i]; !isLetter(c) && (c < '0' || c > '9') && c != '.' && c != '_' && c != '/' && c != '-' {
			return false
		}
	}
	if len(text) > len("false") {
		return true
	}
	switch strings.ToLower(text) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf":
		return false
	}
	return true
}

// isPath reports whether a text is a path, an address, an image or an argument, with no blanks: such
// are written without quotes, too.
func isPath(text string) bool {
	name := strings.TrimPrefix(strings.TrimPrefix(text, "--"), "/")
	if len(name) == 0 || len(text) > 100 || !isLetter(name[0]) || text[len(text)-1] == ':' || len(name) == len(text) && len(text) <= len("false") {
		return false
	}
	for i := range len(name) {
		if c := name[i]; !isLetter(c) && (c < '0' || c > '9') && !strings.ContainsRune("._/-:=,@+", rune(c)) {
			return false
		}
	}
	return true
}

// isQuantity reports whether a text is a number with one of the units of Kubernetes that make
// no number of it.
func isQuantity(text string) bool {
	digits := strings.TrimLeft(text, "0123456789")
	if len(digits) == len(text) || len(text) > 20 {
		return false
	}
	switch digits {
	case "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti":
		return true
	}
	return false
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// isBefore reports whether of two keys in the order of bytes the first is before the second
// in that of the library, too, which sorts digits as numbers and letters behind all else.
func isBefore(a, b string) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return isLetter(a[i]) && isLetter(b[i])
		}
	}
	return len(a) < len(b)
}
