package values

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/helmchart/helmerror"
	"github.com/ksrelease/ksrelease/internal/helmchart/merge"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// CI is the rule ci-values.
func CI() rule.Rule {
	return rule.Rule{
		Name:    "ci-values",
		Summary: "each chart renders with each of its ci/*-values.yaml",
		Why: "The values under ci/ are the ways of using a chart that its authors care for: chart-testing (`ct`) installs the " +
			"chart with each of them. One that does not render shows a branch of the templates that is broken, which the " +
			"values by default do not reach.",
		Fix: "Fix the template at the place that the finding names, or the values; delete values that stand for nothing any more.",
		Source: "chart-testing of the Helm project: it renders each chart by itself with each file ci/*-values.yaml of it. Here a " +
			"subchart sees the `global` values of the extension besides, without which it is never installed.",
		Codes: []rule.Code{
			{Name: "too-many", Meaning: "there are more files than are tried"},
			{Name: "unreadable", Meaning: "a file of values cannot be read"},
			{Name: "broken-template", Meaning: "a template does not render with a file of values"},
			{Name: "values-not-merged", Meaning: "Helm cannot work out the values of the subcharts"},
			{Name: "values-refused", Meaning: "the schema of the values refuses a file of values"},
		},
		Default: rule.Warning,
		Needs:   rule.Values,
		Uses:    rule.Rendering,
		Run:     checkCIValues,
	}
}

// maxCIValues bounds the renderings for one extension.
const maxCIValues = 100

func checkCIValues(pass *rule.Pass) {
	loaded := pass.Chart()
	left := maxCIValues
	helmchart.Each(loaded.Root, func(c *chart.Chart) {
		if _, ok := loaded.Places.Of(c); !ok || !rendersAlone(c) {
			return
		}
		var files []*chart.File
		for _, file := range c.Raw {
			if ok, err := path.Match("ci/*-values.yaml", file.Name); ok && err == nil {
				files = append(files, file)
			}
		}
		taken := files[:min(len(files), max(left, 0))]
		left -= len(files)
		if len(taken) > 0 && !brokenAnyway(pass, c) {
			ciValues(pass, loaded, c, taken)
		}
	})
	if left < 0 {
		pass.Report(rule.Found("too-many"), pass.AtMost(rule.Info), rule.Finding{
			File:    "",
			Message: fmt.Sprintf("there are %d files ci/*-values.yaml, and the last %d were not tried", maxCIValues-left, -left),
			Hint:    "keep those that stand for a way of using the chart",
		})
	}
}

// brokenAnyway reports whether a template of a chart does not even render with
// the values by default, which the rule render says.
func brokenAnyway(pass *rule.Pass, c *chart.Chart) bool {
	plain := pass.Rendering()
	if plain == nil {
		return true
	}
	at, _ := pass.Chart().Places.Of(c)
	for _, broken := range plain.Broken {
		source := plain.Sources[broken.Template]
		if at.Archive == source.File || at.Archive == "" && strings.HasPrefix(source.File, path.Join(at.Dir, "templates")+"/") {
			return true
		}
	}
	return false
}

// rendersAlone reports whether a chart can be rendered by itself: it is no
// library, and the dependencies that it declares are all there. (chart-testing
// would download them.)
func rendersAlone(c *chart.Chart) bool {
	if c.Metadata.Type == "library" {
		return false
	}
	for _, dependency := range c.Metadata.Dependencies {
		if dependency == nil || helmchart.ChildNamed(c, dependency.Name) == nil {
			return false
		}
	}
	return true
}

// ciSet is one file of values for a chart.
type ciSet struct {
	File *chart.File
	// Values are those of the file. Helm puts what a user gives into tables of its
	// own, so each use needs a copy.
	Values map[string]any
}

// ciValues renders a chart by itself with each file of values.
func ciValues(pass *rule.Pass, loaded *helmchart.Chart, c *chart.Chart, files []*chart.File) {
	at, _ := loaded.Places.Of(c)
	var sets []ciSet
	for _, file := range files {
		given, err := chartutil.ReadValues(file.Data)
		if err != nil {
			ciUnreadable(pass, at, file)
			continue
		}
		if !c.IsRoot() {
			switch own := given[chartutil.GlobalKey].(type) {
			case nil:
				given[chartutil.GlobalKey] = loaded.Renderer.Globals()
			case map[string]any:
				given[chartutil.GlobalKey] = merge.Tables(own, loaded.Renderer.Globals())
			}
		}
		sets = append(sets, ciSet{File: file, Values: given})
	}
	faults := map[ciFailure][]*chart.File{}
	var order []ciFailure
	for _, set := range refused(pass, loaded, c, sets) {
		if fault, failed := renderAlone(pass, loaded, c, set); failed && pass.Ctx.Err() == nil {
			if faults[fault] == nil {
				order = append(order, fault)
			}
			faults[fault] = append(faults[fault], set.File)
		}
	}
	for _, fault := range order {
		ciFault(pass, rule.Found(fault.Found, c.Name(), fault.Subject), at, faults[fault][0],
			fmt.Sprintf("the chart %s does not render with these values: %s", c.Name(), fault.Cause), len(faults[fault])-1)
	}
}

