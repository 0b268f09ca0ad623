package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/pipeline"
)

// final is a report that tells of the whole run. It is written when the run begins, too,
// with all extensions as not reached: a run that is killed must not leave the report of
// an earlier one behind, which says that all is well.
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
	if e.Kind != pipeline.EventRunStarted && e.Kind != pipeline.EventRunFinished {
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
func WriteFailed(path string, tool Tool, result pipeline.Result) error {
	file, err := NewFile(path, tool)
	if err != nil {
		return err
	}
	result.Extensions = []pipeline.ExtensionResult{}
	result.Recount()
	file.Observe(pipeline.Event{Kind: pipeline.EventRunFinished, Time: result.Started, Result: &result})
	return file.Err()
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
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return &PathError{path, errors.New("what is there is no regular file, and is not replaced")}
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
