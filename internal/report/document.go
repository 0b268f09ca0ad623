package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/report/paged"
	"github.com/ksrelease/ksrelease/internal/results"
)

// document keeps the result document on disk in step with the run. Before a write to a
// target goes out its extension waits for the document, so each change has to be
// cheap: an event encodes its own extension alone, and changes it in place.
//
// While the run goes on, the totals stand before the extensions, and a kill
// between two writes can leave them behind by one extension.
type document struct {
	pages  *paged.Text
	result results.Document
	index  map[identity]int // places in result.Extensions
	// written is when the file was written as a whole the last time.
	written time.Time
	err     error
}

// identity is what tells one extension of a run from another: two that cannot
// be read may share a name.
type identity struct{ name, path string }

func identityOf(x *results.Extension) identity { return identity{x.Name, x.Path} }

// restless is how long a change that is no evidence of a write, and for which
// the whole file has to be written, may wait to be kept.
const restless = 200 * time.Millisecond

func newDocument(path string) *document { return &document{pages: paged.New(path)} }

// wants says which events change the document.
func (d *document) wants(e results.Event) bool { return e.Kind != results.EventNote }

// onlyLatest says that the latest event of an extension is enough.
func (d *document) onlyLatest() {}

// Close lets go of the file, of a run that was not finished.
func (d *document) Close() { d.pages.Close() }

func (d *document) Observe(e results.Event) {
	switch {
	case e.Kind == results.EventRunFinished:
		d.finish(e.Result)
	case e.Result != nil:
		d.begin(e.Result)
	case e.Extension != nil:
		d.change(e)
	case e.Kind == results.EventWarning:
		d.warn(e.Message)
	}
}

// warn takes a warning; one that comes before the run is started will be in the
// result that the run begins with.
func (d *document) warn(message string) {
	if d.index == nil {
		return
	}
	d.result.Warnings = append(slices.Clip(d.result.Warnings), message)
	d.keep(d.pages.Set(0, d.head()))
	if d.pages.Stale {
		d.write()
	}
}

// begin takes a whole result: that of a run or an application that begins.
func (d *document) begin(r *results.Document) {
	d.result = *r
	d.result.Extensions = slices.Clone(r.Extensions)
	d.index = make(map[identity]int, len(r.Extensions))
	texts := [][]byte{d.head()}
	for i := range d.result.Extensions {
		d.index[identityOf(&d.result.Extensions[i])] = i
		texts = append(texts, d.state(i), d.findings(i))
	}
	d.pages.Reset(append(texts, []byte("  ]\n}\n")))
	d.write()
}

// change takes what happened to one extension.
func (d *document) change(e results.Event) {
	i, known := d.index[identityOf(e.Extension)]
	if !known {
		return
	}
	before := d.result.Extensions[i]
	d.result.Extensions[i] = *e.Extension
	d.keep(d.pages.Set(1+2*i, d.state(i)))
	if !slices.Equal(before.Findings, e.Extension.Findings) {
		d.keep(d.pages.Set(2+2*i, d.findings(i)))
	}
	if before.Outcome != e.Extension.Outcome {
		d.result.Recount()
		d.keep(d.pages.Set(0, d.head()))
	}
	// What is about to be sent, how it went, and how it ended has to be on disk
	// before the run goes on: it may be killed with the very next step. A plan
	// sends nothing, and is written as a whole when it is done.
	evidence := !e.Planning && (e.Writes || e.Kind == results.EventTargetEnded || e.Kind == results.EventEnded)
	if d.pages.Stale && (evidence || time.Since(d.written) > restless) {
		d.write()
	}
}

// finish leaves the document in its final form.
func (d *document) finish(r *results.Document) {
	d.pages.Close()
	data, err := output.JSON(r, "", "  ")
	if err == nil {
		err = atomicfile.Write(d.pages.Path, append(data, '\n'), 0o644)
	}
	d.keep(err)
}

func (d *document) write() {
	d.keep(d.pages.Write())
	d.written = time.Now()
}

// keep remembers the first error; the run goes on, and what can be written
// later is.
func (d *document) keep(err error) {
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("writing the report %s: %w", d.pages.Path, err)
	}
}

func (d *document) Err() error { return d.err }

// head is everything but the extensions, up to the bracket that opens them.
func (d *document) head() []byte {
	return append(d.object("", struct {
		*results.Document
		Extensions *int `json:"extensions,omitempty"`
	}{Document: &d.result}), ",\n  \"extensions\": [\n"...)
}

// An extension is in two parts: its state, which changes all along, and its
// findings, which may be many and change once. The object is open at the end
// of the first.
func (d *document) state(i int) []byte {
	text := d.object("    ", struct {
		*results.Extension
		Findings *int `json:"findings,omitempty"`
	}{Extension: &d.result.Extensions[i]})
	return slices.Concat([]byte("    "), text, []byte(",\n"))
}

func (d *document) findings(i int) []byte {
	all, err := output.JSON(d.result.Extensions[i].Findings, "      ", "  ")
	d.keep(err)
	end := "\n    },\n"
	if i == len(d.result.Extensions)-1 {
		end = "\n    }\n"
	}
	return slices.Concat([]byte(`      "findings": `), all, []byte(end))
}

// object encodes a value as an object that is still open.
func (d *document) object(prefix string, value any) []byte {
	text, err := output.JSON(value, prefix, "  ")
	d.keep(err)
	return text[:max(0, len(text)-len("\n"+prefix+"}"))]
}
