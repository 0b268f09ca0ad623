package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/results"
)

// ParseDestinations reads what --report asks for, each file once. The error is of a
// *PathError, and may have a hint.
func ParseDestinations(asked []string) ([]Destination, error) {
	var all []Destination
	forms := map[string]string{}
	for _, text := range asked {
		to, err := ParseDestination(text)
		if err != nil {
			return nil, err
		}
		place := filepath.Clean(to.Path)
		switch form, taken := forms[place]; {
		case !taken:
			all = append(all, to)
			forms[place] = to.Format.Name
		case form != to.Format.Name:
			return nil, &twoFormsError{&PathError{to.Path, fmt.Errorf("it cannot be both %s and %s", form, to.Format.Name)}}
		}
	}
	return all, nil
}

// twoFormsError is the error of one file that is asked for in two forms.
type twoFormsError struct{ *PathError }

func (e *twoFormsError) Unwrap() error { return e.PathError }
func (e *twoFormsError) Hint() string  { return "name two files" }

// Help names the forms of reports in a line, in the language in use.
func Help() string {
	var all []string
	for _, f := range Formats() {
		all = append(all, f.Name+" ("+cmp.Or(f.Ending, f.Name+"=FILE")+") "+language.Word(f.About))
	}
	return strings.Join(all, ", ")
}

// Files are the reports of a run that goes on, each in a [Queue].
type Files []*Queue

// Open makes the reports in step with a run. That one of them cannot be written is an error
// here, before anything is sent. Others are reports that are no files, or not of this run alone.
func Open(destinations []Destination, tool Tool, others ...File) (Files, error) {
	files := slices.Clip(others)
	for _, d := range destinations {
		file, err := d.Open(tool)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	var queues Files
	for _, f := range files {
		queues = append(queues, NewQueue(f))
	}
	return queues, nil
}

// Observers are who gets the events of the run.
func (f Files) Observers() []results.Observer {
	var all []results.Observer
	for _, q := range f {
		all = append(all, q)
	}
	return all
}

// Wait waits until the reports have all events so far.
func (f Files) Wait(ctx context.Context) {
	for _, q := range f {
		q.Wait(ctx)
	}
}

// Close waits until the reports are whole, and returns what could not be written.
func (f Files) Close() error {
	var err error
	for _, q := range f {
		err = errors.Join(err, q.Close())
	}
	return err
}
