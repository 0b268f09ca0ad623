// Package merge puts the values of a tree of charts together, and decides which of its
// subcharts are installed, as Helm's package chartutil does.
//
// Helm copies all values by reflection before each merge, which takes longer than to parse and
// render most charts. Here a value is copied when it is put into other values. Helm is
// the judge in tests: the results are the same for any chart, and so are the errors. The
// remarks that Helm logs on values which do not fit are not made.
package merge

import (
	"fmt"
	"maps"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
)

// Values are the values of a chart and of all below it, under the names of these, with given ones
// over them. A null takes a value out. Nothing in the result is shared with the chart or what is
// given. The error is that of Helm: something else than a mapping stands under the name of a
// subchart.
//
// It is what chartutil.CoalesceValues does.
func Values(c *chart.Chart, given map[string]any) (map[string]any, error) {
	values := copyOf(given)
	return values, ofChart(c, values, false)
}

// copyOf copies a mapping. That of nothing is empty.
func copyOf(values map[string]any) map[string]any {
	if values == nil {
		return map[string]any{}
	}
	return Copy(values).(map[string]any)
}

// Copy copies decoded YAML.
func Copy(value any) any {
	switch v := value.(type) {
	case map[string]any:
		clone := make(map[string]any, len(v))
		for key, element := range v {
			clone[key] = Copy(element)
		}
		return clone
	case chartutil.Values:
		return Copy(map[string]any(v))
	case []any:
		clone := make([]any, len(v))
		for i, element := range v {
			clone[i] = Copy(element)
		}
		return clone
	}
	return value
}

// ofChart puts the values of a chart, and of all below it, under those that are there. With
// keepNulls a null stays, for a merge that is to come.
func ofChart(c *chart.Chart, values map[string]any, keepNulls bool) error {
	ownValues(c, values, keepNulls)
	for _, child := range c.Dependencies() {
		name := child.Name()
		below, there := values[name]
		if !there {
			below = map[string]any{}
			values[name] = below
		}
		table, ok := below.(map[string]any)
		if !ok {
			return fmt.Errorf("type mismatch on %s: %t", name, below) // in the words of Helm, as they are
		}
		handDown(values, table)
		if err := ofChart(child, table, keepNulls); err != nil {
			return err
		}
	}
	return nil
}

// ownValues puts the values of one chart under those that are there.
func ownValues(c *chart.Chart, values map[string]any, keepNulls bool) {
	for key, own := range c.Values {
		value, there := values[key]
		switch {
		case !there:
			values[key] = Copy(own)
		case value == nil:
			if !keepNulls {
				delete(values, key)
			}
		default:
			over, ok := value.(map[string]any)
			under, both := own.(map[string]any)
			if ok && both {
				// What is for a subchart is merged once more, with the values of that one.
				putUnder(over, under, keepNulls || isChild(c, key))
			}
		}
	}
}

func isChild(c *chart.Chart, name string) bool {
	for _, child := range c.Dependencies() {
		if child.Name() == name {
			return true
		}
	}
	return false
}

// Tables puts copies of the values of one mapping under those of another one, which it changes
// and gives back: what chartutil.CoalesceTables does with a copy of the lower one.
func Tables(over, under map[string]any) map[string]any {
	switch {
	case under == nil:
	case over == nil:
		return copyOf(under)
	default:
		putUnder(over, under, false)
	}
	return over
}

// putUnder puts copies of the values of one mapping under those of another one. Without keepNulls
// a null takes a value out, and goes with it.
func putUnder(over, under map[string]any, keepNulls bool) {
	if over == nil {
		return
	}
	for key, lower := range under {
		upper, there := over[key]
		switch {
		case !there:
			over[key] = Copy(lower)
		case upper == nil:
			if lower != nil && !keepNulls {
				delete(over, key)
			}
		default:
			table, ok := upper.(map[string]any)
			if below, both := lower.(map[string]any); ok && both {
				putUnder(table, below, keepNulls)
			}
		}
	}
}

// share puts the very values of one mapping under those of another one, with all nulls kept. Both
// have them in common then, and a null of the upper one is in the lower one, too: what Helm does
// with global and imported values, so that it shows in others that share them.
func share(over, under map[string]any) {
	if over == nil || under == nil {
		return
	}
	for key, upper := range over {
		if upper == nil {
			under[key] = nil
		}
	}
	for key, lower := range under {
		upper, there := over[key]
		if !there {
			over[key] = lower
			continue
		}
		table, ok := upper.(map[string]any)
		if below, both := lower.(map[string]any); ok && both {
			share(table, below)
		}
	}
}

// handDown gives the global values of a chart to one below it: over those that stand in the
// values for that one, and by reference from the second level on.
func handDown(from, to map[string]any) {
	global, ok := tableOrNew(to)
	if !ok {
		return
	}
	above, ok := tableOrNew(from)
	if !ok {
		return
	}
	for key, value := range above {
		there, known := global[key]
		below, isTable := there.(map[string]any)
		table, ok := value.(map[string]any)
		switch {
		case !ok && !isTable:
			global[key] = value
		case !ok || known && !isTable:
			// A mapping for something else, or the other way round: what is below stays.
		default:
			table = maps.Clone(table)
			if table == nil {
				table = map[string]any{}
			}
			if known {
				share(table, below)
			}
			global[key] = table
		}
	}
	to[chartutil.GlobalKey] = global
}

// tableOrNew are the global values; ok is false where something else stands in their place.
func tableOrNew(values map[string]any) (global map[string]any, ok bool) {
	value, there := values[chartutil.GlobalKey]
	if !there {
		return map[string]any{}, true
	}
	global, ok = value.(map[string]any)
	return global, ok
}
