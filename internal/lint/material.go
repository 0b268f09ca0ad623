package lint

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"strconv"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// material is what rules share: each part is made when the first rule asks for
// it, once, and read only from then on.
type material struct {
	// chart is the chart as Helm loads it. The error is that of the loader.
	chart func() (*loadedChart, error)
	// rendered is the chart as users install it, with its own values: conditions and
	// tags decide which subcharts are in.
	rendered func() (renderings, error)
	// marked is the chart with markerRegistry and the marker node selector in its
	// global values and with every optional subchart switched on. One rendering
	// serves all rules on global values.
	marked func() (*rendering, error)
	// permissions is permissions.yaml; it is empty where there is none.
	permissions func() permissions
	// packaged are the files within packaged subcharts.
	packaged func() []extension.PackagedFile

	loads bool // chart was asked, and Helm loaded it
}

// loadedChart is the chart with what is known about the places of its parts.
type loadedChart struct {
	Chart *chart.Chart
	// Enabled is the chart as Helm installs it with its own values.
	Enabled *chart.Chart
	// Renderer renders Enabled.
	Renderer renderer
	// EnabledErr is why there is neither.
	EnabledErr error
	Places     chartPlaces
	// Installed render Enabled as KubeSphere installs it: in HostOnly all of it, in
	// Multicluster what is for the host cluster, and what is for the chosen ones.
	Installed []renderer
	// Off are the subcharts that are there and not in Enabled, such as
	// agent.redis-ha, or in Enabled and not in Installed.
	Off []string
}

// The markers are values that no chart can have by itself; where they show up
// in a rendered pod, the chart obeys the global value. The top-level domain
// .invalid is reserved for names that must not exist (RFC 2606).
const (
	markerRegistry      = "registry.ksrelease.invalid"
	markerSelectorKey   = "ksrelease.invalid/node-selector"
	markerSelectorValue = "marked"
)

func newMaterial(ctx context.Context, ext *extension.Extension) *material {
	m := &material{}
	m.chart = sync.OnceValues(func() (*loadedChart, error) {
		loaded, err := loadChart(ext)
		m.loads = err == nil
		return loaded, err
	})
	m.rendered = sync.OnceValues(func() (renderings, error) { return m.render(ctx) })
	m.marked = sync.OnceValues(func() (*rendering, error) { return m.renderMarked(ctx, ext) })
	m.packaged = sync.OnceValue(ext.PackagedFiles)
	m.permissions = sync.OnceValue(func() permissions { return permissionsOf(ext) })
	return m
}

// plain is the chart rendered with its own values.
func (m *material) plain() (*rendering, error) {
	rendered, err := m.rendered()
	return rendered.plain, err
}

func loadChart(ext *extension.Extension) (*loadedChart, error) {
	loaded, err := ext.Chart()
	if err != nil {
		return nil, err
	}
	c := &loadedChart{Chart: loaded, Places: locateCharts(loaded)}
	if c.Enabled, err = processed(loaded, map[string]any{}); err == nil {
		c.Renderer, err = rendererOf(ext, c.Enabled)
	}
	if c.EnabledErr = err; err == nil {
		c.Installed = installedAs(ext, c)
		c.Off = append(switchedOff(loaded, c.Enabled), installedNowhere(c)...)
	}
	return c, nil
}

// renderings are the chart with its own values, and what is known with the markers.
type renderings struct {
	plain *rendering
	// installed are the ways in which KubeSphere installs the chart, without the
	// charts that are off.
	installed []installed
}

// installed is one way in which KubeSphere installs the chart.
type installed struct {
	renderer renderer
	plain    *rendering
	// marked is nil where a template does not render.
	marked *rendering
	// broken are the templates that do not render with the chart's own values, by
	// the cluster.
	broken map[cluster]map[string]bool
}

