// Package compare names the files in which two extensions differ.
package compare

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// Kind says in which way a file differs.
type Kind string

// The kinds of differences.
const (
	Added    Kind = "added"     // only the local extension has it
	Removed  Kind = "removed"   // only the other one has it
	Changed  Kind = "changed"   // both have it, with other content
	LineEnds Kind = "line-ends" // both have it, and only CR LF and LF differ
)

// Difference is a file in which two extensions differ.
type Difference struct {
	// File is a slash path below the extension. Files in a packaged subchart stand behind
	// its path and a "!": charts/redis-17.0.0.tgz!/values.yaml. A subchart that is there
	// or is not, as a whole, is its folder (with a slash at the end) or its package.
	File string `json:"file"`
	Kind Kind   `json:"kind"`
	// Detail is what in the file differs, where that is known: a field of extension.yaml,
	// or which picture it is; else it is empty.
	Detail string `json:"detail,omitempty"`
}

// String is the difference in a few words, such as "values.yaml differs".
func (d Difference) String() string {
	name := d.File
	if d.Detail != "" {
		name += ": " + d.Detail
	}
	switch d.Kind {
	case Added:
		return name + " is new"
	case Removed:
		return name + " is gone"
	case LineEnds:
		return name + " differs in line ends only"
	}
	return name + " differs"
}

// Differences are sorted by file and detail.
type Differences []Difference

// maxInSummary is how many differences a summary names.
const maxInSummary = 3

// Summary names the first differences, and says how many more there are; it is empty where
// there is none.
func (ds Differences) Summary() string { return ds.first(Difference.String) }

// Names are the first files, and how many more there are.
func (ds Differences) Names() string { return ds.first(func(d Difference) string { return d.File }) }

func (ds Differences) first(words func(Difference) string) string {
	shown := ds[:min(len(ds), maxInSummary)]
	all := make([]string, 0, len(shown)+1)
	for _, d := range shown {
		all = append(all, words(d))
	}
	if more := len(ds) - len(shown); more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, ", ")
}

// LineEndsOnly reports whether there are differences, and all of them are CR LF and LF: a
// checkout with other line ends, and no other content.
func (ds Differences) LineEndsOnly() bool {
	return len(ds) > 0 && !slices.ContainsFunc(ds, func(d Difference) bool { return d.Kind != LineEnds })
}

// sorted brings differences in order, each once.
func sorted(ds Differences) Differences {
	slices.SortFunc(ds, func(a, b Difference) int {
		return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Detail, b.Detail), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	return slices.Compact(ds)
}

// Fetch gives what is at the address of an icon or a screenshot.
type Fetch func(address string) ([]byte, error)

// Compare compares an extension with another form of it by what Helm and KubeSphere make
// of it: with a published version that carries no content digest, such as one that
// ksbuilder pushed.
//
// What ksbuilder does to a package on its way is no difference: extension.yaml
// written anew without comments, empty values and fields it does not know,
// screenshots on the server put before local ones, staticFileDirectory left out,
// charts/*.tgz unpacked and the Chart.yaml of subcharts written anew. So the
// charts are compared as Helm loads them, and extension.yaml as KubeSphere reads
// it. A file that we never pack, but others do, is no difference either.
//
// Where one names a file and the other an address, what fetch gives for the
// address is compared with the file. Without fetch (nil) a file and an address differ.
// The error is that of fetch, if nothing else differs, or that of a chart that does not
// load; then nothing is known.
func Compare(local, other *extension.Extension, fetch Fetch) (Differences, error) {
	found := fieldDifferences(local, other, false)
	inCharts, err := chartDifferences(local, other)
	if err != nil {
		return nil, err
	}
	return withAssets(append(found, inCharts...), local, other, fetch)
}

// Content compares an extension with another one by all that its content digest covers:
// with a version that ksrelease packed, or with the source tree of another commit. Each
// byte counts, but for time stamps of Chart.lock and of packaged subcharts.
//
// fetch and the error are those of Compare; a chart that does not load is no error.
func Content(local, other *extension.Extension, fetch Fetch) (Differences, error) {
	found := contentDifferences(local, other)
	if local.ChartType != other.ChartType {
		found = append(found, Difference{extension.ChartFile, Changed, "type"})
	}
	if local.AppVersion != other.AppVersion {
		found = append(found, Difference{extension.ChartFile, Changed, "appVersion"})
	}
	return withAssets(found, local, other, fetch)
}

// withAssets adds what differs in icon and screenshots.
func withAssets(found Differences, local, other *extension.Extension, fetch Fetch) (Differences, error) {
	inAssets, err := assetDifferences(local, other, fetch)
	if err != nil && len(found) == 0 {
		return nil, fmt.Errorf("comparing %s with its published version: %w", local.Path, err)
	}
	for _, d := range inAssets {
		// A picture that is in the package is among the files already.
		if !slices.ContainsFunc(found, func(f Difference) bool { return f.File == d.File && (f.Detail == "" || f.Detail == d.Detail) }) {
			found = append(found, d)
		}
	}
	return sorted(found), nil
}

// changed is how the two contents of a file differ.
func changed(file string, ours, theirs []byte) Difference {
	if bytes.Equal(withoutReturns(ours), withoutReturns(theirs)) {
		return Difference{File: file, Kind: LineEnds}
	}
	return Difference{File: file, Kind: Changed}
}

func withoutReturns(data []byte) []byte {
	return bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
}
