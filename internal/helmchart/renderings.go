package helmchart

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/helmchart/manifest"
)

// Renderings are the chart with its own values, and what is known of it with an
// overlay of the global values.
type Renderings struct {
	// Plain is what all ways of installing render with the chart's own values.
	Plain *Rendering
	// Installations are those apart that KubeSphere makes, the host cluster first: what
	// is twice in one of them collides, what stands in two does not.
	Installations []Installed
	chart         *Chart
	over          Overlay
	// installed are the ways in which KubeSphere installs the chart, without the
	// charts that are off.
	installed []installed
}

// Installed is what one installation brings to a cluster, with the chart's own values.
type Installed struct {
	// Tag is TagExtension for the host cluster and TagAgent for the chosen ones, which
	// there are in Multicluster alone.
	Tag string
	// Role is that of the cluster; the host cluster may be chosen, too.
	Role Role
	// Release and Namespace are those of the release that Helm makes.
	Release, Namespace string
	// Tree is the chart with the subcharts that are in.
	Tree *chart.Chart
	// Rendering has the texts and objects. An object whose text is that of another
	// installation is the same one (Object.SameText).
	*Rendering

	looksUp func() bool
	crds    func() []Object
}

// LooksUp reports whether a template asks the cluster for what it has, so that what is
// rendered here need not be all, or may be too much, there.
func (i Installed) LooksUp() bool { return i.looksUp() }

// CRDs are the objects in the folders crds/ of the chart and its subcharts, which Helm
// installs before all others, and which are not rendered.
func (i Installed) CRDs() []Object { return i.crds() }

// crdsOf reads the objects in the folders crds/ of a tree.
func (c *Chart) crdsOf(tree *chart.Chart) []Object {
	var list []Object
	for _, crd := range tree.CRDObjects() {
		at := Source{File: crd.Filename, Text: c.shared.cache.Text(crd.File)}
		Each(tree, func(one *chart.Chart) {
			if place, ok := c.Places.Of(one); ok && one.ChartFullPath()+"/"+crd.Name == crd.Filename {
				at.File, at.Inside = place.File(crd.Name)
			}
		})
		kinds := map[string]int{}
		for _, m := range manifest.Split(at.Text) {
			o, ok := Object{}, true
			if m.DefinesAPI() {
				o = apiDefinition(crd.Filename, m, &at)
			} else if node, err := m.Parse(); err != nil {
				continue
			} else if o, ok = objectOf(crd.Filename, m, node); ok {
				o.document.file = &at
			}
			if ok {
				o.Ordinal = kinds[o.Kind]
				kinds[o.Kind]++
				list = append(list, o)
			}
		}
	}
	return list
}

// installed is one way in which KubeSphere installs the chart.
type installed struct {
	renderer Renderer
	plain    *Rendering
	// on are the renderings that plain is made of, by the renderer's roles.
	on []*Rendering
	// overlaid is nil where a template does not render.
	overlaid *Rendering
	// broken are the templates that do not render with the chart's own values, by
	// the cluster.
	broken map[Role]map[string]bool
	// beneath is what has to be set for it to render, by the cluster: nothing, or an
	// ingress.
	beneath map[Role]Overlay
}

// Render renders the chart with its own values, and then, with the overlay, what
// makes pods: in each way in which KubeSphere installs it.
func (c *Chart) Render(ctx context.Context, over Overlay) (*Renderings, error) {
	if c.EnabledErr != nil {
		return nil, c.EnabledErr
	}
	all := &Renderings{Plain: newRendering(nil), chart: c, over: over}
	for i, r := range c.Installed {
		looksUp := sync.OnceValue(func() bool { return r.mention("lookup ") })
		crds := sync.OnceValue(func() []Object { return c.crdsOf(r.Tree) })
		one, err := renderInstalled(ctx, r, c.Sources(r.Tree), over)
		if err != nil {
			return nil, err
		}
		all.Plain.add(one.plain)
		all.installed = append(all.installed, one)
		for n, here := range one.on {
			tag, role := TagExtension, Host // which KubeSphere does not say there
			if i > 0 {
				tag, role = TagAgent, r.roles[n]
			}
			release := r.release()
			name, _ := release["Name"].(string)
			namespace, _ := release["Namespace"].(string)
			all.Installations = append(all.Installations, Installed{
				Tag: tag, Role: role, Release: name, Namespace: namespace, Tree: r.Tree, Rendering: here, looksUp: looksUp, crds: crds,
			})
		}
	}
	return all, nil
}

