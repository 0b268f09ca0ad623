// Package proof builds a version that is published again from the commit that its package names,
// and compares the two to the byte.
package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/published"
)

// Claim is a package that is published, with what it says of its origin.
type Claim struct {
	Name, Version string
	// From says in words where it was read.
	From string
	// Archive is the package, and Digest its SHA-256: "sha256:" and 64 hex digits.
	Archive []byte
	Digest  string
	// Origin is of which commit it says it was made; nil where it says nothing.
	Origin *extension.Origin

	ext *extension.Extension
}

// Read reads a package. name is how messages call it.
func Read(ctx context.Context, name, from string, archive []byte) (*Claim, error) {
	ext, err := published.Read(ctx, name, archive)
	if err != nil {
		return nil, err
	}
	return &Claim{
		Name: ext.Metadata.Name, Version: ext.Metadata.Version, From: from,
		Archive: archive, Digest: "sha256:" + published.Digest(archive), Origin: ext.Origin, ext: ext,
	}, nil
}

// errNoOrigin is why a package cannot be proved whose commit is not known.
var errNoOrigin = failure.WithHint(errors.New("its package does not say of which commit it was made: another tool packed it, or it was not sent by a run in a git repository"),
	"name the commit, tag or branch it was made of: --revision NAME")

// FetchPicture downloads the picture at an address.
type FetchPicture func(ctx context.Context, address string) ([]byte, error)

// addresses are those that the package has in the place of the pictures of an extension; nil
// where it has the pictures themselves. pictures are those whose content is another.
func (c *Claim) addresses(ctx context.Context, local *extension.Extension, fetch FetchPicture) (urls extension.URLs, pictures compare.Differences, err error) {
	isPushed := slices.ContainsFunc(local.Assets, func(a extension.Asset) bool { return !extension.IsLocalRef(c.reference(a)) })
	if !isPushed {
		return nil, nil, nil
	}
	urls = extension.URLs{}
	for _, a := range local.Assets {
		address := c.reference(a)
		urls[a.File] = cmp.Or(address, a.Ref)
		if extension.IsLocalRef(address) { // no run packs so: the files will differ
			continue
		}
		same, err := isPicture(ctx, a, address, fetch)
		switch {
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case err != nil:
			return nil, nil, failure.WithHint(fmt.Errorf("looking at the picture %s, which is at %s: %w", a.File, address, err), "%s", failure.Hint(err))
		case !same:
			pictures = append(pictures, compare.Difference{File: a.File, Kind: compare.Changed, Detail: "the picture at " + address})
		}
	}
	return urls, pictures, nil
}

// reference is what the package has where the extension names an asset first.
func (c *Claim) reference(a extension.Asset) string {
	m := c.ext.Metadata
	for _, pointer := range a.Pointers {
		if pointer[0] == "icon" {
			return m.Icon
		}
		var at int
		if _, err := fmt.Sscan(pointer[1], &at); err == nil && at < len(m.Screenshots) {
			return m.Screenshots[at]
		}
	}
	return ""
}

// isPicture says whether an address leads to an asset. A name with the hash of the asset in it,
// under which a run uploads it, is believed: the package has the address in it, and what the
// server answers today is the server's doing.
func isPicture(ctx context.Context, a extension.Asset, address string, fetch FetchPicture) (bool, error) {
	if path.Base(address) == a.RemoteName || fetch == nil {
		return path.Base(address) == a.RemoteName, nil
	}
	data, err := fetch(ctx, address)
	return string(data) == string(a.Data), err
}
