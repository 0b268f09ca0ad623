package report

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/pipeline"
)

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
		err = atomicfile.Write(f.path, data, 0o644)
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
