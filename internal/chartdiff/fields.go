package chartdiff

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/footprint"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Bounds of what is kept of a difference: an object has at most so many fields, and a value
// so many characters. A value of a Secret is never shown.
const (
	maxFields = 200
	maxValue  = 400
)

// withheld stands for a value that is not shown.
const withheld = "(not shown)"

// secretKey are names of fields whose text may be a secret.
var secretKey = lazyregexp.New(`(?i)(password|passwd|passphrase|secret|token|api-?_?key|private-?_?key|credential)s?$`)

// walker compares two trees, as JSON has them.
type walker struct {
	hide   func(path []string, before, now any) bool
	fields []Field
	more   int
}

// tree compares two values at a path.
func (w *walker) tree(path []string, before, now any) {
	switch x := now.(type) {
	case map[string]any:
		if y, ok := before.(map[string]any); ok && (len(x) > 0 || len(path) == 0) && (len(y) > 0 || len(path) == 0) {
			for _, key := range slices.Sorted(maps.Keys(merged(x, y))) {
				ours, has := x[key]
				theirs, had := y[key]
				w.value(append(path, key), theirs, had, ours, has)
			}
			return
		}
	case []any:
		if y, ok := before.([]any); ok {
			w.list(path, y, x)
			return
		}
	}
	if !reflect.DeepEqual(before, now) {
		w.add(path, compare.Changed, before, now)
	}
}

// value compares what two mappings have under one key.
func (w *walker) value(path []string, before any, had bool, now any, has bool) {
	switch {
	case !had:
		w.added(path, now)
	case !has:
		w.removed(path, before)
	default:
		w.tree(slices.Clone(path), before, now)
	}
}

func (w *walker) added(path []string, now any)      { w.side(path, compare.Added, now) }
func (w *walker) removed(path []string, before any) { w.side(path, compare.Removed, before) }

// side adds the fields of a value that one version alone has: each of a small mapping, or all
// of it as one.
func (w *walker) side(path []string, kind compare.Kind, value any) {
	table, ok := value.(map[string]any)
	if !ok || len(table) == 0 {
		if kind == compare.Added {
			w.add(path, kind, nil, value)
		} else {
			w.add(path, kind, value, nil)
		}
		return
	}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		w.side(append(slices.Clone(path), key), kind, table[key])
	}
}

// list compares lists: by the names of their elements where they have some, as those of
// containers, ports and volumes do, else as sets of plain values, or one by one.
func (w *walker) list(path []string, before, now []any) {
	key := ""
	for _, name := range []string{"name", "key", "mountPath", "containerPort", "port", "ip", "type"} {
		if named(before, name) && named(now, name) {
			key = name
			break
		}
	}
	if key == "" {
		if len(before) == len(now) {
			for i := range now {
				w.tree(in(path, fmt.Sprint(i)), before[i], now[i])
			}
			return
		}
		if !reflect.DeepEqual(before, now) {
			w.add(path, compare.Changed, before, now)
		}
		return
	}
	theirs := map[string]any{}
	for _, element := range before {
		theirs[nameOf(element, key)] = element
	}
	ours := map[string]bool{}
	for _, element := range now {
		name := nameOf(element, key)
		ours[name] = true
		old, had := theirs[name]
		w.value(in(path, name), old, had, element, true)
	}
	for _, element := range before {
		if name := nameOf(element, key); !ours[name] {
			w.value(in(path, name), element, true, nil, false)
		}
	}
}

// in is the path of an element of a list.
func in(path []string, element string) []string {
	path = slices.Clone(path)
	if len(path) == 0 {
		return []string{"[" + element + "]"}
	}
	path[len(path)-1] += "[" + element + "]"
	return path
}

// named reports whether all elements of a list are mappings, each with another value under
// a key.
func named(list []any, key string) bool {
	seen := map[string]bool{}
	for _, element := range list {
		name := nameOf(element, key)
		if name == "" || seen[name] {
			return false
		}
		seen[name] = true
	}
	return true
}

func nameOf(element any, key string) string {
	table, _ := element.(map[string]any)
	switch value := table[key].(type) {
	case string:
		return value
	case float64:
		return fmt.Sprint(value)
	}
	return ""
}

func (w *walker) add(path []string, kind compare.Kind, before, now any) {
	if len(w.fields) >= maxFields {
		w.more++
		return
	}
	f := Field{Path: dotted(path), Kind: kind}
	if before != nil || kind == compare.Changed || kind == compare.Removed {
		f.Old = shown(before)
	}
	if now != nil || kind == compare.Changed || kind == compare.Added {
		f.New = shown(now)
	}
	if w.hide != nil && w.hide(path, before, now) {
		if f.Old != "" {
			f.Old = withheld
		}
		if f.New != "" {
			f.New = withheld
		}
	}
	w.fields = append(w.fields, f)
}

// dotted is a path with dots; a key that has one itself stands in quotes.
func dotted(path []string) string {
	words := make([]string, len(path))
	for i, key := range path {
		if words[i] = key; strings.ContainsAny(key, ". ") && !strings.Contains(key, "[") {
			words[i] = fmt.Sprintf("%q", key)
		}
	}
	return strings.Join(words, ".")
}

// shown is a value in one line, cut short. A text that could be taken for something else
// stands in quotes.
func shown(value any) string {
	text, ok := value.(string)
	if !ok || text == "" || len(text) < 40 && json.Valid([]byte(text)) {
		data, err := json.Marshal(value)
		if err != nil {
			return "?"
		}
		text = string(data)
	}
	if len(text) <= maxValue {
		return text
	}
	cut := maxValue
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

func merged[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, b)
	return all
}

// fieldChanges are the fields of two tables that differ, each as a change.
func fieldChanges(section Section, before, now map[string]any) []Change {
	w := walker{hide: isSecret}
	w.tree(nil, orEmpty(before), orEmpty(now))
	var all []Change
	for _, f := range w.fields {
		all = append(all, Change{Section: section, Kind: f.Kind, What: f.Path, Old: f.Old, New: f.New})
	}
	if w.more > 0 {
		all = append(all, Change{Section: section, Kind: compare.Changed, What: fmt.Sprintf("and %d more", w.more)})
	}
	return all
}

func orEmpty(table map[string]any) any {
	if table == nil {
		return map[string]any{}
	}
	return table
}

// hidden are the fields of an object whose values are not shown: the data of a Secret, and
// what is called a secret anywhere.
func hidden(o footprint.Object) func(path []string, before, now any) bool {
	if o.Kind != "Secret" || o.Group() != "" {
		return isSecret
	}
	return func(path []string, before, now any) bool {
		return path[0] == "data" || path[0] == "stringData" || isSecret(path, before, now)
	}
}

// isSecret reports whether a text is called a secret: by its own key, or, as in a list of
// variables, by the name of the element whose value it is.
func isSecret(path []string, before, now any) bool {
	_, old := before.(string)
	_, new := now.(string)
	if !old && !new {
		return false
	}
	last := path[len(path)-1]
	if last == "value" && len(path) > 1 {
		last = path[len(path)-2]
	}
	return secretKey.MatchString(strings.TrimRight(last, "]"))
}
