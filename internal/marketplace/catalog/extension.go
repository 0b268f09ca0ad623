// Package catalog is what a local marketplace knows of extensions: records of extensions,
// versions (snapshots) and packages, the states that a version may be in, and who may change
// them to what. It reads and writes nothing.
package catalog

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// Status is the state of a snapshot or of an extension, in the words of the wire.
type Status string

const (
	Draft     Status = "draft"     // uploaded; its author may still replace it
	Submitted Status = "submitted" // waiting for review; in the index already
	Active    Status = "active"    // approved
	Rejected  Status = "rejected"  // reviewed and sent back
	Ready     Status = "ready"     // of an extension: a version of it was approved
)

// Extension is one extension as it is kept on disk. A record that is in the
// catalogue is never changed: a change makes a copy, so that readers need no lock.
type Extension struct {
	ID        string     `json:"extension_id"`
	Name      string     `json:"name"`
	Owner     string     `json:"owner"`
	Snapshots []Snapshot `json:"snapshots"` // newest version first
}

// Snapshot is one version of an extension.
type Snapshot struct {
	ID        string    `json:"snapshot_id"`
	Version   string    `json:"version"`
	Status    Status    `json:"status"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	ListedAt  time.Time `json:"listed_at,omitzero"` // when it last entered or left the index
	Message   string    `json:"message,omitempty"`  // of the last submission, withdrawal or review
	Package   *Package  `json:"package"`
}

// Package is a package that was accepted, and what the index says of it.
type Package struct {
	Filename   string          `json:"filename"` // NAME-VERSION.tgz
	Size       int64           `json:"size"`     // bytes
	Digest     string          `json:"digest"`   // SHA-256, hex
	UploadedAt time.Time       `json:"uploaded_at"`
	Chart      *chart.Metadata `json:"chart"` // of its Chart.yaml
}

// known says whether a snapshot can be in this state.
func (s Status) known() bool { return s == Draft || s == Submitted || s == Active || s == Rejected }

// Listed says whether a snapshot of this status is in the Helm repository: from its
// submission on, before it is approved, as KubeSphere Cloud's beta repository has it.
func (s Status) Listed() bool { return s == Submitted || s == Active }

// Listed is what the Helm repository has of an extension, nil for none.
func (e *Extension) Listed() []*Package {
	if e == nil {
		return nil
	}
	var packages []*Package
	for _, snapshot := range e.Snapshots {
		if snapshot.Status.Listed() {
			packages = append(packages, snapshot.Package)
		}
	}
	return packages
}

// Status of an extension: draft until a version was approved.
func (e *Extension) Status() Status {
	if _, ok := e.Latest(); ok {
		return Ready
	}
	return Draft
}

// Latest is the newest approved version.
func (e *Extension) Latest() (*Snapshot, bool) {
	for i := range e.Snapshots {
		if e.Snapshots[i].Status == Active {
			return &e.Snapshots[i], true
		}
	}
	return nil, false
}

// Version finds a snapshot by the exact string of its version.
func (e *Extension) Version(version string) (*Snapshot, bool) {
	for i := range e.Snapshots {
		if e.Snapshots[i].Version == version {
			return &e.Snapshots[i], true
		}
	}
	return nil, false
}

// Snapshot finds a snapshot by its ID.
func (e *Extension) Snapshot(id string) (*Snapshot, bool) {
	for i := range e.Snapshots {
		if e.Snapshots[i].ID == id {
			return &e.Snapshots[i], true
		}
	}
	return nil, false
}

// With returns a copy of e in which s is the snapshot of its version.
func (e *Extension) With(s Snapshot) *Extension {
	next := *e
	next.Snapshots = slices.Clone(e.Snapshots)
	if old, ok := next.Version(s.Version); ok {
		*old = s
		return &next
	}
	next.Snapshots = append(next.Snapshots, s)
	slices.SortStableFunc(next.Snapshots, func(a, b Snapshot) int {
		return compareVersions(b.Version, a.Version)
	})
	return &next
}

// Moved returns a copy of s in another state.
func (s Snapshot) Moved(to Status, message string, now time.Time) Snapshot {
	if s.Status.Listed() != to.Listed() {
		s.ListedAt = now
	}
	s.Status, s.Message, s.UpdatedAt = to, message, now
	return s
}

// Step is a change of state that someone may ask for.
type Step struct {
	name string // as in "can be NAME"
	from []Status
	To   Status
}

var (
	Submission = Step{"submitted", []Status{Draft}, Submitted}
	// A rejected version can be taken back like a submitted one: nothing else would let
	// its author fix it under the same version.
	Withdrawal = Step{"withdrawn", []Status{Submitted, Rejected}, Draft}
	Approval   = Step{"approved", []Status{Submitted}, Active}
	Rejection  = Step{"rejected", []Status{Submitted}, Rejected}
)

// Take applies a step to a snapshot of the extension called name.
func (s Snapshot) Take(st Step, name, message string, now time.Time) (Snapshot, error) {
	if !slices.Contains(st.from, s.Status) {
		return s, wire.Refuse(http.StatusConflict, "version %s of %s is in state %s; only one in state %s can be %s",
			s.Version, name, s.Status, either(st.from), st.name)
	}
	return s.Moved(st.To, message, now), nil
}

func either(statuses []Status) string {
	text := string(statuses[0])
	for _, s := range statuses[1:] {
		text += " or " + string(s)
	}
	return text
}

// compareVersions orders versions as SemVer does, and those that are equal to it or
// beyond it by their text, so that the order never depends on chance.
func compareVersions(a, b string) int {
	va, erra := semver.NewVersion(a)
	vb, errb := semver.NewVersion(b)
	if erra == nil && errb == nil {
		if c := va.Compare(vb); c != 0 {
			return c
		}
	}
	return cmp.Compare(a, b)
}

// Claim says whose package a file name is. The name alone does not: "a-1.0.0" in
// version "2.0.0" and "a" in version "1.0.0-2.0.0" are both a-1.0.0-2.0.0.tgz.
type Claim struct{ Extension, Version string }

// OwnedBy refuses what belongs to another user.
func (e *Extension) OwnedBy(user string) error {
	if e.Owner != user {
		return wire.Refuse(http.StatusForbidden, "extension %s belongs to another user", e.Name)
	}
	return nil
}

// ChartsDir is the folder of packages: next to index.yaml, and in addresses.
const ChartsDir = "charts"
