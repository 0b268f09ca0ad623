package helmrepo

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
)

// Index is what a release needs of index.yaml. It is not changed after it was
// read, so that it can be shared.
type Index struct {
	entries entries
	broken  map[string]*Refused // why an entry of a chart could not be read
	refused []*Refused          // the first ones
	empty   *Refused            // the first entry that is null
	cached  Cached
	layout  Layout
}

// Layout is where in its text an index has what. Lines count from 1.
type Layout struct {
	// Lines says that the index is laid out as Helm lays it out in YAML: each chart and each
	// entry begins in a line of its own.
	Lines bool
	// Entries is the line of the field entries; 0 where there is none in a line of its own, with
	// nothing but charts in the lines that follow.
	Entries int
	// Charts are the lines of the names of charts.
	Charts map[string]int
}

// Entry is one version of one chart in an index.
type Entry struct {
	// Name is the name that the chart has in the index.
	Name string
	// OwnName is the name that the entry has for itself. KubeSphere passes over an
	// entry where it is another one.
	OwnName string
	Version string
	// Digest is the sha256 of the package in hex, with or without "sha256:"
	// before it, as the repository has it; it may be empty.
	Digest string
	// URLs are as written: absolute, or relative (see PackageURL and ChartURL).
	URLs []string
	// Annotations are those of the Chart.yaml.
	Annotations map[string]string
	// Created is zero where the index gives none that can be read.
	Created time.Time
	// Times is how often the index has the version, where a look-up found it.
	Times int
	// Line is where it begins in the index, from 1; 0 where that is not known.
	Line int
}

// Refused is why Helm, and KubeSphere, which uses its types, load nothing of an
// index: they load all of it or nothing.
type Refused struct {
	// Chart and Version are those of the entry; both are empty where it is about
	// the index as a whole.
	Chart, Version string
	// Line is where the fault stands in the index, from 1; 0 where that is not
	// known.
	Line int
	// Cause is what is wrong, in words of YAML.
	Cause string
	// HelmAlone says that KubeSphere loads it all the same: it passes over fields that it
	// does not know, and of a key that is there twice takes the last one (loadIndex of
	// kubesphere.io/utils/helm, 2026-07; Helm decodes strictly).
	HelmAlone bool
}

// Error names the entry, the line and the cause.
func (r *Refused) Error() string {
	text := "Helm and KubeSphere cannot load the index: "
	if r.HelmAlone {
		text = "Helm cannot load the index, though KubeSphere can: "
	}
	if r.Chart != "" {
		text += "the entry of " + strings.TrimSpace(r.Chart+" "+r.Version)
		if r.Line > 0 {
			text += fmt.Sprintf(" in line %d", r.Line)
		}
		return text + ": " + r.Cause
	}
	if r.Line > 0 {
		text += fmt.Sprintf("line %d: ", r.Line)
	}
	return text + r.Cause
}

// Hint is what those can do who run the repository.
func (r *Refused) Hint() string {
	if r.Chart == "" {
		return "the index has to be corrected by those who run the repository"
	}
	return "the entry of " + r.Chart + " has to be corrected, or taken out, by those who run the repository"
}

// Cached says that a cache answered in place of the repository.
type Cached struct {
	// Age is how old its answer is.
	Age time.Duration
	// Keeps is how long the cache may keep an answer; 0 where that is not known.
	Keeps time.Duration
}

// String is empty where the repository answered itself.
func (c Cached) String() string {
	switch {
	case c.Age <= 0:
		return ""
	case c.Keeps > 0:
		return fmt.Sprintf("a cache answered for the repository, with an index that is %s old and that it keeps for %s", c.Age, c.Keeps)
	}
	return fmt.Sprintf("a cache answered for the repository, with an index that is %s old", c.Age)
}

// Refused is the first reason why Helm and KubeSphere cannot load the index; nil where
// KubeSphere can.
func (i *Index) Refused() *Refused { return i.firstRefusal(false) }

// RefusedByHelm is the first reason why Helm, other than KubeSphere, cannot load the index;
// nil where there is none.
func (i *Index) RefusedByHelm() *Refused { return i.firstRefusal(true) }

