package image

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// listingKey is the annotation of the index of the image that lists its packages, so that nobody
// needs a layer to know what is in it.
const listingKey = "ksrelease.dev/packages"

// listing is what the image holds.
type listing struct {
	SchemaVersion int      `json:"schema_version"`
	Layers        []layer  `json:"layers"`   // by group
	Packages      []packed `json:"packages"` // by name and version
}

// layer is a layer with packages. All platforms have the same ones.
type layer struct {
	Group  int    `json:"group"`
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
	DiffID string `json:"diff_id"` // the digest without compression
}

// packed is a package in the image. Its layer is that of its group.
type packed struct {
	Name          string `json:"name"`
	Version       string `json:"version"`
	Digest        string `json:"digest"`
	Size          int64  `json:"size"`
	ContentDigest string `json:"content_digest,omitempty"`
	// Provenance and Signature are what lies next to it and signs it; the zero value is nothing.
	Provenance content `json:"provenance,omitzero"`
	Signature  content `json:"signature,omitzero"`
}

// content is what a file holds.
type content struct {
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
}

// part is a file of a package: itself, or what signs it.
type part struct {
	content
	filename  string
	mediaType string // under its tag
}

// parts are the package and what signs it, in the order of the layers under its tag.
func (p packed) parts() []part {
	all := []part{{content{p.Digest, p.Size}, p.filename(), chartType}}
	for _, signs := range []part{{p.Provenance, p.filename() + extension.ProvenanceEnding, provenanceType}, {p.Signature, p.filename() + extension.SignatureEnding, signatureType}} {
		if signs.content != (content{}) {
			all = append(all, signs)
		}
	}
	return all
}

func (p packed) filename() string { return p.Name + "-" + p.Version + ".tgz" }

func (p packed) is(name, version string) bool { return p.Name == name && p.Version == version }

func (l *listing) find(name, version string) (packed, bool) {
	if at := slices.IndexFunc(l.Packages, func(p packed) bool { return p.is(name, version) }); at >= 0 {
		return l.Packages[at], true
	}
	return packed{}, false
}

func (l *listing) layerOf(group int) (layer, bool) {
	if at := slices.IndexFunc(l.Layers, func(x layer) bool { return x.Group == group }); at >= 0 {
		return l.Layers[at], true
	}
	return layer{}, false
}

// sorted puts the lists in order, so that the same packages give the same bytes.
func (l *listing) sorted() {
	l.SchemaVersion = 1
	slices.SortFunc(l.Layers, func(a, b layer) int { return a.Group - b.Group })
	slices.SortFunc(l.Packages, func(a, b packed) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
}

var digestForm = lazyregexp.New(`^sha256:[0-9a-f]{64}$`)

// parseListing reads the annotation of an image that somebody else may have written.
func parseListing(text string) (*listing, error) {
	l := &listing{}
	if err := json.Unmarshal([]byte(text), l); err != nil {
		return nil, fmt.Errorf("its list of packages cannot be read: %w", err)
	}
	if l.SchemaVersion != 1 {
		return nil, fmt.Errorf("its list of packages has schema_version %d, and 1 is known", l.SchemaVersion)
	}
	for i, x := range l.Layers {
		if x.Group < 0 || x.Group >= groups || !digestForm.MatchString(x.Digest) || !digestForm.MatchString(x.DiffID) || x.Size < 0 ||
			slices.ContainsFunc(l.Layers[:i], func(y layer) bool { return y.Group == x.Group }) {
			return nil, fmt.Errorf("its list of packages names a layer %q of group %d", x.Digest, x.Group)
		}
	}
	seen := map[string]bool{}
	for _, p := range l.Packages {
		if naming.ValidName(p.Name) != nil || naming.ValidVersion(p.Version) != nil || !digestForm.MatchString(p.Digest) || p.Size < 0 || seen[p.filename()] {
			return nil, fmt.Errorf("its list of packages names %q %q", p.Name, p.Version)
		}
		for _, part := range p.parts() {
			if !digestForm.MatchString(part.Digest) || part.Size < 0 || part.Size > mostPackage {
				return nil, fmt.Errorf("its list of packages has a wrong %s", part.filename)
			}
		}
		if _, ok := l.layerOf(groupOf(p.Name)); !ok {
			return nil, fmt.Errorf("its list of packages has no layer with %s %s", p.Name, p.Version)
		}
		seen[p.filename()] = true
	}
	return l, nil
}
