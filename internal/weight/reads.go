package weight

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gobwas/glob"
	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// reads are the files that templates may read through .Files.
//
// A template can be run with the files of another chart (a named template of a
// library chart is), so what one reads is taken to be read of every chart. And
// whatever is not understood counts as reading everything: advice to leave out a
// file that is needed would be worse than none.
type reads struct {
	everything bool
	known      map[string]bool
	patterns   []glob.Glob
}

// has reports whether a file, named as in its chart, may be read.
func (r *reads) has(name string) bool {
	return r.everything || anyMatches(r.patterns, name)
}

func anyMatches(patterns []glob.Glob, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern glob.Glob) bool { return pattern.Match(name) })
}

// reads looks through all templates of the extension, packed subcharts included,
// and through values, which templates may run as templates (tpl).
func (p *parcel) reads() *reads {
	r := &reads{known: map[string]bool{}}
	loaded, err := p.ext.Chart()
	if err != nil {
		r.everything = true // lint says why
		return r
	}
	r.ofChart(loaded)
	// A file that is read may be run as a template, too, and read others.
	// Each pattern is held against each file once.
	seen := map[string]bool{}
	for done := 0; done < len(r.patterns) && !r.everything; {
		fresh := r.patterns[done:]
		done = len(r.patterns)
		r.ofFiles(p, fresh, seen)
		for _, c := range p.packed {
			r.ofFiles(c.parcel, fresh, seen)
		}
	}
	return r
}

// ofFiles looks through files that are read themselves, each once.
func (r *reads) ofFiles(p *parcel, patterns []glob.Glob, seen map[string]bool) {
	for _, f := range p.files {
		if !seen[f.Name] && anyMatches(patterns, p.withinChart(f.Name)) {
			seen[f.Name] = true
			r.ofText(string(f.Data))
		}
	}
}

func (r *reads) ofChart(c *chart.Chart) {
	for _, template := range c.Templates {
		r.ofText(string(template.Data))
	}
	for _, f := range c.Raw {
		if f.Name == "values.yaml" {
			r.ofText(string(f.Data))
		}
	}
	for _, subchart := range c.Dependencies() {
		r.ofChart(subchart)
	}
}

const literal = "(\"(?:[^\"\\\\\n]|\\\\.)*\"|`[^`]*`)"

var (
	// mention is each place where a template reaches for the files: `.Files`, or
	// its name as text, for index and get.
	mention = lazyregexp.New("\\.Files\\b|[\"`]Files[\"`]")
	// readsOne is the use of .Files that is understood: with a name or pattern.
	readsOne = lazyregexp.New(`^\.(Get|GetBytes|Lines|Glob)\s+\(?\s*` + literal)
	// readsFormat is a name that begins with known text.
	readsFormat = lazyregexp.New(`^\.(?:Get|GetBytes|Lines|Glob)\s+\(\s*printf\s+` + literal)
	// readsVariable is the usual way to read what a pattern has found.
	readsVariable = lazyregexp.New(`^\.(?:Get|GetBytes|Lines)\s+\(?\s*(\$\w+)`)
	// binding gives variables a value.
	binding = lazyregexp.New(`(\$\w*)\s*(?:,\s*(\$\w*)\s*)?:?=`)
	// rangesOver gives a variable the name of each file that a pattern finds.
	rangesOver = lazyregexp.New(`\brange\s+(\$\w+)\s*,\s*\$\w*\s*:=\s*\(?\s*[$\w.]*\.Files\.Glob\s+\(?\s*` + literal)
)

// ofText notes what a template reads.
func (r *reads) ofText(text string) {
	if !strings.Contains(text, "Files") {
		return
	}
	names := sync.OnceValue(func() map[string]bool { return namesFromPatterns(text) })
	for _, at := range mention.FindAllStringIndex(text, -1) {
		if r.everything {
			return
		}
		r.ofUse(text[at[1]:], names)
	}
}

// ofUse notes what one use of .Files reads, given what stands behind it, and the
// variables that hold names of files.
func (r *reads) ofUse(use string, names func() map[string]bool) {
	if m := readsOne.FindStringSubmatch(use); m != nil {
		name, err := strconv.Unquote(m[2])
		switch {
		case err != nil:
			r.everything = true
		case m[1] == "Glob":
			r.pattern(name)
		default:
			r.pattern(glob.QuoteMeta(name))
		}
		return
	}
	if m := readsFormat.FindStringSubmatch(use); m != nil {
		format, err := strconv.Unquote(m[1])
		known, _, _ := strings.Cut(format, "%")
		if err != nil || known == "" {
			r.everything = true
			return
		}
		r.pattern(glob.QuoteMeta(known) + "**")
		return
	}
	if m := readsVariable.FindStringSubmatch(use); m != nil && names()[m[1]] {
		return // the pattern itself is another use
	}
	r.everything = true
}

// pattern notes a pattern as Helm reads it: engine.files.Glob takes one that does
// not compile for all files.
func (r *reads) pattern(pattern string) {
	if r.known[pattern] {
		return
	}
	r.known[pattern] = true
	compiled, err := glob.Compile(pattern, '/')
	if err != nil {
		r.everything = true
		return
	}
	r.patterns = append(r.patterns, compiled)
}

// namesFromPatterns are the variables of a template that never hold anything but
// names that a pattern has found.
func namesFromPatterns(text string) map[string]bool {
	bound, ranged := map[string]int{}, map[string]int{}
	for _, m := range binding.FindAllStringSubmatch(text, -1) {
		for _, name := range m[1:] {
			bound[name]++
		}
	}
	for _, m := range rangesOver.FindAllStringSubmatch(text, -1) {
		ranged[m[1]]++
	}
	names := map[string]bool{}
	for name, n := range ranged {
		names[name] = n == bound[name]
	}
	return names
}