// ciFailure is why a chart does not render with some values.
type ciFailure struct {
	Found   string // the code of the finding
	Subject string // what it is about, besides the chart
	Cause   string // in plain words
}

// ciUnreadable reports why a file is no file of values.
func ciUnreadable(pass *rule.Pass, at helmchart.Place, file *chart.File) {
	name, inside := at.File(file.Name)
	_, err := yamldoc.Parse(name, file.Data)
	var problems diagnostic.List
	if !errors.As(err, &problems) || inside != "" {
		ciFault(pass, rule.Found("unreadable"), at, file, "the values are no mapping", 0)
		return
	}
	for _, p := range problems {
		pass.Problem(rule.Found("unreadable", p.Subject), p)
	}
}

// ciFault reports what is wrong with one file of values, and with others in the
// same way.
func ciFault(pass *rule.Pass, m rule.Identity, at helmchart.Place, file *chart.File, message string, others int) {
	if others > 0 {
		message += fmt.Sprintf(" (nor with %s)", rule.Counted(others, "other file of ci/", "other files of ci/"))
	}
	name, inside := at.File(file.Name)
	pass.InSource(m, helmchart.Source{File: name, Inside: inside}, 0, message,
		"fix the template or the values; KubeSphere installs the chart with other values, so users may never meet this")
}

// refused are the sets of values with which a chart does not render, and maybe some
// with which it does: what is not among them, does.
//
// Parsing the templates takes as long as rendering them, so it is done once for all sets.
// With subcharts the values decide which templates there are.
func refused(pass *rule.Pass, loaded *helmchart.Chart, c *chart.Chart, sets []ciSet) []ciSet {
	if len(sets) < 2 || len(c.Dependencies()) > 0 {
		return sets
	}
	alone, err := loaded.Alone(c)
	if err != nil {
		return sets
	}
	var refused []ciSet
	for _, set := range sets {
		values := func() chartutil.Values { return helmchart.ValuesOver(c, set.Values) }
		if c.Schema != nil && len(schemaRefuses(c, values())) > 0 || alone.RenderWith(pass.Ctx, values) != nil {
			refused = append(refused, set)
		}
	}
	return refused
}

// renderAlone renders a chart as if it were the root, and says why that fails.
func renderAlone(pass *rule.Pass, loaded *helmchart.Chart, c *chart.Chart, set ciSet) (fault ciFailure, failed bool) {
	r, err := loaded.AloneWith(c, set.Values)
	if err != nil {
		return ciFailure{"values-not-merged", "", helmerror.OfValues(err).Cause}, true
	}
	if refused := schemaRefuses(r.Tree, r.Values()); len(refused) > 0 {
		return schemaFailure(refused), true
	}
	_, err = r.Once(pass.Ctx, nil, nil)
	if err == nil {
		return ciFailure{}, false
	}
	sources := loaded.Sources(r.Tree)
	explained := helmerror.OfTemplate(err, helmchart.IsSource(sources))
	where := sources[explained.At.Template]
	fault = ciFailure{"broken-template", explained.Expression, excerpt.OneLine(explained.Cause)}
	if explained.Expression != "" {
		fault.Cause += ", in {{ " + excerpt.OneLine(explained.Expression) + " }}"
	}
	if where.File != "" {
		fault.Subject = where.Name() + " " + fault.Subject
		fault.Cause = fmt.Sprintf("%s:%d: %s", where.Name(), explained.At.Line, fault.Cause)
	}
	return fault, true
}

// schemaRefuses are the mistakes by which the values.schema.json of a chart refuses
// values. Schemas that are none are reported elsewhere.
func schemaRefuses(c *chart.Chart, values map[string]any) []valueMistake {
	if c.Schema == nil {
		return nil
	}
	schema, mistake := compileSchema(c.Schema)
	if mistake != "" {
		return nil
	}
	return against(schema, values)
}

func schemaFailure(refused []valueMistake) ciFailure {
	var names, causes []string
	for _, m := range refused {
		names = append(names, strings.Join(m.Pointer, "."))
		causes = append(causes, m.name()+": "+m.Message)
	}
	return ciFailure{"values-refused", strings.Join(names, " "), "they break values.schema.json at " + strings.Join(causes, "; ")}
}
