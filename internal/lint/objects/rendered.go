package objects

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// rendered is an object that an installation brings to a cluster: no test, and no hook
// that Helm passes over.
type rendered struct {
	helmchart.Object
	In helmchart.Installed
	// Hook is set for what does not go through kustomize.
	Hook bool
	// Again is set where an installation before this one has the object, too.
	Again bool
}

// renderings are the objects of all installations, those of Lists one by one, in the
// order of the installations and templates.
type renderings []rendered

// renderedBy lists what the installations bring, once for all rules of the family.
func renderedBy(pass *rule.Pass) renderings {
	return rule.Derived(pass, func(*extension.Extension) renderings {
		var all renderings
		known := helmchart.TextSet{}
		for _, in := range pass.Installations() {
			for _, o := range in.Objects {
				if o.Fault != "" {
					continue // the rule render says so
				}
				hook, isHook := o.Hook()
				if isHook && (hook.IsTest() || hook.IsLeftOut()) {
					continue
				}
				again := !known.Add(o)
				o.Each(func(o helmchart.Object) { all = append(all, rendered{o, in, isHook, again}) })
			}
		}
		return all
	})
}

// place is where a field of the object, or the object itself, stands in the extension.
func (o rendered) place(path ...string) place {
	at, line, column := o.In.FieldPlace(o.Object, path...)
	return place{at, line, column}
}

// placeOfLine is where a line of the rendered document stands.
func (o rendered) placeOfLine(line int) place {
	at, written, column := o.In.LinePlace(o.Object, line)
	return place{at, written, column}
}

// name names the object for a finding; what is another name each time is left out.
func (o rendered) subject() []string {
	name := o.Name
	if o.In.Sources[o.Template].MakesUpNames() {
		name = helmchart.WithoutSuffix(name)
	}
	return []string{o.Kind, name}
}

type place struct {
	helmchart.Source
	line, column int
}

// String names the place for a list of places.
func (p place) String() string {
	name := p.File
	switch {
	case p.Inside != "":
		name = p.Inside + " in " + p.File
	case p.line > 0:
		name = fmt.Sprintf("%s:%d", name, p.line)
	}
	return excerpt.OneLine(name)
}

// cause is one mistake, and all the places where it shows.
type cause struct {
	id            rule.Identity
	severity      rule.Severity
	message, hint string
	first         place
	others        []place
	known         map[string]bool // all places, by their names
}

// causes collects mistakes by what they have in common, in the order in which they are
// met first.
type causes struct {
	list  []*cause
	index map[string]*cause
}

// add adds a mistake. What has the same key is one mistake; found is called for the
// first of them.
func (c *causes) add(key string, at place, found func() cause) {
	if c.index == nil {
		c.index = map[string]*cause{}
	}
	name := at.String()
	if before, ok := c.index[key]; ok {
		if !before.known[name] {
			before.known[name] = true
			before.others = append(before.others, at)
		}
		return
	}
	made := found()
	made.first, made.known = at, map[string]bool{name: true}
	c.index[key] = &made
	c.list = append(c.list, &made)
}

// report reports each mistake at its first place, and names some of the others.
func (c *causes) report(pass *rule.Pass) {
	const shown = 5
	for _, one := range c.list {
		if n := len(one.others); n > 0 {
			var names []string
			for _, at := range one.others[:min(n, shown)] {
				names = append(names, at.String())
			}
			if n > shown {
				names = append(names, fmt.Sprintf("and %d more places", n-shown))
			}
			one.message += "; the same at " + strings.Join(names, ", ")
		}
		pass.InSourceAt(one.id, one.severity, one.first.Source, one.first.line, one.first.column, one.message, one.hint)
	}
}

// pathOf is a path for people: spec.template.spec.containers[0].image.
func pathOf(path []string) string {
	var b strings.Builder
	for _, step := range path {
		switch {
		case isIndex(step):
			b.WriteString("[" + step + "]")
		case b.Len() > 0:
			b.WriteString("." + step)
		default:
			b.WriteString(step)
		}
	}
	return excerpt.OneLine(b.String())
}

func isIndex(step string) bool {
	return step != "" && strings.Trim(step, "0123456789") == ""
}