// render renders the chart with its own values, and then, with the markers, what
// makes pods: in each way in which KubeSphere installs it.
func (m *material) render(ctx context.Context) (renderings, error) {
	loaded, err := m.chart()
	if err != nil {
		return renderings{}, err
	}
	if loaded.EnabledErr != nil {
		return renderings{}, loaded.EnabledErr
	}
	all := renderings{plain: newRendering(nil)}
	for _, r := range loaded.Installed {
		one, err := renderInstalled(ctx, r, loaded.Places.sources(r.chart))
		if err != nil {
			return renderings{}, err
		}
		all.plain.add(one.plain)
		all.installed = append(all.installed, one)
	}
	return all, nil
}

func renderInstalled(ctx context.Context, r renderer, sources map[string]source) (installed, error) {
	plain, marked := newRendering(sources), newRendering(sources)
	began := false // with the markers
	err := r.pass(ctx, func(native map[string]any) iter.Seq[*step] {
		return func(yield func(*step) bool) {
			for _, on := range r.clusters {
				here := newRendering(sources)
				if !here.take(r.steps(native, r.fresh(on, false)), nil, yield) || here.read(ctx) != nil {
					return
				}
				plain.add(here)
			}
			makesPods, changes := plain.makesPods(), r.changers()
			wanted := func(template string) bool { return makesPods(template) || changes(template) }
			began = true
			for _, on := range r.clusters {
				here := newRendering(sources)
				if !here.take(r.steps(native, r.fresh(on, true)), wanted, yield) || here.readLike(ctx, plain) != nil {
					return
				}
				marked.add(here)
			}
		}
	})
	switch {
	case ctx.Err() != nil: // the pass may go on beside
		return installed{}, ctx.Err()
	case err == nil:
		return installed{renderer: r, plain: plain, marked: marked}, nil
	case began:
		return installed{renderer: r, plain: plain}, nil
	}
	one := installed{renderer: r, plain: newRendering(sources), broken: map[cluster]map[string]bool{}}
	for _, on := range r.clusters {
		here, err := r.on(on).render(ctx, false, nil)
		if err != nil {
			return installed{}, err
		}
		here.Sources = sources
		if err := here.read(ctx); err != nil {
			return installed{}, err
		}
		one.broken[on] = here.brokenTemplates()
		one.plain.add(here)
	}
	return one, nil
}

// withMarkers is the rendering with the markers where not all templates render. What
// the others would be with them nobody knows where one of them has a say in that:
// then there is nothing of that cluster.
func (i installed) withMarkers(ctx context.Context, sources map[string]source) (*rendering, error) {
	marked := newRendering(sources)
	for _, on := range i.renderer.clusters {
		if i.renderer.matter(i.broken[on]) {
			continue
		}
		here, err := i.renderer.on(on).render(ctx, true, i.broken[on])
		if err != nil {
			return nil, err
		}
		if i.renderer.matter(here.brokenTemplates()) {
			continue
		}
		here.Sources = sources
		if err := here.readLike(ctx, i.plain); err != nil {
			return nil, err
		}
		marked.add(here)
	}
	return marked, nil
}

// renderMarked is the rendering with the markers of what makes pods, with all
// subcharts there are.
func (m *material) renderMarked(ctx context.Context, ext *extension.Extension) (*rendering, error) {
	rendered, err := m.rendered()
	if err != nil {
		return nil, err
	}
	loaded, err := m.chart()
	if err != nil {
		return nil, err
	}
	marked := newRendering(nil)
	for _, one := range rendered.installed {
		here := one.marked
		if here == nil {
			if here, err = one.withMarkers(ctx, loaded.Places.sources(one.renderer.chart)); err != nil {
				return nil, err
			}
		}
		marked.add(here)
	}
	if len(loaded.Off) == 0 {
		return marked, nil
	}
	off, err := renderOff(ctx, ext, loaded, rendered.plain)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil { // a chart that nobody switched on need not render
		marked.add(off)
	}
	return marked, nil
}

