package tarball

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension/unpack"
)

// order gives the places of files, in the order in which they are packed.
//
// A compressor looks back 32 KiB. So that it finds there what a file has in common with others,
// files of the same name in different charts follow one another, and of each chart those of one
// folder. Of the files of one chart it is the order of their names, but for that: so Helm, which
// sorts files into charts as it loads them, has each chart in nearly the same order as from a
// folder, and its CustomResourceDefinitions, which are installed as they come, in the very same.
//
// The files of the extension itself come behind its charts, and last those that hold
// addresses: nothing is compressed otherwise since they are others.
func order(files []unpack.File) []int {
	keys := make([]orderKey, len(files))
	places := make([]int, len(files))
	for i, f := range files {
		keys[i], places[i] = keyOf(f), i
	}
	slices.SortFunc(places, func(a, b int) int { return keys[a].compare(keys[b]) })
	return places
}

// orderKey is by what a file is sorted.
type orderKey struct {
	class  int    // 0 in a chart below the extension, 1 in none, 2 with addresses
	folder string // within its chart
	name   string // within its chart
	chart  string // charts/NAME/, and so on below it
}

func (k orderKey) compare(other orderKey) int {
	return cmp.Or(cmp.Compare(k.class, other.class), strings.Compare(k.folder, other.folder), strings.Compare(k.name, other.name), strings.Compare(k.chart, other.chart))
}

func keyOf(f unpack.File) orderKey {
	if holdsAddresses(f) {
		return orderKey{class: 2, name: f.Name}
	}
	k := orderKey{class: 1, name: f.Name}
	for strings.HasPrefix(k.name, "charts/") {
		folder, rest, below := strings.Cut(k.name[len("charts/"):], "/")
		if !below { // a packed chart
			break
		}
		k.class, k.chart, k.name = 0, k.chart+"charts/"+folder+"/", rest
	}
	k.folder = path.Dir(k.name)
	if strings.HasPrefix(k.name, "crds/") {
		k.folder = "crds"
	}
	return k
}
