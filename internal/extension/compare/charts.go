package compare

import (
	"bytes"
	"encoding/json"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/helmignore"
)

// chartDifferences compares all but extension.yaml, as charts that Helm loaded.
func chartDifferences(local, other *extension.Extension) (Differences, error) {
	ours, err := local.Chart()
	if err != nil {
		return nil, err
	}
	theirs, err := other.Chart()
	if err != nil {
		return nil, err
	}
	c := charts{local: local, other: other}
	c.compare("", ours, theirs)
	return c.found, nil
}

// charts collects what differs between two charts.
type charts struct {
	local, other *extension.Extension
	found        Differences
}

// compare compares two charts whose files lie at prefix: "", "charts/NAME/" or
// "charts/NAME-VERSION.tgz!/".
func (c *charts) compare(prefix string, ours, theirs *chart.Chart) {
	if prefix != "" && !sameJSON(ours.Metadata, theirs.Metadata) {
		c.add(prefix+extension.ChartFile, Changed)
	}
	// Helm saves the lock only of charts of apiVersion v2.
	if ours.Metadata.APIVersion == chart.APIVersionV2 && !sameJSON(untimed(ours.Lock), untimed(theirs.Lock)) {
		c.add(prefix+extension.LockFile, Changed)
	}
	c.compareFiles(prefix, chartFiles(ours), chartFiles(theirs))
	c.compareDependencies(prefix, ours.Dependencies(), theirs.Dependencies())
}

func (c *charts) add(file string, kind Kind) {
	c.found = append(c.found, Difference{File: file, Kind: kind})
}

// untimed is a lock without the time at which it was made, which is no content.
func untimed(lock *chart.Lock) *chart.Lock {
	if lock == nil {
		return nil
	}
	return &chart.Lock{Digest: lock.Digest, Dependencies: lock.Dependencies}
}

func (c *charts) compareFiles(prefix string, ours, theirs map[string][]byte) {
	for name, data := range ours {
		other, ok := theirs[name]
		switch {
		case c.passesOver(prefix, name):
		case !ok:
			c.add(prefix+name, Added)
		case !bytes.Equal(data, other):
			c.found = append(c.found, changed(prefix+name, data, other))
		}
	}
	for name := range theirs {
		if _, ok := ours[name]; !ok && !c.passesOver(prefix, name) {
			c.add(prefix+name, Removed)
		}
	}
}

// passesOver reports whether a file is not compared byte by byte, or not at all.
func (c *charts) passesOver(prefix, name string) bool {
	return helmignore.NeverPacked(name) || prefix == "" && (name == extension.MetadataFile || helmignore.IsOwnPackage(c.local.Metadata.Name, name))
}

func (c *charts) compareDependencies(prefix string, ours, theirs []*chart.Chart) {
	theirsByName := byName(theirs)
	for name, dep := range byName(ours) {
		other, ok := theirsByName[name]
		if !ok {
			c.add(placeOf(c.local, prefix, name, dep).whole(), Added)
			continue
		}
		delete(theirsByName, name)
		c.compare(placeOf(c.local, prefix, name, dep).within(), dep, other)
	}
	for name, dep := range theirsByName {
		c.add(placeOf(c.other, prefix, name, dep).whole(), Removed)
	}
}

// place is where a subchart lies: its folder, or its package.
type place struct {
	path   string
	packed bool
}

// whole is the subchart in itself, and within what its files lie below.
func (p place) whole() string {
	if p.packed {
		return p.path
	}
	return p.path + "/"
}

func (p place) within() string {
	if p.packed {
		return p.path + "!/"
	}
	return p.path + "/"
}

// placeOf finds the subchart of a chart at prefix. Only those of the extension itself are
// looked for; deeper ones have the name that a folder of theirs has.
func placeOf(e *extension.Extension, prefix, name string, dep *chart.Chart) place {
	if prefix == "" {
		for _, s := range e.Subcharts() {
			if s.Name == dep.Name() && s.Version == dep.Metadata.Version {
				return place{s.Path, s.Packed}
			}
		}
	}
	return place{prefix + "charts/" + name, false}
}

// byName gives subcharts by name; where two versions of one are there, by name
// and version.
func byName(charts []*chart.Chart) map[string]*chart.Chart {
	count := make(map[string]int)
	for _, c := range charts {
		count[c.Name()]++
	}
	out := make(map[string]*chart.Chart, len(charts))
	for _, c := range charts {
		name := c.Name()
		if count[name] > 1 {
			name += "-" + c.Metadata.Version
		}
		out[name] = c
	}
	return out
}

// chartFiles are the files of a chart that survive packing as they are.
func chartFiles(c *chart.Chart) map[string][]byte {
	out := make(map[string][]byte)
	for _, list := range [][]*chart.File{c.Templates, c.Files} {
		for _, f := range list {
			out[f.Name] = f.Data
		}
	}
	for _, f := range c.Raw {
		if f.Name == "values.yaml" || f.Name == "values.schema.json" {
			out[f.Name] = f.Data
		}
	}
	return out
}

// sameJSON compares what was read from YAML whichever way it was written.
func sameJSON(a, b any) bool {
	left, errLeft := json.Marshal(a)
	right, errRight := json.Marshal(b)
	return errLeft == nil && errRight == nil && bytes.Equal(left, right)
}
