package lint

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
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
	// Objects are all objects of the plain rendering, by template and place in it.
	Objects []object
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

// renderer renders one tree of charts, as often as it is asked to.
type renderer struct {
	// chart is processed (aliases and conditions applied) and never changed.
	chart *chart.Chart
	// top is what templates see, with the values of all charts merged. Templates
	// can change values (`set .Values "x" 1`), so each rendering gets a copy.
	top chartutil.Values
}

// newRenderer merges the values of all charts of a tree, and over them those that
// a user would give.
func newRenderer(tree *chart.Chart, release chartutil.ReleaseOptions, given map[string]any, caps *chartutil.Capabilities) (renderer, error) {
	// Schemas of values are a matter of their own (see valueSchemas): Helm's
	// check reads files and asks the network.
	top, err := chartutil.ToRenderValuesWithSchemaValidation(tree, given, release, caps, true)
	if err != nil {
		return renderer{}, fmt.Errorf("merging the values of the subcharts: %w", err)
	}
	return renderer{chart: tree, top: top}, nil
}

// values is the merged values of all charts, to be read only.
func (r renderer) values() chartutil.Values {
	values, _ := r.top["Values"].(chartutil.Values)
	return values
}

// kubeVersion is that of the cluster that templates see.
func (r renderer) kubeVersion() chartutil.KubeVersion {
	caps, ok := r.top["Capabilities"].(*chartutil.Capabilities)
	if !ok {
		return chartutil.KubeVersion{}
	}
	return caps.KubeVersion
}

// fresh is a copy of what templates see, with the markers in it if asked.
func (r renderer) fresh(marked bool) chartutil.Values {
	values := copyTree(map[string]any(r.values())).(map[string]any)
	if marked {
		setMarkers(values, r.chart)
	}
	top := maps.Clone(r.top)
	top["Values"] = chartutil.Values(values)
	return top
}

// copyTree copies decoded YAML. Helm's own way to copy (copystructure) goes by
// reflection and takes several times as long.
func copyTree(value any) any {
	switch v := value.(type) {
	case map[string]any:
		clone := make(map[string]any, len(v))
		for key, element := range v {
			clone[key] = copyTree(element)
		}
		return clone
	case chartutil.Values:
		return copyTree(map[string]any(v))
	case []any:
		clone := make([]any, len(v))
		for i, element := range v {
			clone[i] = copyTree(element)
		}
		return clone
	}
	return value
}

// setMarkers puts the markers into the global values of a chart and of all below
// it, where Helm would put them were they given by the user: a text takes the
// place of what is there, a mapping is merged with it.
func setMarkers(values map[string]any, c *chart.Chart) {
	global, ok := values[chartutil.GlobalKey].(map[string]any)
	if !ok {
		global = map[string]any{}
		values[chartutil.GlobalKey] = global
	}
	global["imageRegistry"] = markerRegistry
	selector, ok := global["nodeSelector"].(map[string]any)
	if !ok {
		selector = map[string]any{}
		global["nodeSelector"] = selector
	}
	selector[markerSelectorKey] = markerSelectorValue
	for _, child := range c.Dependencies() {
		if below, ok := values[child.Name()].(map[string]any); ok {
			setMarkers(below, child)
		}
	}
}

