// Package changes finds out which extensions of a project changed since a commit, or since what
// is published: in content, as packages have it, and in their settings.
//
// It reads the work tree as it is, committed or not. Of the history it asks git which trees
// differ, all at once, and reads in full only what does.
package changes

import (
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/git"
)

// Status is what became of an extension.
type Status string

// The statuses.
const (
	Added     Status = "added"     // it was not there
	Removed   Status = "removed"   // it is not there any more
	Unchanged Status = "unchanged" // content, settings and version are the same
	Bumped    Status = "bumped"    // it changed, and so did its version
	Changed   Status = "changed"   // it changed, and its version did not
)

// BaseKind is what an extension is compared with.
type BaseKind string

// The kinds of bases.
const (
	BaseRef       BaseKind = "ref"        // the commit that the user named
	BaseMergeBase BaseKind = "merge-base" // where a pull request began
	BaseTag       BaseKind = "tag"        // the newest tag of the extension
	BasePublished BaseKind = "published"  // what the Helm repository has
	BaseNone      BaseKind = "none"       // it was never tagged and never published
)

// Base is what an extension is compared with.
type Base struct {
	Kind BaseKind `json:"kind"`
	// Ref is what it is called: the ref, the branch, the tag, or the version that is published.
	Ref string `json:"ref,omitempty"`
	// Commit is its object name; empty for what is published.
	Commit string `json:"commit,omitempty"`
}

// String is the base in a few words.
func (b Base) String() string {
	switch b.Kind {
	case BaseMergeBase:
		return "the merge base with " + b.Ref
	case BaseTag:
		return "the tag " + b.Ref
	case BasePublished:
		return "the published " + b.Ref
	case BaseNone:
		return "the beginning (no tag, not published)"
	}
	return b.Ref
}

// Extension is one extension, and what became of it.
type Extension struct {
	Name string `json:"name"`
	// Path is relative to the folder of the config, with slashes; that at the base for one
	// that was removed.
	Path string `json:"path"`
	// Version is empty for one that was removed, and BaseVersion for one that was added, or
	// whose extension.yaml at the base cannot be read.
	Version     string `json:"version"`
	BaseVersion string `json:"base_version"`
	Status      Status `json:"status"`
	// Files are the files that differ, sorted: slash paths below the extension, with those in
	// packaged subcharts behind a "!", and .ksrelease.yaml where the settings differ. They are
	// all that a package has of one that was added or removed (of one that cannot be read,
	// extension.yaml), without those of its subcharts.
	Files []string `json:"files"`
	// Differences say in which way the files differ.
	Differences compare.Differences `json:"differences,omitempty"`
	// LineEnds are files of which only the line ends differ, which is no change.
	LineEnds []string `json:"line_ends,omitempty"`
	// Settings are the keys of .ksrelease.yaml that have another value for this extension.
	Settings []string `json:"settings,omitempty"`
	// Content says that the content of the package differs, and not only settings.
	Content bool `json:"content"`
	// BasePath is where it was, if elsewhere.
	BasePath string `json:"base_path,omitempty"`
	// Base is what it was compared with.
	Base Base `json:"base"`
	// Notes are what else somebody should know, such as a base that cannot be read.
	Notes []string `json:"notes,omitempty"`

	source *config.Source // nil for one that was removed
	needs  []string       // the names of extensions that it depends on
}

// SourcePath is the path of its source, absolute; empty for one that was removed.
func (e Extension) SourcePath() string {
	if e.source == nil {
		return ""
	}
	return e.source.Path
}

// NeedsVersion reports whether its content changed and its version did not. Settings of ksrelease
// alone need no new version.
func (e Extension) NeedsVersion() bool { return e.Status == Changed && e.Content }

// IsChanged reports whether it is there and differs from its base.
func (e Extension) IsChanged() bool {
	return e.Status == Added || e.Status == Bumped || e.Status == Changed
}

// Changes are the extensions of a project, and what became of each.
type Changes struct {
	// Since is what the user asked for: a ref, or auto.
	Since string `json:"since"`
	// Extensions are sorted by name, then by path.
	Extensions []Extension `json:"extensions"`
	// Warnings are about all of them.
	Warnings []string `json:"warnings,omitempty"`

	repository *git.Repository
}

// Repository has their history; nil where there is none.
func (c *Changes) Repository() *git.Repository { return c.repository }

// Base is what the extensions were compared with, in words.
func (c *Changes) Base() string {
	said := ""
	for _, e := range c.Extensions {
		switch text := e.Base.String(); {
		case said == "":
			said = text
		case said != text:
			return "the newest tag, or the published version, of each"
		}
	}
	if said == "" {
		return c.Since
	}
	return said
}

// Count is how many extensions have a status.
func (c *Changes) Count(status Status) int {
	n := 0
	for _, e := range c.Extensions {
		if e.Status == status {
			n++
		}
	}
	return n
}

// Names are those of the extensions that are there and differ, each once.
func (c *Changes) Names() []string {
	var names []string
	for _, e := range c.Extensions {
		if e.IsChanged() {
			names = append(names, e.Name)
		}
	}
	return slices.Compact(names)
}

// sort brings the extensions in order.
func (c *Changes) sort() {
	slices.SortFunc(c.Extensions, func(a, b Extension) int {
		if order := strings.Compare(a.Name, b.Name); order != 0 {
			return order
		}
		return strings.Compare(a.Path, b.Path)
	})
}

// differ sets what differs from the base, at which the extension was there, and its status by that.
func (e *Extension) differ(found compare.Differences) {
	for _, d := range found {
		if d.Kind == compare.LineEnds {
			e.LineEnds = append(e.LineEnds, d.File)
		} else {
			e.Differences = append(e.Differences, d)
			e.Files = append(e.Files, d.File)
		}
	}
	e.LineEnds = slices.Compact(e.LineEnds)
	e.Content = len(e.Differences) > 0
	if len(e.Settings) > 0 {
		e.Files = append(e.Files, config.Name)
	}
	slices.Sort(e.Files)
	e.Files = slices.Compact(e.Files)
	switch {
	case e.Version != e.BaseVersion:
		e.Status = Bumped
	case len(e.Files) > 0:
		e.Status = Changed
	default:
		e.Status = Unchanged
	}
}
