package helmchart

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"strconv"
	"strings"
	"sync"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/helmchart/engine"
	"github.com/ksrelease/ksrelease/internal/helmchart/helmerror"
	"github.com/ksrelease/ksrelease/internal/helmchart/kubeapi"
	"github.com/ksrelease/ksrelease/internal/helmchart/merge"
)

// MaxBroken bounds how many broken templates one lint looks for: each costs
// another rendering.
const MaxBroken = 20

// Role is the role of a cluster, which KubeSphere gives charts in their global
// values: global.clusterInfo, with name and role.
type Role string

// The roles that KubeSphere knows. It names none where it installs, on the host cluster,
// what is tagged extension.
const (
	Host   Role = "host"
	Member Role = "member"
	unsaid Role = ""
)

// Renderer renders one tree of charts, as often as it is asked to.
type Renderer struct {
	// roles are those of the clusters on which the tree is installed, the usual one first.
	roles []Role
	// sets are the values that KubeSphere sets over those of the chart, whatever the
	// cluster.
	sets map[string]any
	// Tree is processed (aliases and conditions applied) and never changed.
	Tree *chart.Chart
	// top is what templates see, with the values of all charts merged. Templates
	// can change values (`set .Values "x" 1`), so each rendering gets a copy.
	top chartutil.Values
	// parsed are the templates of Tree, parsed when they are rendered first.
	parsed func() (*engine.Templates, error)
	// shared is that of the chart of which Tree is made.
	shared *shared
}

// newRenderer merges the values of all charts of a tree, and over them those that
// a user would give.
func (c *Chart) newRenderer(tree *chart.Chart, release chartutil.ReleaseOptions, given map[string]any) (Renderer, error) {
	caps := kubeapi.Capabilities(c.ext.Metadata.KubeVersion)
	// Schemas of values are a matter of their own (see valueSchemas): Helm's
	// check reads files and asks the network.
	values, err := merge.Values(tree, given)
	if err != nil {
		return Renderer{}, fmt.Errorf("merging the values of the subcharts: %w", err)
	}
	top := chartutil.Values{"Chart": tree.Metadata, "Capabilities": caps, "Values": chartutil.Values(values), "Release": map[string]any{
		"Name": release.Name, "Namespace": release.Namespace, "Revision": release.Revision,
		"IsInstall": release.IsInstall, "IsUpgrade": release.IsUpgrade, "Service": "Helm",
	}}
	return Renderer{roles: []Role{Host}, sets: anywhere, top: top, shared: c.shared}.of(tree), nil
}

// anywhere is what a chart may find set that is rendered by itself, or as a part of no
// installation.
var anywhere = map[string]any{chartutil.GlobalKey: map[string]any{"portal": map[string]any{"url": portalURL}}}

// of renders another tree with the same values.
func (r Renderer) of(tree *chart.Chart) Renderer {
	r.Tree = tree
	r.parsed = sync.OnceValues(func() (*engine.Templates, error) { return engine.Parse(tree, r.shared.cache) })
	return r
}

// on is the renderer for one of its clusters.
func (r Renderer) on(one Role) Renderer {
	r.roles = []Role{one}
	return r
}

// Values is the merged values of all charts, to be read only.
func (r Renderer) Values() chartutil.Values {
	values, _ := r.top["Values"].(chartutil.Values)
	return values
}

// released is the renderer for a release of another name: KubeSphere calls that on the
// chosen clusters NAME-agent.
func (r Renderer) released(name string) Renderer {
	release := r.release()
	if release == nil {
		return r
	}
	release["Name"] = name
	r.top = maps.Clone(r.top)
	r.top["Release"] = release
	return r
}

// release is a copy of what templates see of the release.
func (r Renderer) release() map[string]any {
	release, _ := r.top["Release"].(map[string]any)
	return maps.Clone(release)
}

// kubeVersion is that of the cluster that templates see.
func (r Renderer) kubeVersion() chartutil.KubeVersion {
	caps, ok := r.top["Capabilities"].(*chartutil.Capabilities)
	if !ok {
		return chartutil.KubeVersion{}
	}
	return caps.KubeVersion
}

// KubeMinor is the minor version of the Kubernetes 1 that templates see.
func (r Renderer) KubeMinor() int {
	minor, _ := strconv.Atoi(r.kubeVersion().Minor)
	return minor
}

// changers finds the templates that may change the values that those after them see:
// they have to be rendered, even if nothing is to be seen of them. Where a partial
// does so, whoever includes it may.
func (r Renderer) changers() func(template string) bool {
	found, all := map[string]bool{}, false
	Each(r.Tree, func(c *chart.Chart) {
		for _, t := range c.Templates {
			if !r.changes(t) {
				continue
			}
			name := path.Join(c.ChartFullPath(), t.Name)
			found[name] = true
			all = all || strings.HasPrefix(path.Base(name), "_") || bytes.Contains(t.Data, []byte("define"))
		}
	})
	return func(template string) bool { return all || found[template] }
}

