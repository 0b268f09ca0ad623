package report

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/results"
)

// final is a report on the whole run. It is written when the run begins, too,
// with all extensions as not reached: a run that is killed must not leave the report of
// an earlier one behind, which says that all is well.
type final struct {
	path   string
	render func(*results.Document) ([]byte, error)
	err    error
}

func (f *final) wants(e results.Event) bool {
	return e.Kind == results.EventRunStarted || e.Kind == results.EventRunFinished
}

// Observe writes the report where the event is one that it wants.
func (f *final) Observe(e results.Event) {
	if !f.wants(e) {
		return
	}
	data, err := f.render(e.Result)
	if err == nil {
		err = atomicfile.Write(f.path, data, 0o644)
	}
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("writing the report %s: %w", f.path, err)
	}
}

func (f *final) Err() error { return f.err }

// WriteFailed writes a report of a command that did nothing, in place of an older one.
func (d Destination) WriteFailed(tool Tool, result results.Document) error {
	result.Extensions = []results.Extension{}
	result.Recount()
	return d.Write(&result, tool)
}

// PathError is a path at which no report can be written.
type PathError struct {
	Path string
	Err  error
}

func (e *PathError) Error() string { return fmt.Sprintf("--report %s: %s", e.Path, e.Err) }
func (e *PathError) Unwrap() error { return e.Err }

// mayWrite finds out before the run whether a report can be written at path.
func mayWrite(path string) error {
	if err := atomicfile.Replaceable(path); err != nil {
		return &PathError{path, err}
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return &PathError{path, err}
	}
	if err := atomicfile.Probe(dir); err != nil {
		return &PathError{path, err}
	}
	return nil
}
