package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/ksrelease/ksrelease/pipeline"
)

// document keeps the result document on disk in step with the run.
type document struct {
	path    string
	result  pipeline.Result
	written time.Time
	err     error
}

// restless is how long a change that is no evidence of a write may wait to be
// kept, so that a run over a thousand extensions does not rewrite a large
// file thousands of times.
const restless = 200 * time.Millisecond

func newDocument(path string) (*document, error) {
	if err := mayWrite(path); err != nil {
		return nil, err
	}
	return &document{path: path}, nil
}

func (d *document) Observe(e pipeline.Event) {
	if e.Result != nil {
		d.result = *e.Result
		d.result.Extensions = slices.Clone(e.Result.Extensions)
		d.write()
		return
	}
	if e.Extension == nil {
		return
	}
	at, found := slices.BinarySearchFunc(d.result.Extensions, *e.Extension, func(a, b pipeline.ExtensionResult) int {
		if a.Name != b.Name {
			return strings.Compare(a.Name, b.Name)
		}
		return strings.Compare(a.Path, b.Path)
	})
	if !found {
		return
	}
	d.result.Extensions[at] = *e.Extension
	// What is about to be sent, and how it went, has to be on disk before the
	// run goes on: it may be killed with the very next step.
	if e.Writes || time.Since(d.written) > restless {
		d.result.Recount()
		d.write()
	}
}

func (d *document) write() {
	d.written = time.Now()
	data, err := json.MarshalIndent(d.result, "", "  ")
	if err == nil {
		err = renameio.WriteFile(d.path, append(data, '\n'), 0o644)
	}
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("writing the report %s: %w", d.path, err)
	}
}

func (d *document) Err() error { return d.err }

// final is a report that is written once, when the run is over.
type final struct {
	path   string
	render func(*pipeline.Result) ([]byte, error)
	err    error
}

func newFinal(path string, render func(*pipeline.Result) ([]byte, error)) (*final, error) {
	if err := mayWrite(path); err != nil {
		return nil, err
	}
	return &final{path: path, render: render}, nil
}

func (f *final) Observe(e pipeline.Event) {
	if e.Kind != pipeline.EventRunFinished {
		return
	}
	data, err := f.render(e.Result)
	if err == nil {
		err = renameio.WriteFile(f.path, data, 0o644)
	}
	if err != nil {
		f.err = fmt.Errorf("writing the report %s: %w", f.path, err)
	}
}

func (f *final) Err() error { return f.err }

// mayWrite finds out before the run whether a report can be written at path.
func mayWrite(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("--report %s: %w", path, err)
	}
	probe, err := os.CreateTemp(dir, ".ksrelease-report-*")
	if err != nil {
		return fmt.Errorf("--report %s: %w", path, err)
	}
	_ = probe.Close()
	return os.Remove(probe.Name())
}
