package charts

import (
	"errors"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// repeatedValues reports the keys that values.yaml at the top has twice: the loader
// takes the last of them without a word.
func repeatedValues(pass *rule.Pass) {
	text := pass.File("values.yaml")
	if !mayRepeatKeys(string(text)) {
		return
	}
	_, err := yamldoc.Parse("values.yaml", text)
	repeatedKeys(pass, err)
}

// repeatedKeys reports, of what keeps a file from being read here, the keys that it
// has twice.
func repeatedKeys(pass *rule.Pass, err error) {
	var problems diagnostic.List
	if !errors.As(err, &problems) {
		return
	}
	for _, p := range problems {
		if p.Code == yamldoc.RepeatedMerge {
			// sigs.k8s.io/yaml, with which Helm reads, goes through a mapping from top to
			// bottom, and sets what each line has.
			p.Message = "the merge key << is given twice; Helm merges both, and other readers of YAML refuse the file"
			p.Hint = "write one, with what counts most in front, as Helm has it: <<: [*last, *first]; of a key that several have, the last in the file counts"
			pass.ProblemAs(rule.Found("repeated-merge"), pass.AtMost(rule.Warning), p)
		} else if p.Code == yamldoc.RepeatedKey {
			p.Hint = "Helm takes the last one, with nothing of the others: make one of them"
			pass.ProblemAs(rule.Found("repeated-key", p.Subject), pass.AtMost(rule.Warning), p)
		}
	}
}

// mayRepeatKeys is the cheap look that saves a parse, which would take as long as a
// tenth of all rules: no two keys that look as if they were of one mapping are the
// same, and no mapping stands in braces with anything in it.
func mayRepeatKeys(text string) bool {
	type level struct {
		indent int
		keys   map[string]bool
	}
	var levels []level
	for line := range strings.Lines(text) {
		rest := strings.TrimLeft(line, " ")
		indent := len(line) - len(rest)
		for strings.HasPrefix(rest, "- ") { // an item begins a mapping of its own
			for len(levels) > 0 && levels[len(levels)-1].indent > indent {
				levels = levels[:len(levels)-1]
			}
			item := strings.TrimLeft(rest[1:], " ")
			indent += len(rest) - len(item)
			rest = item
		}
		if rest = strings.TrimRight(rest, "\r\n"); rest == "" || rest[0] == '#' {
			continue
		}
		if strings.Contains(strings.ReplaceAll(rest, "{}", ""), "{") {
			return true
		}
		key, _, ok := strings.Cut(rest, ":")
		if !ok {
			continue
		}
		for len(levels) > 0 && levels[len(levels)-1].indent > indent {
			levels = levels[:len(levels)-1]
		}
		if len(levels) == 0 || levels[len(levels)-1].indent < indent {
			levels = append(levels, level{indent, map[string]bool{}})
		}
		keys := levels[len(levels)-1].keys
		key = strings.Trim(key, `"' `)
		if keys[key] {
			return true
		}
		keys[key] = true
	}
	return false
}