func (i *Index) firstRefusal(byHelmAlone bool) *Refused {
	at := slices.IndexFunc(i.refused, func(r *Refused) bool { return r.HelmAlone == byHelmAlone })
	if at < 0 {
		return nil
	}
	return i.refused[at]
}

// Refusals are all reasons why Helm, or KubeSphere too, cannot load the index, in its order,
// but no more than the first hundred and, of those of KubeSphere, the first.
func (i *Index) Refusals() []*Refused { return slices.Clone(i.refused) }

// Charts are the names of all charts of which there is an entry, sorted.
func (i *Index) Charts() []string { return slices.Sorted(maps.Keys(i.entries.of)) }

// Entries are the entries of a chart in the order of the index.
func (i *Index) Entries(chart string) []Entry {
	var list []Entry
	for kept := range i.entries.all(chart) {
		list = append(list, kept.entry(chart))
	}
	return list
}

// Layout is where the index has what, for those who change its text.
func (i *Index) Layout() Layout { return i.layout }

// Cached says whether a cache answered, and with what.
func (i *Index) Cached() Cached { return i.cached }

// Empty is the first entry of the index that is null. Helm passes over it;
// KubeSphere's controller ends its reading with a fault of the program there
// (syncExtensionsFromURL in pkg/controller/core/repository_controller.go).
func (i *Index) Empty() *Refused { return i.empty }

// Version finds a version by its exact text: 1.0 is not 1.0.0, and v1.0.0 is
// not 1.0.0, as the marketplace keeps them apart too. Of several entries of a
// version it is the last one: KubeSphere goes through them in the order of the
// index, and each overwrites the one before.
func (i *Index) Version(name, version string) (Entry, bool) {
	var last keptEntry
	times := 0
	for kept := range i.entries.all(name) {
		if string(kept.version()) == version {
			last = kept
			times++
		}
	}
	if times == 0 {
		return Entry{}, false
	}
	found := last.entry(name)
	found.Times = times
	return found, true
}

// Unreadable is why not all entries of a chart could be read, so that a version
// which is not found may be there all the same; nil where all could.
func (i *Index) Unreadable(name string) error {
	if refused := i.broken[name]; refused != nil {
		return refused
	}
	return nil // and no interface around a nil pointer
}

// Versions lists the versions of a chart, newest first by SemVer; what is no
// SemVer stands at the end, by text.
func (i *Index) Versions(name string) []string {
	versions := []string{}
	for kept := range i.entries.all(name) {
		versions = append(versions, string(kept.version()))
	}
	slices.SortStableFunc(versions, newestFirst)
	return slices.Compact(versions)
}

func newestFirst(a, b string) int {
	left, errLeft := semver.StrictNewVersion(strings.TrimPrefix(a, "v"))
	right, errRight := semver.StrictNewVersion(strings.TrimPrefix(b, "v"))
	switch {
	case errLeft == nil && errRight == nil:
		if order := right.Compare(left); order != 0 {
			return order
		}
	case errLeft == nil:
		return -1
	case errRight == nil:
		return 1
	}
	return strings.Compare(b, a)
}

// newIndex is an index in which nothing is yet.
func newIndex() *Index {
	return &Index{entries: entries{of: map[string][]byte{}}, broken: map[string]*Refused{}}
}

// refuse keeps a reason why Helm does not load the index.
func (i *Index) refuse(r *Refused) {
	const enough = 100
	if len(i.refused) < enough || !r.HelmAlone && i.Refused() == nil {
		i.refused = append(i.refused, r)
	}
}

// supersede says of what was refused that another value comes later: KubeSphere goes by the last one.
func (i *Index) supersede(is func(*Refused) bool) {
	for _, r := range i.refused {
		r.HelmAlone = r.HelmAlone || is(r)
	}
}

// breaks notes that an entry of a chart cannot be read at all.
func (i *Index) breaks(chart string, r *Refused) {
	i.refuse(r)
	if i.broken[chart] == nil {
		i.broken[chart] = r
	}
}

func (i *Index) hasEmpty(chart string, line int) {
	if i.empty == nil {
		i.empty = &Refused{Chart: chart, Line: line, Cause: "it is empty"}
	}
}

// Parse reads an index that is in memory; see Read.
func Parse(body []byte) (*Index, error) { return Read(bytes.NewReader(body)) }
