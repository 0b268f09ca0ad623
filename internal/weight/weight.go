// Package weight says where the bytes of a package go, and what would make it
// smaller: KubeSphere takes no package over 1 MB.
//
// It measures and advises; it changes nothing, and does not judge. How a
// package is made is for internal/extension, what is wrong with it for
// internal/lint.
package weight

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/tarball"
)

// Report says where the bytes of one package go. All sizes are in bytes.
type Report struct {
	// Size is that of the package.
	Size int64
	// Contributors are all its files, the largest share first. Their shares are
	// Size, all together.
	Contributors []Contributor
	// Advice is what would make it smaller, the largest saving first.
	Advice []Advice
	// Advised is the size with all of Advice followed; Size where there is none.
	Advised int64
}

// Contributor is a file of the package.
type Contributor struct {
	File string // slash path below the extension
	Size int64
	// Compressed is the part of the package that the file accounts for, its
	// header in the archive included; see tarball.Shares.
	Compressed int64
	// Inside are the files of a packed subchart that take most of it, the largest
	// first; their names are those within the chart.
	Inside []Contributor
}

// Advice is one way to make the package smaller.
type Advice struct {
	What string
	// Saves is by how much the package would be smaller: it was packed so.
	Saves int64
}

const (
	// leastSaving is the smallest that is worth a line.
	leastSaving = 1 << 10
	// mostAdvice bounds what is tried: each attempt packs the extension again.
	mostAdvice = 8
)

// Of looks into the package that the extension gives with these addresses and this limit (see
// extension.Pack). It packs several times, which takes as long as a second for a
// package near 1 MB: ask for it where it is wanted.
func Of(ctx context.Context, e *extension.Extension, urls extension.URLs, limit int64) (*Report, error) {
	files, err := e.PackedFiles(urls)
	if err != nil {
		return nil, fmt.Errorf("weighing %s: %w", e.Path, err)
	}
	name := e.Metadata.Name
	shares, err := tarball.Shares(name, files, limit)
	if err != nil {
		return nil, fmt.Errorf("weighing %s: %w", e.Path, err)
	}
	report := &Report{}
	share := make(map[string]int64, len(files))
	for i, f := range files {
		share[f.Name] = shares[i]
		report.Size += shares[i]
		report.Contributors = append(report.Contributors, Contributor{File: f.Name, Size: int64(len(f.Data)), Compressed: shares[i]})
	}
	p := &parcel{ext: e, files: files, uploads: urls != nil, urls: urls, share: share}
	p.packed = p.packedCharts()
	for _, c := range p.packed {
		i := slices.IndexFunc(report.Contributors, func(in Contributor) bool { return in.File == c.archive })
		report.Contributors[i].Inside = c.largest()
	}
	slices.SortStableFunc(report.Contributors, func(a, b Contributor) int { return cmp.Compare(b.Compressed, a.Compressed) })

	var followed []change
	for _, c := range p.changes() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		after, err := tarball.Size(name, c.applied(files), limit)
		if err != nil {
			return nil, fmt.Errorf("weighing %s: %w", e.Path, err)
		}
		if saves := report.Size - after; saves >= leastSaving {
			report.Advice = append(report.Advice, Advice{c.what, saves})
			followed = append(followed, c)
		}
	}
	slices.SortStableFunc(report.Advice, func(a, b Advice) int { return cmp.Compare(b.Saves, a.Saves) })
	return report, report.together(name, files, limit, followed)
}

// together finds out what all advice comes to, which is not the sum: what one
// leaves out may be what another file was compressed with.
func (r *Report) together(name string, files []extension.File, limit int64, followed []change) error {
	switch len(followed) {
	case 0:
		r.Advised = r.Size
		return nil
	case 1:
		r.Advised = r.Size - r.Advice[0].Saves
		return nil
	}
	for _, c := range followed {
		files = c.applied(files)
	}
	var err error
	r.Advised, err = tarball.Size(name, files, limit)
	return err
}

// parcel is a package that is looked through for what could be left out.
type parcel struct {
	ext     *extension.Extension
	files   []extension.File // as packed, sorted by name
	uploads bool             // pictures that extension.yaml names are uploaded
	urls    extension.URLs
	share   map[string]int64 // by file name
	packed  []packedChart
	above   *parcel // what a packed chart lies in, where that is a subchart
}

// change is something that somebody could do to the files.
type change struct {
	what string
	// data gives the new content of files by name; nil leaves the file out.
	data map[string][]byte
	// more are files that come in, and keeps is about what they take.
	more  []extension.File
	keeps int64
}

func (c change) applied(files []extension.File) []extension.File {
	var changed []extension.File
	for _, f := range files {
		data, ok := c.data[f.Name]
		switch {
		case !ok:
			changed = append(changed, f)
		case data != nil:
			changed = append(changed, extension.File{Name: f.Name, Data: data})
		}
	}
	changed = append(changed, c.more...)
	slices.SortFunc(changed, func(a, b extension.File) int { return strings.Compare(a.Name, b.Name) })
	return changed
}

// without is the change that leaves files out.
func without(names []string, what string) change {
	c := change{what: what, data: map[string][]byte{}}
	for _, name := range names {
		c.data[name] = nil
	}
	return c
}

// promise is about what a change can save, known without packing: enough to say
// what is not worth a try.
func (p *parcel) promise(c change) int64 {
	sum := -c.keeps
	for _, f := range p.files {
		if data, ok := c.data[f.Name]; ok {
			share := p.share[f.Name]
			if len(f.Data) > 0 {
				share = share * int64(len(f.Data)-len(data)) / int64(len(f.Data))
			}
			sum += share
		}
	}
	return sum
}

// changes are all that can be advised, the most promising ones.
func (p *parcel) changes() []change {
	reads := p.reads()
	shown := p.readmePictures()
	var pictures, assets, unread []string
	for _, f := range p.files {
		switch {
		case p.needed(f.Name) || reads.has(p.withinChart(f.Name)):
		case shown[f.Name]:
			pictures = append(pictures, f.Name)
		case p.isAsset(f.Name):
			assets = append(assets, f.Name)
		default:
			unread = append(unread, f.Name)
		}
	}
	all := p.leaveOut(unread)
	others := []change{p.upload(assets), p.linkPictures(pictures), p.linkEmbedded(), p.moveEmbedded(), p.describeLess()}
	for _, c := range p.packed {
		others = append(others, c.leaveOutPacked(reads))
	}
	for _, c := range others {
		if len(c.data) > 0 {
			all = append(all, c)
		}
	}
	promise := make(map[string]int64, len(all))
	for _, c := range all {
		promise[c.what] = p.promise(c)
	}
	// What promises half of the least may still hold it: shares are attributed.
	all = slices.DeleteFunc(all, func(c change) bool { return promise[c.what] < leastSaving/2 })
	slices.SortStableFunc(all, func(a, b change) int { return cmp.Compare(promise[b.what], promise[a.what]) })
	return all[:min(len(all), mostAdvice)]
}

// some lists names, and counts those that are too many for a line.
func some(names []string) string {
	const named = 3
	switch {
	case len(names) <= 1:
		return strings.Join(names, "")
	case len(names) <= named:
		last := len(names) - 1
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:named-1], ", "), len(names)-named+1)
}