// renderInstalled renders a chart in one way of installing it. What makes pods is
// rendered with the overlay, too, and what changes values for that; all of it only if
// everything renders without.
func renderInstalled(ctx context.Context, r Renderer, sources map[string]Source, over Overlay) (installed, error) {
	one := installed{renderer: r, plain: newRendering(sources), broken: map[Role]map[string]bool{}, beneath: map[Role]Overlay{}}
	for _, role := range r.roles {
		here, beneath, err := r.on(role).renderPlain(ctx)
		if err != nil {
			return installed{}, err
		}
		one.beneath[role] = beneath
		here.Sources = sources
		if err := here.read(ctx, one.on...); err != nil {
			return installed{}, err
		}
		one.on = append(one.on, here)
		one.broken[role] = here.brokenTemplates()
		one.plain.add(here)
	}
	if len(one.plain.Broken) > 0 {
		return one, nil
	}
	makesPods, changes := one.plain.makesPods(), r.changers()
	wanted := func(template string) bool { return makesPods(template) || changes(template) }
	overlaid := newRendering(sources)
	for _, role := range r.roles {
		texts, err := r.texts(ctx, func() chartutil.Values { return r.fresh(role, both(one.beneath[role], over)) }, wanted)
		if ctx.Err() != nil {
			return installed{}, ctx.Err()
		}
		if err != nil {
			return one, nil
		}
		here := &Rendering{Sources: sources, Texts: texts}
		if err := here.readLike(ctx, one.plain); err != nil {
			return installed{}, err
		}
		overlaid.add(here)
	}
	one.overlaid = overlaid
	return one, nil
}

// renderPlain renders a chart with its own values. Templates that do not render may need
// the ingress that an administrator can configure; then the rendering is that with the
// ingress, which is returned, too.
func (r Renderer) renderPlain(ctx context.Context) (*Rendering, Overlay, error) {
	plain, err := r.render(ctx, nil, nil)
	if err != nil || len(plain.Broken) == 0 || !r.mention("ingress") {
		return plain, nil, err
	}
	with, err := r.render(ctx, setIngress, nil)
	if err != nil || len(with.Broken) >= len(plain.Broken) {
		return plain, nil, ctx.Err()
	}
	for _, b := range plain.Broken {
		if !slices.ContainsFunc(with.Broken, func(still BrokenTemplate) bool { return still.Template == b.Template }) {
			with.IngressNeeded = append(with.IngressNeeded, b)
		}
	}
	return with, setIngress, nil
}

// withOverlay is the rendering with the overlay where not all templates render. What
// the others would be with it nobody knows where one of them has a say in that:
// then there is nothing of that cluster.
func (i installed) withOverlay(ctx context.Context, sources map[string]Source, over Overlay) (*Rendering, error) {
	found := newRendering(sources)
	for _, on := range i.renderer.roles {
		if i.renderer.matter(i.broken[on]) {
			continue
		}
		here, err := i.renderer.on(on).render(ctx, both(i.beneath[on], over), i.broken[on])
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
		found.add(here)
	}
	return found, nil
}

// Overlaid is the rendering with the overlay of what makes pods, with all subcharts
// there are.
func (r *Renderings) Overlaid(ctx context.Context) (*Rendering, error) {
	all := newRendering(nil)
	for _, one := range r.installed {
		here := one.overlaid
		if here == nil {
			var err error
			if here, err = one.withOverlay(ctx, r.chart.Sources(one.renderer.Tree), r.over); err != nil {
				return nil, err
			}
		}
		all.add(here)
	}
	if len(r.chart.Off) == 0 {
		return all, nil
	}
	off, err := r.renderOff(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil { // a chart that nobody switched on need not render
		all.add(off)
	}
	return all, nil
}

// renderOff renders, with the overlay, the templates of the charts that are off.
func (rs *Renderings) renderOff(ctx context.Context) (*Rendering, error) {
	r, err := rs.chart.allSwitchedOn()
	if err != nil {
		return nil, err
	}
	sources := rs.chart.Sources(r.Tree)
	isOff := func(template string) bool { _, on := rs.Plain.Sources[template]; return !on }
	texts, err := r.texts(ctx, func() chartutil.Values { return r.fresh(Host, rs.over) }, isOff)
	off := &Rendering{Sources: sources, Texts: texts}
	if err != nil && ctx.Err() == nil {
		on := map[string]bool{}
		for template := range rs.Plain.Sources {
			on[template] = true
		}
		// Definitions are needed, whosever they are.
		maps.DeleteFunc(on, func(template string, _ bool) bool { return strings.Contains(rs.Plain.Sources[template].Text, "define") })
		if off, err = r.render(ctx, rs.over, on); err == nil {
			off.Sources = sources
			maps.DeleteFunc(off.Texts, func(template, _ string) bool { return !isOff(template) })
		}
	}
	if err != nil {
		return nil, err
	}
	return off, off.readLike(ctx, rs.Plain)
}
