package lint

import (
	"context"
	"fmt"
	"path"
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
	// plain is the chart as users install it, with its own values: conditions and
	// tags decide which subcharts are in.
	plain func() (*rendering, error)
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
	// Off are the subcharts that are there and not in Enabled, such as
	// agent.redis-ha.
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
	m.plain = sync.OnceValues(func() (*rendering, error) { return renderPlain(ctx, m) })
	m.marked = sync.OnceValues(func() (*rendering, error) { return renderMarked(ctx, ext, m) })
	m.packaged = sync.OnceValue(ext.PackagedFiles)
	m.permissions = sync.OnceValue(func() permissions { return permissionsOf(ext) })
	return m
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
		c.Off = switchedOff(loaded, c.Enabled)
	}
	return c, nil
}

func renderPlain(ctx context.Context, m *material) (*rendering, error) {
	loaded, err := m.chart()
	if err != nil {
		return nil, err
	}
	if loaded.EnabledErr != nil {
		return nil, loaded.EnabledErr
	}
	result, err := loaded.Renderer.render(ctx, false, nil)
	if err != nil {
		return nil, err
	}
	result.Sources = loaded.Places.sources(loaded.Enabled)
	if err := result.read(ctx); err != nil {
		return nil, err
	}
	return result, nil
}

// renderMarked renders what can make pods, and little else: templates that made
// none in the plain rendering are left out, so that it costs a part of the plain
// one. Should that go wrong, for one template may need another in ways that
// cannot be seen, everything is rendered.
func renderMarked(ctx context.Context, ext *extension.Extension, m *material) (*rendering, error) {
	plain, err := m.plain()
	if err != nil {
		return nil, err
	}
	loaded, err := m.chart()
	if err != nil {
		return nil, err
	}
	r, sources := loaded.Renderer, plain.Sources
	if len(loaded.Off) > 0 {
		if all, err := allSwitchedOn(ext, loaded); err == nil {
			r, sources = all, loaded.Places.sources(all.chart)
		}
	}
	broken := map[string]bool{}
	for _, b := range plain.Broken {
		broken[b.Template] = true
	}
	result, err := r.render(ctx, true, podless(plain, sources, broken))
	if ctx.Err() == nil && (err != nil || len(result.Broken) > 0) {
		result, err = r.render(ctx, true, broken)
	}
	if err != nil {
		return nil, err
	}
	result.Sources = sources
	if err := result.readLike(ctx, plain); err != nil {
		return nil, err
	}
	return result, nil
}

// allSwitchedOn renders the chart with all its optional subcharts.
func allSwitchedOn(ext *extension.Extension, loaded *loadedChart) (renderer, error) {
	tree, err := processed(withAllDependencies(loaded.Chart), map[string]any{})
	if err != nil {
		return renderer{}, err
	}
	return rendererOf(ext, tree)
}

// podless are the templates that the plain rendering shows to make no pods, and
// the broken ones. A template that others may need is not among them: one with
// definitions, or one whose file name another template mentions.
func podless(plain *rendering, sources map[string]source, broken map[string]bool) map[string]bool {
	busy := map[string]bool{}
	for _, w := range plain.Workloads {
		busy[w.Template] = true
	}
	skip := map[string]bool{}
	byFile := map[string][]string{}
	for template, at := range sources {
		_, rendered := plain.Texts[template]
		switch {
		case broken[template]:
			skip[template] = true
		case rendered && !busy[template] && !strings.Contains(at.Text, "define"):
			skip[template] = true
			byFile[path.Base(template)] = append(byFile[path.Base(template)], template)
		}
	}
	for _, at := range sources {
		for _, mention := range fileMentions(at.Text) {
			for _, template := range byFile[mention] {
				delete(skip, template)
			}
		}
	}
	return skip
}

// fileMentions are the file names that a template has in quotes, as in
// {{ include (print $.Template.BasePath "/configmap.yaml") . }}.
func fileMentions(text string) []string {
	if !strings.Contains(text, "BasePath") && !strings.Contains(text, "templates/") {
		return nil
	}
	var names []string
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 1 && strings.ContainsRune(part, '.') && !strings.ContainsAny(part, " \n") {
			names = append(names, path.Base(part))
		}
	}
	return names
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
