package lint

import (
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// rendering is an extension's chart as Helm renders it with one set of values.
type rendering struct {
	// Sources maps the path of every template of the enabled charts.
	Sources map[string]source
	// Texts are the rendered templates by path.
	Texts map[string]string
	// Broken are the templates that Helm cannot render, in the order in which it
	// meets them. Their part of the rendering is empty.
	Broken []brokenTemplate
	// Cut is set when there were too many broken templates to go on; Texts is
	// then incomplete.
	Cut bool
	// Workloads are the objects that make pods, by template and place in it.
	Workloads []workload
	// Invalid are the rendered documents that are not YAML.
	Invalid []invalidManifest
}

// brokenTemplate is a template that Helm cannot render.
type brokenTemplate struct {
	Template string
	Err      error
}

// invalidManifest is a rendered document that is not YAML.
type invalidManifest struct {
	Template string
	Manifest manifest
	Err      error
}

// maxBroken bounds how many broken templates one lint looks for: each costs
// another rendering.
const maxBroken = 20

// renderer renders one tree of charts.
type renderer struct {
	// chart is processed (aliases and conditions applied) and never changed.
	chart   *chart.Chart
	values  map[string]any
	release chartutil.ReleaseOptions
	caps    *chartutil.Capabilities
}

// render renders the chart, but for the templates in skip, which render to
// nothing. Where a template is broken it goes on without it, so that one broken
// template hides neither the next one nor the workloads of the others.
//
// The error is that of ctx, or one that lies with the chart as a whole.
func (r renderer) render(ctx context.Context, skip map[string]bool) (*rendering, error) {
	result := &rendering{}
	skip = maps.Clone(skip)
	for {
		texts, err := r.once(ctx, skip)
		if err == nil {
			result.Texts = texts
			return result, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		template, ok := r.brokenOne(err, skip)
		if !ok {
			return nil, err
		}
		result.Broken = append(result.Broken, brokenTemplate{Template: template, Err: err})
		if len(result.Broken) == maxBroken {
			result.Cut = true
			return result, nil
		}
		if skip == nil {
			skip = map[string]bool{}
		}
		skip[template] = true
	}
}

// once calls Helm's engine. The values are coalesced anew for every call,
// because templates can change them (`set .Values "x" 1`).
//
// Helm's engine cannot be stopped, and a template may loop for as long as it
// likes. So it runs beside: when ctx ends, its result is waited for no longer.
func (r renderer) once(ctx context.Context, skip map[string]bool) (map[string]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Schemas of values are a matter of their own (see valueSchemas): Helm's
	// check reads files and asks the network.
	values, err := chartutil.ToRenderValuesWithSchemaValidation(r.chart, r.values, r.release, r.caps, true)
	if err != nil {
		return nil, err
	}
	type outcome struct {
		texts map[string]string
		err   error
	}
	done := make(chan outcome, 1)
	tree := withoutTemplates(r.chart, skip)
	go func() {
		// Render recovers from the panics of templates by itself.
		texts, err := engine.Engine{}.Render(tree, values)
		done <- outcome{texts, err}
	}()
	select {
	case o := <-done:
		return o.texts, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// brokenOne tells which template an error of the engine is about. It is false
// for an error that names none, or one that is left out already: then going on
// would not end.
func (r renderer) brokenOne(err error, skip map[string]bool) (string, bool) {
	where, ok := outermost(err)
	if !ok || skip[where.Template] {
		return "", false
	}
	found := false
	eachChart(r.chart, func(c *chart.Chart) {
		for _, t := range c.Templates {
			found = found || path.Join(c.ChartFullPath(), t.Name) == where.Template
		}
	})
	return where.Template, found
}

// withoutTemplates is the tree with some templates emptied. Emptied, not left
// out: others may still include them by name.
func withoutTemplates(root *chart.Chart, skip map[string]bool) *chart.Chart {
	if len(skip) == 0 {
		return root
	}
	tree := cloneChart(root)
	eachChart(tree, func(c *chart.Chart) {
		prefix := c.ChartFullPath()
		for i, t := range c.Templates {
			if skip[path.Join(prefix, t.Name)] {
				c.Templates[i] = &chart.File{Name: t.Name}
			}
		}
	})
	return tree
}

// cloneChart copies a tree as far as Helm's dependency processing and this
// package change it: the structure, the metadata and the lists, not the values,
// which Helm copies whenever it merges them, and not the data of the files.
func cloneChart(c *chart.Chart) *chart.Chart {
	clone := &chart.Chart{
		Raw:       c.Raw,
		Lock:      c.Lock,
		Templates: slices.Clone(c.Templates),
		Values:    c.Values,
		Schema:    c.Schema,
		Files:     c.Files,
	}
	if c.Metadata != nil {
		metadata := *c.Metadata
		metadata.Dependencies = make([]*chart.Dependency, 0, len(c.Metadata.Dependencies))
		for _, dependency := range c.Metadata.Dependencies {
			if dependency != nil {
				d := *dependency
				d.ImportValues = slices.Clone(dependency.ImportValues)
				metadata.Dependencies = append(metadata.Dependencies, &d)
			}
		}
		if c.Metadata.Dependencies == nil {
			metadata.Dependencies = nil
		}
		clone.Metadata = &metadata
	}
	for _, child := range c.Dependencies() {
		clone.AddDependency(cloneChart(child))
	}
	return clone
}

// withAllDependencies is the tree with every optional dependency switched on:
// without conditions and tags, Helm enables all there are.
func withAllDependencies(root *chart.Chart) *chart.Chart {
	tree := cloneChart(root)
	eachChart(tree, func(c *chart.Chart) {
		for _, dependency := range c.Metadata.Dependencies {
			dependency.Condition, dependency.Tags = "", nil
		}
	})
	return tree
}

// switchedOff names the dependencies that are there and that conditions or tags
// keep out, as Helm names them in values: agent.redis-ha. loaded is the tree as
// read, processed the one that Helm made of it.
func switchedOff(loaded, processed *chart.Chart) []string {
	loadedByFile := map[*chart.File]*chart.Chart{}
	eachChart(loaded, func(c *chart.Chart) {
		if len(c.Raw) > 0 {
			loadedByFile[c.Raw[0]] = c
		}
	})
	var off []string
	eachChart(processed, func(c *chart.Chart) {
		if len(c.Raw) == 0 {
			return
		}
		original := loadedByFile[c.Raw[0]]
		if original == nil {
			return
		}
		for _, dependency := range original.Metadata.Dependencies {
			if dependency == nil || childNamed(original, dependency.Name) == nil {
				continue
			}
			name := dependency.Name
			if dependency.Alias != "" {
				name = dependency.Alias
			}
			if childNamed(c, name) == nil {
				off = append(off, strings.TrimPrefix(c.ChartPath()+"."+name, processed.Name()+"."))
			}
		}
	})
	return off
}

func childNamed(c *chart.Chart, name string) *chart.Chart {
	for _, child := range c.Dependencies() {
		if child.Name() == name {
			return child
		}
	}
	return nil
}

// read finds the workloads of a rendering, and the documents that are not YAML.
// all asks for the latter in every document; API definitions are always left
// out, being the largest documents by far and text that nobody templates.
func (r *rendering) read(ctx context.Context, all bool) error {
	for _, template := range sortedKeys(r.Texts) {
		if strings.HasSuffix(template, "NOTES.txt") { // as Helm tells notes from manifests
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		kinds := map[string]int{}
		for _, m := range manifests(r.Texts[template]) {
			if !m.mayHoldPods() && (!all || m.definesAPI()) {
				continue
			}
			found, err := podsOf(template, m)
			if err != nil {
				r.Invalid = append(r.Invalid, invalidManifest{Template: template, Manifest: m, Err: err})
				continue
			}
			for _, w := range found {
				w.Ordinal = kinds[w.Kind]
				kinds[w.Kind]++
				if randomName.MatchString(r.Sources[template].Text) {
					w.Name = withoutSuffix(w.Name)
				}
				r.Workloads = append(r.Workloads, w)
			}
		}
	}
	return nil
}

// podsOf parses a document and finds its workloads.
func podsOf(template string, m manifest) ([]workload, error) {
	node, err := m.parse()
	if err != nil || !m.mayHoldPods() {
		return nil, err
	}
	document, err := decode(node)
	if err != nil {
		return nil, err
	}
	return workloads(template, document), nil
}

// randomName finds a template that makes up the names of its objects, as test
// Pods do: name: ui-test-{{ randAlphaNum 5 | lower }}.
var randomName = regexp.MustCompile(`(?m)^[ \t]*name:.*\b(?:rand[A-Z]\w*|uuidv4|now)\b`)

// withoutSuffix puts a "*" for the part of a name that is another one each time,
// so that a finding reads the same twice.
func withoutSuffix(name string) string {
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		return name[:i+1] + "*"
	}
	return "*"
}

// total counts the workloads of one kind that one template rendered.
func (r *rendering) total(w workload) int {
	n := 0
	for _, other := range r.Workloads {
		if other.Template == w.Template && other.Kind == w.Kind {
			n++
		}
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// processed applies aliases, conditions, tags and imported values as Helm's
// install does (action.Install calls the same function).
func processed(root *chart.Chart) (*chart.Chart, error) {
	tree := cloneChart(root)
	if err := chartutil.ProcessDependenciesWithMerge(tree, map[string]any{}); err != nil {
		return nil, fmt.Errorf("merging the values of the subcharts: %w", err)
	}
	return tree, nil
}
