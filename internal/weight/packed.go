package weight

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/tarball"
)

// packedChart is a packed subchart (charts/NAME.tgz), looked into as if it were
// unpacked to charts/NAME/, where Helm would read it just the same.
type packedChart struct {
	*parcel
	archive string // charts/NAME-VERSION.tgz
	folder  string // charts/NAME/
}

// lookedInto is how much content of packed subcharts, in bytes, is kept to be looked
// into: what one extension may have in all.
const lookedInto = 64 << 20

// packedCharts looks into them. What cannot be read, or lies there as a folder
// already, is left alone: lint reports it.
func (p *parcel) packedCharts() []packedChart {
	var charts []packedChart
	var content int
	for _, f := range p.files {
		root, rest := p.chartOf(f.Name)
		if !isPackedChart(rest) || content > lookedInto {
			continue
		}
		name, inner, err := extension.Unpacked(f.Data)
		folder := root + "charts/" + name + "/"
		if err != nil || p.has(folder+extension.ChartFile) {
			continue
		}
		shares, err := tarball.Shares(name, inner, 0)
		if err != nil {
			continue
		}
		var sum int64
		for _, share := range shares {
			sum += share
		}
		for _, within := range inner {
			content += len(within.Data)
		}
		c := packedChart{archive: f.Name, folder: folder, parcel: &parcel{ext: p.ext, share: map[string]int64{}}}
		for i, within := range inner {
			path := folder + within.Name
			c.files = append(c.files, extension.File{Name: path, Data: within.Data})
			c.share[path] = shares[i] * p.share[f.Name] / max(sum, 1)
		}
		if root != "" {
			// The subchart above it says where the chart begins.
			c.above = p
		}
		charts = append(charts, c)
	}
	return charts
}

// largest are the files of it that take most, with their part of the package.
func (c packedChart) largest() []Contributor {
	const named, least = 3, 1 << 10
	var files []Contributor
	for _, f := range c.files {
		if share := c.share[f.Name]; share >= least {
			files = append(files, Contributor{File: strings.TrimPrefix(f.Name, c.folder), Size: int64(len(f.Data)), Compressed: share})
		}
	}
	slices.SortStableFunc(files, func(a, b Contributor) int { return cmp.Compare(b.Compressed, a.Compressed) })
	return files[:min(named, len(files))]
}

// leaveOutPacked advises to unpack a chart that has what nobody reads.
func (c packedChart) leaveOutPacked(reads *reads) change {
	var unread, names []string
	for _, f := range c.files {
		if !c.needed(f.Name) && !reads.has(c.withinChart(f.Name)) {
			unread = append(unread, f.Name)
		}
	}
	if len(unread) == 0 {
		return change{}
	}
	for _, g := range c.folders(unread) {
		names = append(names, g.String())
	}
	them := "it, and KubeSphere does not show it"
	if len(unread) > 1 {
		them = "them, and KubeSphere does not show them"
	}
	left := without([]string{c.archive}, fmt.Sprintf("unpack %s to %s and leave %s out with .helmignore: no template reads %s", c.archive, c.folder, some(names), them))
	for _, f := range c.files {
		if !slices.Contains(unread, f.Name) {
			left.more = append(left.more, f)
			left.keeps += c.share[f.Name]
		}
	}
	return left
}
