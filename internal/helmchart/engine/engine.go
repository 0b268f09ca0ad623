// Package engine renders the templates of a chart as Helm's own engine does
// (helm.sh/helm/v3/pkg/engine, v3.22.0), and parses them once for any number of
// renderings: Helm's parses them anew each time, which takes half of its time or more.
//
// It is text/template with the functions of sprig and the few of Helm (functions.go).
// Texts, order, what templates see and what errors say are those of Helm's engine; its
// tests hold both side by side. Types have the names that they have there, since
// templates can print them (typeOf) and errors name them.
package engine

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"text/template"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
)

// Templates are the templates of a chart and of all charts below it, parsed. What was parsed
// is never changed, so that several renderings may use them at once.
type Templates struct {
	root *chart.Chart
	// set has them all by name, so that each may include each other one.
	set *template.Template
	// list is in the order in which Helm parses and renders: the deepest paths first,
	// and of one depth the last in the alphabet.
	list []parsed
	// files are those that templates of a chart can read.
	files map[*chart.Chart]files
	// named are the same with each template parsed under its own name; nil where these are.
	named func() (*Templates, error)

	mu sync.Mutex
	// idle are sets for renderings to come: the set itself, and clones of it that those had which rendered
	// at the same time. To clone one, with all its functions, costs more than a small template.
	idle []*bound
}

// parsed is one template.
type parsed struct {
	name  string // WEB/charts/DB/templates/a.yaml, by the names of the charts
	chart *chart.Chart
	file  *chart.File
	text  string
}

// isPartial reports whether nothing but what other templates include is rendered.
func (p parsed) isPartial() bool { return strings.HasPrefix(path.Base(p.name), "_") }

// Parse parses the templates of a chart and of all charts below it. Trees of charts that
// have files in common may have a cache in common; nil stands for one of their own.
func Parse(root *chart.Chart, cache *Cache) (t *Templates, err error) {
	if cache == nil {
		cache = NewCache()
	}
	return cache.parseAll(root, false)
}

// parseAll parses all templates of a tree, each under its own name if own is set.
func (c *Cache) parseAll(root *chart.Chart, own bool) (t *Templates, err error) {
	defer recovered(&err)
	set, err := empty().Clone()
	if err != nil {
		return nil, err
	}
	t = &Templates{root: root, set: set, list: c.listOf(root), files: map[*chart.Chart]files{}}
	t.readFiles(root)
	c.parseAhead(t.list, own)
	for _, p := range t.list {
		borrowed, err := c.parse(t.set.New(p.name), p, own)
		if err != nil {
			return nil, parseError(p.name, err)
		}
		if borrowed && t.named == nil {
			t.named = sync.OnceValues(func() (*Templates, error) { return c.parseAll(root, true) })
		}
	}
	t.idle = []*bound{boundOf(set)}
	return t, nil
}

// empty is a set without templates. To clone it costs less than to give a new one all functions.
var empty = sync.OnceValue(func() *template.Template {
	return template.New("gotpl").Option(missingKey).Funcs(functions())
})

// missingKey renders a key that is not set as the zero value of what the map holds. Where
// that is nothing in particular text/template writes "<no value>"; see withoutNoValue.
const missingKey = "missingkey=zero"

// withoutNoValue is what a template rendered, without what stands there for nothing.
func withoutNoValue(text string) string { return strings.ReplaceAll(text, "<no value>", "") }

// listOf lists the templates of a tree. Of two with one name the last one counts.
func (cache *Cache) listOf(root *chart.Chart) []parsed {
	byName := map[string]parsed{}
	var add func(c *chart.Chart)
	add = func(c *chart.Chart) {
		for _, child := range c.Dependencies() {
			add(child)
		}
		library := strings.EqualFold(c.Metadata.Type, "library")
		for _, file := range c.Templates {
			if file == nil {
				continue
			}
			p := parsed{name: path.Join(c.ChartFullPath(), file.Name), chart: c, file: file, text: cache.Text(file)}
			if !library || p.isPartial() {
				byName[p.name] = p
			}
		}
	}
	add(root)
	list := make([]parsed, 0, len(byName))
	for _, p := range byName {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b parsed) int {
		return cmp.Or(cmp.Compare(strings.Count(b.name, "/"), strings.Count(a.name, "/")), cmp.Compare(b.name, a.name))
	})
	return list
}

func (t *Templates) readFiles(c *chart.Chart) {
	t.files[c] = newFiles(c.Files)
	for _, child := range c.Dependencies() {
		t.readFiles(child)
	}
}

// Options are about one rendering.
type Options struct {
	// Wanted chooses the templates that are rendered, by their names; nil wants all.
	Wanted func(name string) bool
	// Begin is called with the name of each template before it is rendered, if it is not
	// nil. An error ends the rendering, and is returned.
	Begin func(name string) error
}

