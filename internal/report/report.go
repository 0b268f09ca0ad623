// Package report turns the events and the result of a run into what people
// and machines read: lines on a terminal, events a line each in JSON, and
// report files (the journal, the result document, JUnit XML, Markdown, SARIF).
//
// It decides nothing about a run, and no other package writes results.
package report

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/journal"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/report/gitlab"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Format is a form of report. A new one is a function that renders it and one entry in
// [Formats].
type Format struct {
	Name   string // for --report NAME=FILE
	Ending string // of files that are of this form without its name; empty where only the name chooses it
	About  string // what it is, in one to three words
	// Render makes the report of a result, which need not be that of a run that ended.
	Render func(r *results.Document, tool Tool) ([]byte, error)
	// follow makes a report that is kept in step with the run. Where it is nil, the
	// report is rendered when the run begins and when it ends.
	follow func(path string) File
}

// Formats are all forms of reports.
func Formats() []Format {
	return []Format{
		{Name: "json", Ending: ".json", About: "the result document", Render: wholeDocument, follow: func(path string) File { return newDocument(path) }},
		{Name: "junit", Ending: ".xml", About: "JUnit", Render: func(r *results.Document, _ Tool) ([]byte, error) { return junitXML(r) }},
		{Name: "md", Ending: ".md", About: "Markdown", Render: func(r *results.Document, _ Tool) ([]byte, error) { return markdown(r), nil }},
		{Name: "html", Ending: ".html", About: "a page to look at", Render: htmlPage},
		{Name: "sarif", Ending: ".sarif", About: "findings", Render: sarifLog},
		{Name: "codequality", About: "GitLab code quality", Render: func(r *results.Document, _ Tool) ([]byte, error) { return gitlab.CodeQuality(r) }},
		{Name: "dotenv", Ending: ".env", About: "variables for GitLab", Render: func(r *results.Document, _ Tool) ([]byte, error) { return gitlab.Dotenv(r) }},
		{Name: "jsonl", Ending: ".jsonl", About: "the journal", Render: func(r *results.Document, _ Tool) ([]byte, error) { return journal.Encode(r) },
			follow: func(path string) File { return journalFile{journal.NewWriter(path)} }},
	}
}

// All hands each event to several observers, in order.
func All(observers ...results.Observer) results.Observer {
	return results.ObserverFunc(func(e results.Event) {
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
	results.Observer
	// Err is the first error of writing the file, nil when all went well.
	Err() error
}

// journalFile is a journal as a report.
type journalFile struct{ *journal.Writer }

// Destination is a report that is asked for: a form and a file.
type Destination struct {
	Format Format
	Path   string
}

// formatName is what may be the name of a form, in front of a file.
var formatName = lazyregexp.New(`^[a-z][a-z0-9-]*=`)

// ParseDestination reads [FORMAT=]FILE. Without a form the ending of the file chooses.
func ParseDestination(asked string) (Destination, error) { return destinationOf(asked, Formats()) }

func destinationOf(asked string, formats []Format) (Destination, error) {
	var names, endings []string
	for _, f := range formats {
		names = append(names, f.Name)
		if f.Ending != "" {
			endings = append(endings, f.Ending)
		}
	}
	if formatName.MatchString(asked) {
		name, path, _ := strings.Cut(asked, "=")
		at := slices.IndexFunc(formats, func(f Format) bool { return f.Name == name })
		if at < 0 {
			return Destination{}, &PathError{asked, fmt.Errorf("%s is no form of a report: those are %s (for a file of this name write ./%s)", name, strings.Join(names, ", "), asked)}
		}
		if path == "" {
			return Destination{}, &PathError{asked, errors.New("there is no file after the =")}
		}
		return Destination{formats[at], path}, nil
	}
	at := slices.IndexFunc(formats, func(f Format) bool { return f.Ending != "" && f.Ending == filepath.Ext(asked) })
	if at < 0 {
		return Destination{}, &PathError{asked, fmt.Errorf("the ending chooses the form, and %q is none of %s; or write FORMAT=FILE with one of %s",
			filepath.Ext(asked), strings.Join(endings, ", "), strings.Join(names, ", "))}
	}
	return Destination{formats[at], asked}, nil
}

// Open makes the report in step with a run. A file that cannot be written is an error
// here, before anything is sent.
func (d Destination) Open(tool Tool) (File, error) {
	if err := mayWrite(d.Path); err != nil {
		return nil, err
	}
	if d.Format.follow != nil {
		return d.Format.follow(d.Path), nil
	}
	return &final{path: d.Path, render: func(r *results.Document) ([]byte, error) { return d.Format.Render(r, tool) }}, nil
}

// Write writes the report of a result.
func (d Destination) Write(r *results.Document, tool Tool) error {
	if err := mayWrite(d.Path); err != nil {
		return err
	}
	data, err := d.Format.Render(r, tool)
	if err == nil {
		err = atomicfile.Write(d.Path, data, 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the report %s: %w", d.Path, err)
	}
	return nil
}

// wholeDocument is the result document.
func wholeDocument(r *results.Document, _ Tool) ([]byte, error) {
	data, err := output.JSON(r, "", "  ")
	return append(data, '\n'), err
}

// NewFile makes the report that [FORMAT=]FILE asks for.
func NewFile(asked string, tool Tool) (File, error) {
	to, err := ParseDestination(asked)
	if err != nil {
		return nil, err
	}
	return to.Open(tool)
}
