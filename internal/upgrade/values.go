package upgrade

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// values compares the keys of values that users may have set.
func (c *comparison) values(before, now map[string]any) {
	var all []Problem
	walk(nil, before, now, func(p Problem) { all = append(all, p) })
	for _, p := range all[:min(len(all), mostValueProblems)] {
		c.add(p)
	}
	if more := len(all) - mostValueProblems; more > 0 {
		c.add(Problem{Code: ValueRemoved, Weight: Lossy, Subject: "more", Message: fmt.Sprintf("so it is with %d more values", more)})
	}
}

// free are values whose keys users choose: what is in them goes into an object as it is.
var free = lazyregexp.New(`(?i)(labels|annotations|selector|resources|limits|requests|affinity|securitycontext|env|data|config|args)$`)

// walk reports the topmost keys that are gone, and those that have another type.
func walk(path []string, before, now map[string]any, report func(Problem)) {
	for _, key := range slices.Sorted(maps.Keys(before)) {
		was := before[key]
		at := strings.Join(append(slices.Clone(path), key), ".")
		is, ok := now[key]
		switch {
		case !ok:
			report(Problem{
				Code: ValueRemoved, Weight: Lossy, Subject: at,
				Message: fmt.Sprintf("the value %s is gone: what users have set there means nothing any more, without a word", at),
				Hint:    "go on reading it for one more version, or say in the CHANGELOG what takes its place",
			})
		case typeOf(was) != "" && typeOf(is) != "" && typeOf(was) != typeOf(is):
			report(Problem{
				Code: ValueType, Weight: Lossy, Subject: at,
				Message: fmt.Sprintf("the value %s is %s, and was %s: what users have set there does not fit any more", at, typeOf(is), typeOf(was)),
				Hint:    "take both in templates, or give the new value another key",
			})
		default:
			old, isTable := was.(map[string]any)
			new, other := is.(map[string]any)
			if isTable && other && (len(new) > 0 || len(old) == 0) && !free.MatchString(key) {
				walk(append(slices.Clone(path), key), old, new, report)
			}
		}
	}
}

// typeOf is the type of a default; empty for one that says nothing of the type.
func typeOf(value any) string {
	switch v := value.(type) {
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case bool:
		return "a truth value"
	case float64, int, int64:
		return "a number"
	case string:
		if v != "" {
			return "a text"
		}
	}
	return ""
}
