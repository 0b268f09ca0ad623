package marketplace

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/chart"
)

// status is the state of a snapshot or of an extension, in the words of the wire.
type status string

const (
	draft     status = "draft"     // uploaded; its author may still replace it
	submitted status = "submitted" // waiting for review; in the index already
	active    status = "active"    // approved
	rejected  status = "rejected"  // reviewed and sent back
	ready     status = "ready"     // of an extension: a version of it was approved
)

// extensionRecord is one extension as it is kept on disk. A record that is in the
// catalogue is never changed: a change makes a copy, so that readers need no lock.
type extensionRecord struct {
	ID        string           `json:"extension_id"`
	Name      string           `json:"name"`
	Owner     string           `json:"owner"`
	Snapshots []snapshotRecord `json:"snapshots"` // newest version first
}

// snapshotRecord is one version of an extension.
type snapshotRecord struct {
	ID        string         `json:"snapshot_id"`
	Version   string         `json:"version"`
	Status    status         `json:"status"`
	CreatedAt time.Time      `json:"created_at"`
	UpdatedAt time.Time      `json:"updated_at"`
	ListedAt  time.Time      `json:"listed_at,omitzero"` // when it last entered or left the index
	Message   string         `json:"message,omitempty"`  // of the last submission, withdrawal or review
	Package   *packageRecord `json:"package"`
}

// packageRecord is a package that was accepted, and what the index says of it.
type packageRecord struct {
	Filename   string          `json:"filename"` // NAME-VERSION.tgz
	Size       int64           `json:"size"`     // bytes
	Digest     string          `json:"digest"`   // SHA-256, hex
	UploadedAt time.Time       `json:"uploaded_at"`
	Chart      *chart.Metadata `json:"chart"` // of its Chart.yaml

	entry renderedEntry // of index.yaml; not kept on disk
}

// known says whether a snapshot can be in this state.
func (s status) known() bool { return s == draft || s == submitted || s == active || s == rejected }

// listed says whether a snapshot of this status is in the Helm repository: from its
// submission on, before it is approved, as KubeSphere Cloud's beta repository has it.
func (s status) listed() bool { return s == submitted || s == active }

// listed is what the Helm repository has of an extension, nil for none.
func (e *extensionRecord) listed() []*packageRecord {
	if e == nil {
		return nil
	}
	var packages []*packageRecord
	for _, snapshot := range e.Snapshots {
		if snapshot.Status.listed() {
			packages = append(packages, snapshot.Package)
		}
	}
	return packages
}

// status of an extension: draft until a version was approved.
func (e *extensionRecord) status() status {
	if _, ok := e.latest(); ok {
		return ready
	}
	return draft
}

// latest is the newest approved version.
func (e *extensionRecord) latest() (*snapshotRecord, bool) {
	for i := range e.Snapshots {
		if e.Snapshots[i].Status == active {
			return &e.Snapshots[i], true
		}
	}
	return nil, false
}

// version finds a snapshot by the exact string of its version.
func (e *extensionRecord) version(version string) (*snapshotRecord, bool) {
	for i := range e.Snapshots {
		if e.Snapshots[i].Version == version {
			return &e.Snapshots[i], true
		}
	}
	return nil, false
}

// snapshot finds a snapshot by its ID.
func (e *extensionRecord) snapshot(id string) (*snapshotRecord, bool) {
	for i := range e.Snapshots {
		if e.Snapshots[i].ID == id {
			return &e.Snapshots[i], true
		}
	}
	return nil, false
}

// with returns a copy of e in which s is the snapshot of its version.
func (e *extensionRecord) with(s snapshotRecord) *extensionRecord {
	next := *e
	next.Snapshots = slices.Clone(e.Snapshots)
	if old, ok := next.version(s.Version); ok {
		*old = s
		return &next
	}
	next.Snapshots = append(next.Snapshots, s)
	slices.SortStableFunc(next.Snapshots, func(a, b snapshotRecord) int {
		return compareVersions(b.Version, a.Version)
	})
	return &next
}

// moved returns a copy of s in another state.
func (s snapshotRecord) moved(to status, message string, now time.Time) snapshotRecord {
	if s.Status.listed() != to.listed() {
		s.ListedAt = now
	}
	s.Status, s.Message, s.UpdatedAt = to, message, now
	return s
}

// step is a change of state that someone may ask for.
type step struct {
	name string // as in "can be NAME"
	from []status
	to   status
}

var (
	submission = step{"submitted", []status{draft}, submitted}
	// A rejected version can be taken back like a submitted one: nothing else would let
	// its author fix it under the same version.
	withdrawal = step{"withdrawn", []status{submitted, rejected}, draft}
	approval   = step{"approved", []status{submitted}, active}
	rejection  = step{"rejected", []status{submitted}, rejected}
)

// take applies a step to a snapshot of the extension called name.
func (s snapshotRecord) take(st step, name, message string, now time.Time) (snapshotRecord, error) {
	if !slices.Contains(st.from, s.Status) {
		return s, refuse(http.StatusConflict, "version %s of %s is in state %s; only one in state %s can be %s",
			s.Version, name, s.Status, either(st.from), st.name)
	}
	return s.moved(st.to, message, now), nil
}

func either(statuses []status) string {
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

// claim says whose package a file name is. The name alone does not: "a-1.0.0" in
// version "2.0.0" and "a" in version "1.0.0-2.0.0" are both a-1.0.0-2.0.0.tgz.
type claim struct{ extension, version string }
