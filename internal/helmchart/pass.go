package helmchart

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
)

// Helm's engine parses all templates of a tree, then renders each of them once;
// parsing takes as long as rendering, or longer. A pass is one call of the engine
// in which templates are rendered as often as somebody asks, with other values
// each time.
//
// For that the tree gets one more template, the driver, which lies so deep that
// the engine begins with it. It asks for one step after the other, renders what
// the step names as any template includes another, and hands over the text. Then
// it fails, so that the engine does not come to the tree's own templates.
//
// What templates see in a pass is what the engine shows them by itself: see steps.
// Where one of them cannot be rendered, the pass ends; which one it is and why, the
// engine says better when it renders the tree by itself (see renderer.render).
const driver = `{{ range .Values.pass.Steps . }}{{ .Take (include .Name .Scope) }}{{ end }}{{ .Values.pass.End }}`

// pass is what the driver sees as .Values.pass.
type pass struct {
	steps func(native map[string]any) iter.Seq[*step]
	ended bool
}

// Steps are those of the pass, each made when the one before is done.
func (p *pass) Steps(native map[string]any) iter.Seq[*step] { return p.steps(native) }

// End ends the rendering behind the last step.
func (p *pass) End() (string, error) {
	p.ended = true
	return "", errors.New("the pass is at its end")
}

// step is one template, rendered with one set of values.
type step struct {
	// Name is the template's path, as Helm names it.
	Name string
	// Text is what the template rendered, once the step is done.
	Text string

	folder string // .Template.BasePath
	scope  chartutil.Values
}

// Scope is what the template sees. The templates of one chart share it, as with
// Helm: what one of them sets, those after it see.
func (s *step) Scope() chartutil.Values {
	s.scope["Template"] = chartutil.Values{"Name": s.Name, "BasePath": s.folder}
	return s.scope
}

// Take takes what the template rendered, without the words that text/template
// writes for what is not set, and Helm takes out.
func (s *step) Take(text string) string {
	s.Text = strings.ReplaceAll(text, "<no value>", "")
	return ""
}

// pass renders the steps, in their order, in one call of Helm's engine. steps is
// handed what the engine shows the templates of the root; it runs beside, and if
// ctx ends, on behind the return.
//
// The error is that of ctx, or the engine's: then the steps did not come to their
// end, or did not begin where templates cannot be parsed.
func (r Renderer) pass(ctx context.Context, steps func(native map[string]any) iter.Seq[*step]) error {
	p := &pass{steps: func(native map[string]any) iter.Seq[*step] {
		return func(yield func(*step) bool) {
			steps(native)(func(s *step) bool {
				atTemplate(ctx, s.Name)
				return yield(s)
			})
		}
	}}
	tree, top := *r.Tree, maps.Clone(r.top)
	deepest := 0
	var twice error
	Each(r.Tree, func(c *chart.Chart) {
		for _, child := range c.Dependencies() {
			if ChildNamed(c, child.Name()) != child {
				// The engine shows the driver one of them, and the templates of each its own.
				twice = fmt.Errorf("there are two subcharts called %s", child.Name())
			}
		}
		for _, t := range c.Templates {
			deepest = max(deepest, strings.Count(path.Join(c.ChartFullPath(), t.Name), "/"))
		}
	})
	if twice != nil {
		return twice
	}
	tree.Templates = append(slices.Clone(tree.Templates), &chart.File{Name: strings.Repeat("driver/", deepest+1), Data: []byte(driver)})
	top["Values"] = chartutil.Values{"pass": p}
	_, err := callEngine(ctx, &tree, top)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case p.ended:
		return nil
	case err == nil: // the root is a library, of which the engine renders nothing
		return errors.New("the driver was not rendered")
	}
	return err
}

// steps are all templates that the engine renders, in its order, with a set of
// values for the whole tree. What they see is made as the engine makes it
// (recAllTpls of helm.sh/helm/v3/pkg/engine), from what it shows the driver.
func (r Renderer) steps(native map[string]any, values chartutil.Values) []*step {
	var list []*step
	var collect func(c *chart.Chart, native map[string]any, above chartutil.Values) map[string]any
	collect = func(c *chart.Chart, native map[string]any, above chartutil.Values) map[string]any {
		scope, below := maps.Clone(native), map[string]any{}
		scope["Release"], scope["Subcharts"] = above["Release"], below
		scope["Values"] = above["Values"]
		if !c.IsRoot() {
			scope["Values"] = make(chartutil.Values)
			if own, err := above.Table("Values." + c.Name()); err == nil {
				scope["Values"] = own
			}
		}
		charts, _ := native["Subcharts"].(map[string]any)
		for _, child := range c.Dependencies() {
			shown, _ := charts[child.Name()].(map[string]any)
			below[child.Name()] = collect(child, shown, scope)
		}
		for _, t := range c.Templates {
			name := path.Join(c.ChartFullPath(), t.Name)
			if strings.HasPrefix(path.Base(name), "_") || strings.EqualFold(c.Metadata.Type, "library") {
				continue // partials; of a library there is nothing else
			}
			list = append(list, &step{Name: name, folder: path.Join(c.ChartFullPath(), "templates"), scope: scope})
		}
		return scope
	}
	collect(r.Tree, native, chartutil.Values{"Values": values, "Release": r.release()})
	slices.SortStableFunc(list, func(a, b *step) int {
		return cmp.Or(cmp.Compare(strings.Count(b.Name, "/"), strings.Count(a.Name, "/")), cmp.Compare(b.Name, a.Name))
	})
	return list
}
