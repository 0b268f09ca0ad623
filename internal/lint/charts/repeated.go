package charts

import (
	"errors"
	"fmt"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// repeatedValues reports the keys that the values.yaml of the extension or of a subchart
// has twice: the loader takes the last of them without a word.
func repeatedValues(pass *rule.Pass, loaded *helmchart.Chart) {
	helmchart.Each(loaded.Root, func(c *chart.Chart) {
		at, ok := loaded.Places.Of(c)
		if !ok {
			return
		}
		for _, raw := range c.Raw {
			if raw.Name != chartutil.ValuesfileName || !mayRepeatKeys(string(raw.Data)) {
				continue
			}
			file, inside := at.File(raw.Name)
			_, err := yamldoc.Parse(file, raw.Data)
			if inside == "" {
				repeatedKeys(pass, err)
			} else {
				repeatedInPackage(pass, helmchart.Source{File: file, Inside: inside}, err)
			}
		}
	})
}

// repeatedInPackage reports the keys that a file in a packaged subchart has twice, all in
// one: whoever made the package has to correct them.
func repeatedInPackage(pass *rule.Pass, at helmchart.Source, err error) {
	var problems diagnostic.List
	if !errors.As(err, &problems) {
		return
	}
	var keys []string
	for _, p := range problems {
		if p.Code == yamldoc.RepeatedKey {
			keys = append(keys, fmt.Sprintf("%s (line %d)", excerpt.OneLine(p.Subject), p.Range.Start.Line))
		}
	}
	if len(keys) > 0 {
		pass.InSourceAs(rule.Found("repeated-key"), pass.AtMost(rule.Warning), at, 0, "keys are given twice: "+strings.Join(keys, ", "),
			"Helm takes the last one of each, with nothing of the others: correct the subchart, and pack it anew")
	}
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
	scalar := -1 // the indentation of the key whose text goes over the lines that follow
	for line := range strings.Lines(text) {
		rest := strings.TrimLeft(line, " ")
		indent := len(line) - len(rest)
		if scalar >= 0 && (indent > scalar || strings.TrimRight(rest, "\r\n") == "") {
			continue
		}
		scalar = -1
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
		key, value, ok := strings.Cut(rest, ":")
		if !ok {
			continue
		}
		if value = strings.TrimLeft(value, " "); value != "" && (value[0] == '|' || value[0] == '>') {
			scalar = indent
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