// Render renders all templates but partials and returns their texts by name. top makes what
// the templates of the root see: Values, Release and Capabilities. Templates can change
// the first two, so each rendering needs a copy.
//
// An error ends it at the first template that does not render; it says what Helm says.
func (t *Templates) Render(top func() chartutil.Values, opts Options) (texts map[string]string, err error) {
	defer recovered(&err)
	if texts, err = t.render(top(), opts); err == nil || t.named == nil {
		return texts, err
	}
	named, err := t.named() // whose errors have the names of this tree
	if err != nil {
		return nil, err
	}
	return named.Render(top, opts)
}

func (t *Templates) render(top chartutil.Values, opts Options) (texts map[string]string, err error) {
	bound, err := t.take()
	if err != nil {
		return nil, err
	}
	defer t.giveBack(bound)
	scopes := map[*chart.Chart]map[string]any{}
	t.scope(t.root, top, scopes)
	bound.at.included.begin(slices.Collect(maps.Values(scopes)))
	texts = make(map[string]string, len(t.list))
	for _, p := range t.list {
		if p.isPartial() || opts.Wanted != nil && !opts.Wanted(p.name) {
			continue
		}
		if opts.Begin != nil {
			if err := opts.Begin(p.name); err != nil {
				return nil, err
			}
		}
		scope := scopes[p.chart]
		scope["Template"] = chartutil.Values{"Name": p.name, "BasePath": path.Join(p.chart.ChartFullPath(), "templates")}
		text, err := bound.at.write(func(to io.Writer) error { return bound.set.ExecuteTemplate(to, p.name, scope) })
		if err != nil {
			return nil, executionError(p.name, err)
		}
		texts[p.name] = withoutNoValue(text)
	}
	return texts, nil
}

// bound is the set or a clone of it, with include and tpl of its own.
type bound struct {
	set *template.Template
	at  *atWork
}

func boundOf(set *template.Template) *bound {
	b := &bound{set, &atWork{depth: map[string]int{}, included: included{set: set}}}
	bind(b.set, b.at)
	b.set.Funcs(b.at.included.changing(knownFunctions()))
	return b
}

// take gives a set to one rendering alone.
func (t *Templates) take() (*bound, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last := len(t.idle) - 1; last >= 0 {
		b := t.idle[last]
		t.idle = t.idle[:last]
		return b, nil
	}
	set, err := t.set.Clone()
	if err != nil {
		return nil, err
	}
	return boundOf(set), nil
}

// giveBack takes the set of a rendering that has ended, by an error, too, in the middle of
// templates that include others.
func (t *Templates) giveBack(b *bound) {
	clear(b.at.depth)
	b.at.nested = 0
	b.at.included.end()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle = append(t.idle, b)
}

// scope makes what the templates of a chart see, and those of the charts below it: all
// templates of one chart see the same, so that what one of them sets is there for those
// after it. above is what those of the chart above see, and top for the root.
func (t *Templates) scope(c *chart.Chart, above chartutil.Values, scopes map[*chart.Chart]map[string]any) map[string]any {
	subcharts := map[string]any{}
	scope := map[string]any{
		"Chart": struct {
			chart.Metadata
			IsRoot bool
		}{*c.Metadata, c.IsRoot()},
		"Files":        t.files[c],
		"Release":      above["Release"],
		"Capabilities": above["Capabilities"],
		"Values":       chartutil.Values{},
		"Subcharts":    subcharts,
	}
	if c.IsRoot() {
		scope["Values"] = above["Values"]
	} else if own, err := above.Table("Values." + c.Name()); err == nil {
		scope["Values"] = own
	}
	for _, child := range c.Dependencies() {
		subcharts[child.Name()] = t.scope(child, scope, scopes)
	}
	scopes[c] = scope
	return scope
}

// recovered makes an error of a panic, which a function of a template may end with.
func recovered(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("rendering template failed: %v", cause)
	}
}

// parseError is an error of text/template as Helm says it: "parse error at (NAME:LINE):
// CAUSE".
func parseError(name string, err error) error {
	parts := strings.Split(err.Error(), ": ")
	if len(parts) == 1 {
		return fmt.Errorf("parse error in (%s): %w", name, err)
	}
	return fmt.Errorf("parse error at (%s): %s", parts[1], parts[len(parts)-1])
}

// executionError is an error of text/template as Helm says it. A refusal, by fail or
// required, is reported without the way to it: "execution error at (NAME:LINE:COLUMN):
// MESSAGE".
func executionError(name string, err error) error {
	if _, ok := err.(template.ExecError); !ok {
		return err
	}
	parts := strings.SplitN(err.Error(), ": ", 3)
	if len(parts) < 3 {
		return fmt.Errorf("execution error in (%s): %w", name, err)
	}
	var refused *refusal
	if errors.As(err, &refused) {
		return fmt.Errorf("execution error at (%s): %s", parts[1], refused.message)
	}
	return err
}
