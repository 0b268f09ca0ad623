package helmchart

import (
	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/helmchart/merge"
)

// Overlay sets global values, which charts share, over those of an extension. A nil one
// sets none.
type Overlay func(global map[string]any)

// fresh is a copy of the values as KubeSphere installs the chart on a cluster, with the
// overlay.
func (r Renderer) fresh(on Role, over Overlay) chartutil.Values {
	values := merge.Copy(r.Values()).(map[string]any)
	for key, value := range r.sets {
		if key != chartutil.GlobalKey {
			setOver(values, key, value)
		}
	}
	ours, _ := r.sets[chartutil.GlobalKey].(map[string]any)
	setGlobals(values, r.Tree, func(global map[string]any) {
		for key, value := range ours {
			setOver(global, key, value)
		}
		setClusterInfo(global, on)
		if over != nil {
			over(global)
		}
	})
	return values
}

// Globals is a copy of the global values of the chart, with what KubeSphere sets among
// them in any of its installations.
func (r Renderer) Globals() map[string]any {
	global, _ := r.Values()[chartutil.GlobalKey].(map[string]any)
	all := merge.Copy(global).(map[string]any)
	setPortal(all)
	setClusterInfo(all, Host)
	return all
}

// setOver sets a value, with nothing but tables below it merged: what `helm --set` does.
func setOver(values map[string]any, key string, value any) {
	table, ok := value.(map[string]any)
	if !ok {
		values[key] = value
		return
	}
	below := tableAt(values, key)
	for key, value := range table {
		setOver(below, key, value)
	}
}

// setGlobals sets global values of a chart and of all below it, where Helm would
// put them were they given by the user.
func setGlobals(values map[string]any, c *chart.Chart, set func(global map[string]any)) {
	set(tableAt(values, chartutil.GlobalKey))
	for _, child := range c.Dependencies() {
		if below, ok := values[child.Name()].(map[string]any); ok {
			setGlobals(below, child, set)
		}
	}
}

// tableAt is the mapping under a key; where there is none it becomes one.
func tableAt(values map[string]any, key string) map[string]any {
	table, ok := values[key].(map[string]any)
	if !ok {
		table = map[string]any{}
		values[key] = table
	}
	return table
}

// What KubeSphere sets among the global values (getOverrides of KubeSphere 4,
// pkg/controller/core/installplan_controller.go). imageRegistry and nodeSelector, which
// administrators may configure, are overlays of those who ask for them.
const (
	portalURL     = "http://portal.ksrelease.invalid:30880"
	ingressDomain = "ingress.ksrelease.invalid"
)

// setClusterInfo sets what KubeSphere says of a chosen cluster. Of the host cluster it
// says nothing where it installs what is tagged extension.
func setClusterInfo(global map[string]any, on Role) {
	if on == unsaid {
		return
	}
	info := tableAt(global, "clusterInfo")
	info["name"], info["role"] = string(on), string(on)
}

// setPortal sets the address of the console, which KubeSphere does on the host cluster.
func setPortal(global map[string]any) { tableAt(global, "portal")["url"] = portalURL }

// setIngress sets what KubeSphere does where an administrator has configured an ingress
// for extensions, on all clusters.
func setIngress(global map[string]any) {
	ingress := tableAt(tableAt(global, "extension"), "ingress")
	ingress["ingressClassName"], ingress["domainSuffix"] = "nginx", ingressDomain
	ingress["httpPort"], ingress["httpsPort"] = int64(80), int64(443)
}

// Configured sets what KubeSphere sets where an administrator has configured it, on all
// clusters: a registry, a node selector and an ingress for extensions.
func Configured(global map[string]any) {
	global["imageRegistry"] = "registry.ksrelease.invalid"
	tableAt(global, "nodeSelector")["disktype"] = "ssd"
	setIngress(global)
}

// InstalledValues is a copy of the values of all charts as KubeSphere installs them, with
// an overlay, on the usual one of the clusters.
func (r Renderer) InstalledValues(over Overlay) chartutil.Values { return r.fresh(r.roles[0], over) }

// both is one overlay after the other.
func both(first, second Overlay) Overlay {
	if first == nil || second == nil {
		if first == nil {
			return second
		}
		return first
	}
	return func(global map[string]any) {
		first(global)
		second(global)
	}
}

// ValuesOver gives the values of a chart without subcharts with given ones over
// them: what chartutil.CoalesceValues does, but for its copying by reflection,
// which takes longer than the rendering.
func ValuesOver(c *chart.Chart, given map[string]any) chartutil.Values {
	merged := merge.Tables(merge.Copy(given).(map[string]any), c.Values)
	for key := range c.Values {
		if value, ok := given[key]; ok && value == nil {
			delete(merged, key) // null takes a value out, even one that is null itself
		}
	}
	return merged
}
