// Package repoindex shows an index.yaml of a Helm repository as the index of a target.
package repoindex

import (
	"context"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Index is an index.yaml in the types of targets.
type Index struct{ *helmrepo.Index }

var _ target.Index = Index{}

// Lookup finds a version by string equality; of several entries it is the last one.
func (i Index) Lookup(_ context.Context, name, version string) (target.Entry, bool, error) {
	e, ok := i.Version(name, version)
	if !ok {
		return target.Entry{}, false, i.Unreadable(name)
	}
	return target.Entry{
		Name: e.Name, OwnName: e.OwnName, Version: e.Version, Digest: e.Digest, URLs: e.URLs, Times: e.Times,
		ContentDigest: e.Annotations[extension.ContentDigestAnnotation],
	}, true, nil
}

// Versions are those of a name, newest first.
func (i Index) Versions(_ context.Context, name string) ([]string, error) {
	return i.Index.Versions(name), nil
}

// Refused is why KubeSphere loads nothing of it.
func (i Index) Refused() error {
	if refused := i.Index.Refused(); refused != nil {
		return refused
	}
	return nil // and no interface around a nil pointer
}

// Cached says that a cache answered.
func (i Index) Cached() string { return i.Index.Cached().String() }

// Remarks are what Helm, or KubeSphere, makes of entries that are not right.
func (i Index) Remarks() []string {
	var remarks []string
	if refused := i.RefusedByHelm(); refused != nil {
		remarks = append(remarks, fmt.Sprintf("%s: %s; until then `helm repo add` fails for all who use this repository", refused, refused.Hint()))
	}
	if empty := i.Empty(); empty != nil {
		remarks = append(remarks, fmt.Sprintf("the index has an empty entry of %s in line %d: Helm passes over it, but KubeSphere may fail to read the index because of it", empty.Chart, empty.Line))
	}
	return remarks
}

// EntryOf is an entry of a target as the repository downloads it.
func EntryOf(e target.Entry) helmrepo.Entry {
	return helmrepo.Entry{Name: e.Name, Version: e.Version, Digest: e.Digest, URLs: e.URLs}
}