// renderOff renders, with the markers, the templates of the charts that are off.
func renderOff(ctx context.Context, ext *extension.Extension, loaded *loadedChart, plain *rendering) (*rendering, error) {
	r, err := allSwitchedOn(ext, loaded)
	if err != nil {
		return nil, err
	}
	off := newRendering(loaded.Places.sources(r.chart))
	isOff := func(template string) bool { _, on := plain.Sources[template]; return !on }
	err = r.pass(ctx, func(native map[string]any) iter.Seq[*step] {
		return func(yield func(*step) bool) { off.take(r.steps(native, r.fresh(hostCluster, true)), isOff, yield) }
	})
	if err != nil && ctx.Err() == nil {
		on := map[string]bool{}
		for template := range plain.Sources {
			on[template] = true
		}
		// Definitions are needed, whosever they are.
		maps.DeleteFunc(on, func(template string, _ bool) bool { return strings.Contains(plain.Sources[template].Text, "define") })
		sources := off.Sources
		if off, err = r.render(ctx, true, on); err == nil {
			off.Sources = sources
			maps.DeleteFunc(off.Texts, func(template, _ string) bool { return !isOff(template) })
		}
	}
	if err != nil {
		return nil, err
	}
	return off, off.readLike(ctx, plain)
}

// allSwitchedOn renders the chart with all its optional subcharts.
func allSwitchedOn(ext *extension.Extension, loaded *loadedChart) (renderer, error) {
	tree, err := processed(withAllDependencies(loaded.Chart), map[string]any{})
	if err != nil {
		return renderer{}, err
	}
	return rendererOf(ext, tree)
}

// rendererOf renders as KubeSphere installs an extension: the release has the
// extension's name, its namespace is the one that extension.yaml asks for, or
// extension-NAME.
func rendererOf(ext *extension.Extension, tree *chart.Chart) (renderer, error) {
	namespace := ext.Metadata.Namespace
	if namespace == "" {
		namespace = "extension-" + ext.Metadata.Name
	}
	return newRenderer(tree, chartutil.ReleaseOptions{
		Name: ext.Metadata.Name, Namespace: namespace, Revision: 1, IsInstall: true,
	}, map[string]any{}, capabilities(ext.Metadata.KubeVersion))
}

// usualMinor is the Kubernetes minor version for which charts are rendered where
// their constraint allows it: recent, and supported by KubeSphere 4.
const usualMinor = 31

// capabilities are those of a cluster that the constraint on Kubernetes allows.
// Where it allows none, or is no constraint, they are those of a usual cluster.
//
// The API versions are those that a cluster of this version serves, each alone
// and with its kinds (batch/v1, batch/v1/CronJob), as Helm asks a cluster for
// them. Helm's own defaults, for rendering without one, have all versions that
// ever were, and no kinds: templates that ask for them take the wrong branch.
func capabilities(constraint string) *chartutil.Capabilities {
	caps := chartutil.DefaultCapabilities.Copy()
	caps.KubeVersion = allowedVersion(constraint)
	if caps.APIVersions = usualAPIs(); caps.KubeVersion.Minor != strconv.Itoa(usualMinor) {
		caps.APIVersions = servedAPIs(number(caps.KubeVersion.Minor))
	}
	return caps
}

// usualAPIs are those of a usual cluster, worked out once.
var usualAPIs = sync.OnceValue(func() chartutil.VersionSet { return servedAPIs(usualMinor) })

// allowedVersion is a version of Kubernetes that a constraint allows.
func allowedVersion(constraint string) chartutil.KubeVersion {
	usual := kubeVersion(usualMinor, 0)
	allowed, err := semver.NewConstraint(constraint)
	if err != nil {
		return usual
	}
	for _, minor := range minors() {
		// The highest patch too, for constraints such as >=1.22.15.
		for _, patch := range [...]int{0, 99} {
			candidate := kubeVersion(minor, patch)
			if v, err := semver.NewVersion(candidate.Version); err == nil && allowed.Check(v) {
				return candidate
			}
		}
	}
	return usual
}

// minors are the minor versions to try: the usual one, older ones, newer ones.
func minors() []int {
	var list []int
	for minor := usualMinor; minor >= 0; minor-- {
		list = append(list, minor)
	}
	for minor := usualMinor + 1; minor < 2*usualMinor; minor++ {
		list = append(list, minor)
	}
	return list
}

func kubeVersion(minor, patch int) chartutil.KubeVersion {
	return chartutil.KubeVersion{
		Version: fmt.Sprintf("v1.%d.%d", minor, patch), Major: "1", Minor: fmt.Sprint(minor),
	}
}
