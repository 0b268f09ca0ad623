// Package packagecache keeps what is known of packages that were made and found to be in order, so
// that a plan need not make them again to say what they would be (internal/cache). It keeps no
// package: what is sent or left on disk is made, or comes from there.
package packagecache

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/extension"
)

// Packages are those that were made. Its methods may be called by several goroutines at once. A nil
// *Packages knows none, and keeps none.
type Packages struct{ cache *cache.Cache }

// New makes them of what a cache has; nil without one.
func New(c *cache.Cache) *Packages {
	if c == nil {
		return nil
	}
	return &Packages{c}
}

// Made is all that a package, and the verdict on it, depend on.
type Made struct {
	// Tree is extension.TreeDigest of the extension.
	Tree string
	// Origin is of which commit the package says to be; nil where it says nothing.
	Origin *extension.Origin
	// URLs are those of its assets; nil is the local form.
	URLs extension.URLs
	// Limit is how many bytes the package may have; 0 is no limit. Near it a package is packed harder.
	Limit int64
	// Loads says that Helm has loaded the content before, so that nobody has tried it with the package.
	Loads bool
}

// Of is what the package of an extension is made of; ext is nil where known is all that is known of it.
// A package that was read says itself of which commit it is, in its Chart.yaml.
func (p *Packages) Of(ext *extension.Extension, known *extension.Summary, urls extension.URLs, limit int64, loads bool) Made {
	made := Made{URLs: urls, Limit: limit, Loads: loads}
	switch {
	case p == nil: // a digest of all content is for nobody
	case ext == nil && known != nil:
		made.Tree = known.Tree
	case ext != nil && ext.ArchiveDigest != "":
		made.Tree = extension.TreeDigest(ext)
	case ext != nil:
		made.Tree, made.Origin = extension.TreeDigest(ext), ext.Origin
	}
	return made
}

// known is what is kept of a package.
type known struct {
	Name, Version, Filename, Digest, ContentDigest string
	Size                                           int64
	Hard                                           bool
}

// kind is that of the entries.
const kind = "package/1"

// Recall is a package that was made of all this before, and found to be in order; nil where nothing
// is known of one. It has no Data.
func (p *Packages) Recall(ctx context.Context, made Made) *extension.Package {
	if p == nil || made.Tree == "" {
		return nil
	}
	data, ok := p.cache.Get(ctx, p.key(made))
	var k known
	if !ok || json.Unmarshal(data, &k) != nil {
		return nil
	}
	return &extension.Package{Name: k.Name, Version: k.Version, Filename: k.Filename, Digest: k.Digest, ContentDigest: k.ContentDigest, Size: k.Size, Hard: k.Hard}
}

// Keep keeps what there is to know of a package that was found to be in order.
func (p *Packages) Keep(ctx context.Context, made Made, pkg *extension.Package) {
	if p == nil || made.Tree == "" {
		return
	}
	data, err := json.Marshal(known{pkg.Name, pkg.Version, pkg.Filename, pkg.Digest, pkg.ContentDigest, pkg.Size, pkg.Hard})
	if err == nil {
		p.cache.Put(ctx, p.key(made), data)
	}
}

func (p *Packages) key(made Made) cache.Key {
	origin := ""
	if made.Origin != nil {
		origin = fmt.Sprintf("%#v", *made.Origin)
	}
	addresses := "local"
	if made.URLs != nil {
		var b strings.Builder
		for _, file := range slices.Sorted(maps.Keys(made.URLs)) {
			fmt.Fprintf(&b, "%q %q\n", file, made.URLs[file])
		}
		addresses = b.String()
	}
	return p.cache.Key(kind, made.Tree, origin, addresses, strconv.FormatInt(made.Limit, 10), strconv.FormatBool(made.Loads))
}
