package objects

import (
	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/helmchart"
)

// eachField visits the fields of a mapping. Of duplicate keys the last counts, so that
// only that is visited; a key that is written out counts more than a merged one.
func eachField(node *yaml.Node, visit func(key, value *yaml.Node)) {
	last := map[string]*yaml.Node{}
	helmchart.EachField(node, func(key, _ *yaml.Node) { last[key.Value] = key })
	helmchart.EachField(node, func(key, value *yaml.Node) {
		if last[key.Value] == key {
			visit(key, value)
		}
	})
}
