package journal

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Encoder turns the events of one run into the lines of its journal. It keeps what its
// lines say so far, since each has what changed. The zero value is at the beginning.
type Encoder struct {
	begun      bool
	run        Fields
	warnings   []string
	extensions []known
	index      map[identity]int // places in extensions
}

// known is an extension as the lines so far have it.
type known struct {
	fields   Fields // but for the findings
	findings []results.Finding
}

// identity is what distinguishes the extensions of a run: two that cannot be read may
// have one name.
type identity struct{ name, path string }

// Encode is the line for an event, with its line break. It is empty before the run is
// started: warnings of before are in the result that the run begins with.
func (e *Encoder) Encode(event results.Event) ([]byte, error) {
	if !e.begun && event.Result == nil {
		return nil, nil
	}
	record := Record{
		Event: event.Kind, Time: event.Time, Planning: event.Planning, Target: event.Target, Stage: event.Stage, Status: event.Status,
		Writes: event.Writes, Decision: event.Decision, Message: event.Message,
	}
	if event.Kind == results.EventStageFinished || event.Kind == results.EventHookFinished {
		record.Milliseconds = &event.Milliseconds
	}
	if !e.begun {
		record.Journal, e.begun = Version, true
	}
	var err error
	switch {
	case event.Result != nil:
		err = e.whole(&record, event.Result)
	case event.Extension != nil:
		x := event.Extension
		record.Name, record.Version = x.Name, x.Version
		if i, ok := e.index[identity{x.Name, x.Path}]; ok {
			err = e.change(&record, i, x)
		}
	case event.Kind == results.EventWarning:
		e.warnings = append(slices.Clip(e.warnings), event.Message)
		err = e.set(&record, "warnings", e.warnings)
	}
	if err != nil {
		return nil, err
	}
	line, err := output.JSON(record, "", "")
	return append(line, '\n'), err
}

// Encode is a journal of one line that has a whole result: that of a run which ended, if
// it has the time at which it did.
func Encode(r *results.Document) ([]byte, error) {
	event := results.Event{Kind: results.EventRunStarted, Time: r.Started, Result: r}
	if r.Finished != nil {
		event.Kind, event.Time = results.EventRunFinished, *r.Finished
	}
	return new(Encoder).Encode(event)
}

// whole takes a result of the whole run.
func (e *Encoder) whole(record *Record, r *results.Document) error {
	now, err := fieldsOf(run{Document: r, AuthRefused: r.AuthRefused})
	if err != nil {
		return err
	}
	record.Run = changed(e.run, now)
	e.run, e.warnings = now, r.Warnings
	if len(e.extensions) != len(r.Extensions) || e.index == nil {
		record.Replaces = true
		e.extensions = make([]known, len(r.Extensions))
	}
	e.index = map[identity]int{}
	for i := range r.Extensions {
		x := &r.Extensions[i]
		e.index[identity{x.Name, x.Path}] = i
		if err := e.change(record, i, x); err != nil {
			return err
		}
	}
	return nil
}

// set takes a field of the run.
func (e *Encoder) set(record *Record, name string, value any) error {
	text, err := output.JSON(value, "", "")
	if err != nil {
		return err
	}
	record.Run = Fields{name: text}
	e.run = maps.Clone(e.run)
	e.run[name] = text
	return nil
}

// change takes an extension as it is now.
func (e *Encoder) change(record *Record, i int, x *results.Extension) error {
	before := &e.extensions[i]
	without := *x
	without.Findings = nil
	now, err := fieldsOf(extension{Extension: &without, AsAsked: x.AsAsked})
	if err != nil {
		return err
	}
	// Most events change no finding, and there may be many.
	delete(now, "findings")
	set := changed(before.fields, now)
	if before.fields == nil || !slices.Equal(before.findings, x.Findings) {
		all := make([]finding, len(x.Findings))
		for k, f := range x.Findings {
			all[k] = finding{f, f.Excerpt}
		}
		if set["findings"], err = output.JSON(all, "", ""); err != nil {
			return err
		}
	}
	*before = known{now, x.Findings}
	if len(set) > 0 {
		record.Changes = append(record.Changes, Change{i, set})
	}
	return nil
}

// changed are the fields that are not as before.
func changed(before, now Fields) Fields {
	set := Fields{}
	for name, value := range now {
		if old, ok := before[name]; !ok || !bytes.Equal(old, value) {
			set[name] = value
		}
	}
	for name := range before {
		if _, ok := now[name]; !ok {
			set[name] = json.RawMessage("null")
		}
	}
	return set
}

func fieldsOf(value any) (Fields, error) {
	text, err := output.JSON(value, "", "")
	if err != nil {
		return nil, err
	}
	var fields Fields
	err = json.Unmarshal(text, &fields)
	return fields, err
}
