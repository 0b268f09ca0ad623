// Package replay works out what KubeSphere makes of a Helm repository: which versions of each
// extension it shows, which one it recommends, what it leaves out without a word, and what
// keeps it from reading the repository at all. It asks nobody: whoever uses it brings the index,
// and the packages that the replay wants to see.
//
// It follows the repository controller of KubeSphere 4.1.3 and later
// (pkg/controller/core/repository_controller.go and util.go of kubesphere/kubesphere, as of
// 2026-07), which reads the index, downloads the package of every entry, keeps the highest
// versions of each extension, and writes them to the API server. What it cannot download or
// read it passes over; what the API server refuses ends the try, and with it what stands
// behind in a random order.
package replay

import (
	"cmp"
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// Options say of which cluster the replay is.
type Options struct {
	// Depth is how many versions the Repository of the cluster keeps of each extension; 0
	// keeps all, as there.
	Depth int
	// KubeSphere and Kubernetes are the versions of the cluster. What is nil judges no
	// constraint.
	KubeSphere, Kubernetes *semver.Version
	// Only are the names of the extensions to look at; empty: all.
	Only []string
	// Below says that the repository is not at the root of its host.
	Below bool
}

// Replay is a replay of one index. It is not safe for concurrent use.
type Replay struct {
	options    Options
	index      *helmrepo.Index
	extensions []*extension
}

// extension is one name of the index.
type extension struct {
	name    string
	invalid error        // why KubeSphere takes nothing of that name
	entries []*candidate // highest first, those that are dropped without a download last
}

// candidate is an entry of the index.
type candidate struct {
	helmrepo.Entry
	version *semver.Version // nil: none
	dropped *fault          // why KubeSphere drops it, as far as is known
	found   *Package        // nil: not looked at
	skipped bool            // and is not going to be
}

// New begins a replay.
func New(index *helmrepo.Index, options Options) *Replay {
	r := &Replay{options: options, index: index}
	for _, name := range index.Charts() {
		if len(options.Only) > 0 && !slices.Contains(options.Only, name) {
			continue
		}
		x := &extension{name: name, invalid: naming.ValidName(name)}
		for _, entry := range index.Entries(name) {
			c := &candidate{Entry: entry, dropped: faultOfEntry(entry)}
			c.version, _ = semver.NewVersion(entry.Version)
			x.entries = append(x.entries, c)
		}
		x.sort()
		r.extensions = append(r.extensions, x)
	}
	return r
}

// sort puts the entries in KubeSphere's order: by SemVer, highest first, a pre-release below
// its release and no further.
func (x *extension) sort() {
	slices.SortStableFunc(x.entries, func(a, b *candidate) int {
		switch {
		case a.version != nil && b.version != nil:
			return b.version.Compare(a.version)
		case a.version == nil && b.version == nil:
			return cmp.Compare(a.Line, b.Line)
		case a.version == nil:
			return 1
		}
		return -1
	})
}

// depth is how many entries of an extension are kept.
func (r *Replay) depth(x *extension) int {
	if r.options.Depth <= 0 {
		return len(x.entries)
	}
	return r.options.Depth
}

// DefaultDepth is the depth of a Repository that says none.
const DefaultDepth = versions.Depth

// Wanted are the entries whose packages say what the replay does not know yet, those of the
// highest versions first: as many of each extension as its depth takes. After Know or
// Skip of all of them others may be wanted, in place of those that are dropped.
func (r *Replay) Wanted() []helmrepo.Entry {
	type ranked struct {
		rank  int
		entry helmrepo.Entry
	}
	var all []ranked
	for _, x := range r.extensions {
		if x.invalid != nil {
			continue
		}
		kept := 0
		for _, c := range x.entries {
			if kept >= r.depth(x) {
				break
			}
			if c.isDropped() {
				continue
			}
			if c.found == nil && !c.skipped {
				all = append(all, ranked{kept, c.Entry})
			}
			kept++
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	entries := make([]helmrepo.Entry, len(all))
	for i, w := range all {
		entries[i] = w.entry
	}
	return entries
}

// Know takes what was found in the package of an entry.
func (r *Replay) Know(entry helmrepo.Entry, found *Package) {
	x, c := r.find(entry)
	if c == nil {
		return
	}
	c.found = found
	// KubeSphere sorts by the version in extension.yaml, which may be another.
	if v, err := semver.NewVersion(found.Spec.Version); err == nil && found.fault == nil {
		c.version = v
		x.sort()
	}
}

// Skip says that the package of an entry is not going to be looked at.
func (r *Replay) Skip(entry helmrepo.Entry) {
	if _, c := r.find(entry); c != nil {
		c.skipped = true
	}
}

func (r *Replay) find(entry helmrepo.Entry) (*extension, *candidate) {
	for _, x := range r.extensions {
		if x.name != entry.Name {
			continue
		}
		for _, c := range x.entries {
			if c.found == nil && !c.skipped && c.Version == entry.Version && c.Line == entry.Line && slices.Equal(c.URLs, entry.URLs) {
				return x, c
			}
		}
	}
	return nil, nil
}

// isDropped says whether KubeSphere passes over an entry.
func (c *candidate) isDropped() bool {
	return c.dropped != nil || c.found != nil && c.found.fault != nil
}

// why is the reason of that.
func (c *candidate) why() *fault {
	if c.dropped != nil {
		return c.dropped
	}
	if c.found != nil {
		return c.found.fault
	}
	return nil
}

// shownVersion is the version that users see.
func (c *candidate) shownVersion() string {
	if c.found != nil && c.found.fault == nil {
		return c.found.Spec.Version
	}
	return c.Version
}
