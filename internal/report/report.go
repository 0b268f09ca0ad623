// Package report turns the events and the result of a run into what people
// and machines read: lines on a terminal, events a line each in JSON, and
// report files (the result document, JUnit XML, Markdown, SARIF).
//
// It decides nothing about a run, and no other package writes results.
package report

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ksrelease/ksrelease/pipeline"
)

// All hands each event to several observers, in order.
func All(observers ...pipeline.Observer) pipeline.Observer {
	return pipeline.ObserverFunc(func(e pipeline.Event) {
		for _, o := range observers {
			o.Observe(e)
		}
	})
}

// Tool is what reports say they were made by.
type Tool struct {
	Version string
	URL     string
}

// File is a report file in the making.
type File interface {
	pipeline.Observer
	// Err is the first error of writing the file, nil when all went well.
	Err() error
}

// endings are the file endings that NewFile knows.
var endings = []string{".json", ".xml", ".md", ".sarif"}

// NewFile makes the report that the ending of path chooses: .json is the
// result document, kept in step with the run so that it survives whatever
// ends it; .xml is JUnit, .md Markdown and .sarif the findings, all three
// written when the run is over. A file that cannot be written is an error here,
// before anything is sent.
func NewFile(path string, tool Tool) (File, error) {
	switch filepath.Ext(path) {
	case ".json":
		return newDocument(path)
	case ".xml":
		return newFinal(path, func(r *pipeline.Result) ([]byte, error) { return junitXML(r) })
	case ".md":
		return newFinal(path, func(r *pipeline.Result) ([]byte, error) { return markdown(r), nil })
	case ".sarif":
		return newFinal(path, func(r *pipeline.Result) ([]byte, error) { return sarifLog(r, tool) })
	default:
		return nil, &PathError{path, fmt.Errorf("the ending chooses the form, and %q is none of %s", filepath.Ext(path), strings.Join(endings, ", "))}
	}
}