// changes reports whether a template has such a call.
func (r Renderer) changes(template *chart.File) bool {
	found, known := r.shared.changes[template]
	if !known {
		found = engine.ChangesValues(template.Data)
		r.shared.changes[template] = found
	}
	return found
}

// matter reports whether any of some templates may have a say in what others render: it
// defines something, changes values, or others name its file, as those do that
// include it.
func (r Renderer) matter(templates map[string]bool) bool {
	found := false
	Each(r.Tree, func(c *chart.Chart) {
		for _, t := range c.Templates {
			if name := path.Join(c.ChartFullPath(), t.Name); !found && templates[name] {
				found = r.changes(t) || bytes.Contains(t.Data, []byte("define")) || r.named(path.Base(name), name)
			}
		}
	})
	return found
}

// named reports whether a template other than the given one has the name of a file.
func (r Renderer) named(file, but string) bool {
	found := false
	Each(r.Tree, func(c *chart.Chart) {
		for _, t := range c.Templates {
			found = found || path.Join(c.ChartFullPath(), t.Name) != but && bytes.Contains(t.Data, []byte(file))
		}
	})
	return found
}

// mention reports whether some words stand in a template.
func (r Renderer) mention(words string) bool {
	found := false
	Each(r.Tree, func(c *chart.Chart) {
		for _, t := range c.Templates {
			found = found || bytes.Contains(t.Data, []byte(words))
		}
	})
	return found
}

// render renders the chart, but for the templates in skip, which render to
// nothing. Where a template is broken it goes on without it, so that one broken
// template hides neither the next one nor the workloads of the others.
//
// The error is that of ctx, or one that lies with the chart as a whole.
func (r Renderer) render(ctx context.Context, over Overlay, skip map[string]bool) (*Rendering, error) {
	result := &Rendering{}
	skip = maps.Clone(skip)
	for {
		texts, err := r.Once(ctx, over, skip)
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
		result.Broken = append(result.Broken, BrokenTemplate{Template: template, Err: err})
		if len(result.Broken) == MaxBroken {
			result.Cut = true
			return result, nil
		}
		if skip == nil {
			skip = map[string]bool{}
		}
		skip[template] = true
	}
}

// Once renders the chart on the first of its clusters but for the templates in skip,
// which render to nothing. The error is that of ctx, or what Helm says of the first
// template that does not render.
func (r Renderer) Once(ctx context.Context, over Overlay, skip map[string]bool) (map[string]string, error) {
	if len(skip) > 0 {
		r = r.of(withoutTemplates(r.Tree, skip))
	}
	return r.texts(ctx, func() chartutil.Values { return r.fresh(r.roles[0], over) }, nil)
}

// texts renders the templates that are wanted with values that are theirs to change, and are made
// anew for each time that they are rendered; nil wants all.
//
// A template may take as long as it likes, and cannot be stopped. So the rendering runs
// in a goroutine of its own: when ctx ends, its result is not waited for, and it ends
// with the template that it is at.
func (r Renderer) texts(ctx context.Context, values func() chartutil.Values, wanted func(template string) bool) (map[string]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	atTemplate(ctx, "") // while they are parsed
	top := func() chartutil.Values {
		top := maps.Clone(r.top)
		top["Values"], top["Release"] = values(), r.release()
		return top
	}
	begin := func(template string) error {
		err := ctx.Err()
		if err == nil {
			atTemplate(ctx, template)
		}
		return err
	}
	type outcome struct {
		texts map[string]string
		err   error
	}
	render := func() (o outcome) {
		templates, err := r.parsed()
		if err != nil {
			return outcome{nil, err}
		}
		o.texts, o.err = templates.Render(top, engine.Options{Wanted: wanted, Begin: begin})
		return o
	}
	if ctx.Done() == nil { // a goroutine of its own would have to make its stack anew
		o := render()
		return o.texts, o.err
	}
	done := make(chan outcome, 1)
	go func() { done <- render() }()
	select {
	case o := <-done:
		return o.texts, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// brokenOne finds the template that an error of the engine is about. It is false
// for an error that names none, or one that is left out already: then going on
// would not end.
func (r Renderer) brokenOne(err error, skip map[string]bool) (string, bool) {
	where, ok := helmerror.Outermost(err)
	if !ok || skip[where.Template] {
		return "", false
	}
	found := false
	Each(r.Tree, func(c *chart.Chart) {
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
	tree := Clone(root)
	Each(tree, func(c *chart.Chart) {
		prefix := c.ChartFullPath()
		for i, t := range c.Templates {
			if skip[path.Join(prefix, t.Name)] {
				c.Templates[i] = &chart.File{Name: t.Name}
			}
		}
	})
	return tree
}