// render renders the chart, but for the templates in skip, which render to
// nothing. Where a template is broken it goes on without it, so that one broken
// template hides neither the next one nor the workloads of the others.
//
// The error is that of ctx, or one that lies with the chart as a whole.
func (r renderer) render(ctx context.Context, marked bool, skip map[string]bool) (*rendering, error) {
	result := &rendering{}
	skip = maps.Clone(skip)
	for {
		texts, err := r.once(ctx, marked, skip)
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

// once calls Helm's engine.
//
// The engine cannot be stopped, and a template may loop for as long as it likes.
// So it runs beside: when ctx ends, its result is waited for no longer.
func (r renderer) once(ctx context.Context, marked bool, skip map[string]bool) (map[string]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	type outcome struct {
		texts map[string]string
		err   error
	}
	done := make(chan outcome, 1)
	tree, values := withoutTemplates(r.chart, skip), r.fresh(marked)
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
	originals := originalsOf(loaded)
	var off []string
	eachChart(processed, func(c *chart.Chart) {
		original := originals.of(c)
		if original == nil {
			return
		}
		for _, dependency := range original.Metadata.Dependencies {
			if dependency == nil || childNamed(original, dependency.Name) == nil {
				continue
			}
			if childNamed(c, dependency.Name) == nil && (dependency.Alias == "" || childNamed(c, dependency.Alias) == nil) {
				off = append(off, strings.TrimPrefix(c.ChartPath()+"."+dependency.Name, processed.Name()+"."))
			}
		}
	})
	return off
}

// originals are the charts of a tree as Helm loaded them, by their first raw
// file, which the copies of them share.
type originals map[*chart.File]*chart.Chart

func originalsOf(root *chart.Chart) originals {
	found := originals{}
	eachChart(root, func(c *chart.Chart) {
		if len(c.Raw) > 0 {
			found[c.Raw[0]] = c
		}
	})
	return found
}

// of is the original of a chart, or nil.
func (o originals) of(c *chart.Chart) *chart.Chart {
	if len(c.Raw) == 0 {
		return nil
	}
	return o[c.Raw[0]]
}

func childNamed(c *chart.Chart, name string) *chart.Chart {
	for _, child := range c.Dependencies() {
		if child.Name() == name {
			return child
		}
	}
	return nil
}

// read finds the workloads and objects of a rendering, and the documents that are
// not YAML.
func (r *rendering) read(ctx context.Context) error {
	return r.eachText(ctx, func(template string) { r.readText(template, true) })
}

// readLike finds the workloads of a rendering, given another of the same charts:
// a text that is the same in both is not read twice.
func (r *rendering) readLike(ctx context.Context, other *rendering) error {
	known := map[string][]workload{}
	for _, w := range other.Workloads {
		known[w.Template] = append(known[w.Template], w)
	}
	return r.eachText(ctx, func(template string) {
		if text, ok := other.Texts[template]; ok && text == r.Texts[template] {
			r.Workloads = append(r.Workloads, known[template]...)
			return
		}
		r.readText(template, false)
	})
}

func (r *rendering) eachText(ctx context.Context, visit func(template string)) error {
	for _, template := range sortedKeys(r.Texts) {
		if strings.HasSuffix(template, "NOTES.txt") { // as Helm tells notes from manifests
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		visit(template)
	}
	return nil
}

// readText reads what one template rendered. all asks for the objects too, and
// for what is wrong in documents without pods; API definitions are left out of
// that, being the largest documents by far and text that nobody templates.
func (r *rendering) readText(template string, all bool) {
	kinds, objects := map[string]int{}, map[string]int{}
	for _, m := range manifests(r.Texts[template]) {
		if !m.mayHoldPods() && (!all || m.definesAPI()) {
			if all {
				o := apiDefinition(template, m)
				o.Ordinal = objects[o.Kind]
				objects[o.Kind]++
				r.Objects = append(r.Objects, o)
			}
			continue
		}
		found, node, err := podsOf(template, m)
		if err != nil {
			r.Invalid = append(r.Invalid, invalidManifest{Template: template, Manifest: m, Err: err})
			continue
		}
		if all {
			if o, ok := objectOf(template, m, node); ok {
				o.Ordinal = objects[o.Kind]
				objects[o.Kind]++
				r.Objects = append(r.Objects, o)
			}
		}
		random := len(found) > 0 && r.Sources[template].makesUpNames()
		for _, w := range found {
			w.Ordinal = kinds[w.Kind]
			kinds[w.Kind]++
			if random {
				w.Name = withoutSuffix(w.Name)
			}
			r.Workloads = append(r.Workloads, w)
		}
	}
}

// podsOf parses a document and finds its workloads.
func podsOf(template string, m manifest) ([]workload, *yaml.Node, error) {
	node, err := m.parse()
	if err != nil || !m.mayHoldPods() {
		return nil, node, err
	}
	document, err := decode(node)
	if err != nil {
		return nil, node, err
	}
	return workloads(template, document), node, nil
}

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
// install does (action.Install calls the same function), with the values that a
// user would give.
func processed(root *chart.Chart, given map[string]any) (*chart.Chart, error) {
	tree := cloneChart(root)
	if err := chartutil.ProcessDependenciesWithMerge(tree, given); err != nil {
		return nil, fmt.Errorf("merging the values of the subcharts: %w", err)
	}
	return tree, nil
}
