// Package journal keeps what happens in a run as lines of JSON that are only ever
// appended, and makes the result of the run out of them again.
//
// A journal is the evidence of a run: what is about to be sent is a line on the disk
// before it goes out, and no line is changed later. So what a run leaves that was killed
// is whole up to its last line, which may be cut off. Every report can be made from it,
// while the run goes on and afterwards.
//
// A line says what happened, and which fields of the result document changed by it. To
// read a journal is to set these fields one line after the other ([Read]); neither writer
// nor reader knows the meaning of an event.
package journal

import (
	"encoding/json"
	"time"

	"github.com/ksrelease/ksrelease/internal/results"
)

// Version is the form of the journal that this package writes and reads.
const Version = 1

// Record is one line of a journal.
type Record struct {
	// Journal is Version; in the first line alone.
	Journal int               `json:"journal,omitempty"`
	Event   results.EventKind `json:"event"`
	Time    time.Time         `json:"time"`
	// Planning is true until the plan is applied: nothing is written yet.
	Planning bool `json:"planning,omitempty"`

	// What happened, as in the lines of `--output json`. Name and Version are those of the
	// extension that it happened to; both are empty where it is about the run.
	Name         string              `json:"extension,omitempty"`
	Version      string              `json:"version,omitempty"`
	Target       string              `json:"target,omitempty"` // where the project names its targets
	Stage        string              `json:"stage,omitempty"`
	Status       results.StageStatus `json:"status,omitempty"`
	Milliseconds *int64              `json:"milliseconds,omitempty"` // stage-finished
	// Writes is true for the start and end of a stage that changes a target. Such a
	// line is on the disk before the stage begins.
	Writes   bool   `json:"writes,omitempty"`
	Decision string `json:"decision,omitempty"` // decided
	Message  string `json:"message,omitempty"`

	// Run has the fields of the result document that changed, but for its extensions and
	// totals; null is a field that is absent from now on.
	Run Fields `json:"run,omitempty"`
	// Replaces says that Changes has all extensions of the run, in their order: the first
	// line has them so.
	Replaces bool `json:"replaces,omitempty"`
	// Changes are the extensions of which something changed.
	Changes []Change `json:"changes,omitempty"`
}

// Change is what changed of an extension.
type Change struct {
	// Index is its place among the extensions of the result document, from 0.
	Index int `json:"index"`
	// Set has the fields of the extension that changed, as the result document has them
	// and with those of [extension]; null is a field that is absent from now on.
	Set Fields `json:"set"`
}

// Fields are some fields of an object, by their names.
type Fields map[string]json.RawMessage

// run is the result document without its extensions and totals, and with what it leaves
// out.
type run struct {
	*results.Document
	Extensions  *int `json:"extensions,omitempty"`
	Totals      *int `json:"totals,omitempty"`
	AuthRefused bool `json:"auth_refused,omitempty"` // the API key was refused: exit code 3
}

// extension is an extension of the result document, with what that leaves out.
type extension struct {
	*results.Extension
	Findings []finding `json:"findings"`
	AsAsked  bool      `json:"as_asked"` // it ended as the settings ask
}

// finding is a finding of the result document, with what that leaves out.
type finding struct {
	results.Finding
	Excerpt string `json:"excerpt,omitempty"` // the line of the file
}
