package status

import (
	"time"

	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/secrets"
)

// Document is what is where, in the shape in which `status --output json` prints it. What the
// result document of a run has, too, has the same name there.
type Document struct {
	SchemaVersion int          `json:"schema_version"` // 1
	Command       string       `json:"command"`        // "status"
	Tool          results.Tool `json:"tool"`
	// Revision is the git commit of the work tree, in hexadecimal digits; absent without
	// git, a work tree or a commit.
	Revision string `json:"revision,omitempty"`
	// Targets are the places that were asked, in the order of the config.
	Targets []results.Place `json:"targets"`
	// Since is what changed, where --since asks for that alone.
	Since   *results.Since `json:"since,omitempty"`
	Started time.Time      `json:"started"`
	// Finished is when all was asked, or the last answer was waited for.
	Finished time.Time `json:"finished"`
	// Warnings are on the command as a whole: an address without TLS, keys that others can read.
	Warnings   []string    `json:"warnings,omitempty"`
	Extensions []Extension `json:"extensions"`
	// Error is why not all is known, or why what was waited for did not come: the extensions are as
	// far as they are known.
	Error *results.CommandError `json:"error,omitempty"`
}

// New is the document of a plan, for the places that are asked; nothing was asked yet but what a
// plan asks.
func New(plan *results.Document, places []results.Place) *Document {
	d := &Document{
		SchemaVersion: 1, Command: "status", Tool: plan.Tool, Revision: plan.Revision,
		Targets: places, Since: plan.Since, Started: plan.Started.UTC(), Extensions: make([]Extension, len(plan.Extensions)),
	}
	for i, x := range plan.Extensions {
		d.Extensions[i] = Of(x)
	}
	return d
}

// Redact takes secrets out of what servers say, and out of warnings.
func (d *Document) Redact(from *secrets.Redactor) {
	d.Warnings = from.Texts(d.Warnings)
	for i := range d.Extensions {
		d.Extensions[i].redact(from)
	}
}
