package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/results"
)

// LineError is what is wrong with a line of a journal.
type LineError struct {
	Line int // from 1
	Err  error
}

// Error says the line and what is wrong.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Err) }

// Unwrap is what is wrong.
func (e *LineError) Unwrap() error { return e.Err }

// Replay is what a journal says.
type Replay struct {
	// Result is the result document after the last line. Its Finished is nil where the run
	// was killed, or goes on.
	Result *results.Document
	// Cut says that the last line is cut off: it was passed over.
	Cut bool
	// Lines is the number of whole lines.
	Lines int
}

// Read reads a journal to its end. What is wrong with it is a *LineError.
func Read(r io.Reader) (*Replay, error) {
	var (
		s  state
		in = bufio.NewReaderSize(r, 64<<10)
		at = &Replay{}
	)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return nil, &LineError{at.Lines + 1, err}
		}
		last := err == io.EOF
		if last && len(line) == 0 {
			break
		}
		if failed := s.take(line); failed != nil {
			if last && s.begun { // a write that was cut off
				at.Cut = true
				break
			}
			return nil, &LineError{at.Lines + 1, failed}
		}
		at.Lines++
		if last {
			break
		}
	}
	if !s.begun {
		return nil, &LineError{1, errors.New("it is empty, and a journal begins with the start of a run")}
	}
	var err error
	at.Result, err = s.result()
	return at, err
}

// state is what the lines so far say.
type state struct {
	begun      bool
	run        Fields
	extensions []Fields
}

// errNoJournal is what is wrong with the first line of something else.
var errNoJournal = errors.New(`it is no journal of ksrelease: its first line has no "journal": ` + fmt.Sprint(Version))

// take sets what a line says, or leaves all as it was.
func (s *state) take(line []byte) error {
	var record Record
	err := json.Unmarshal(line, &record)
	switch {
	case s.begun && err != nil:
		return plain(err)
	case s.begun:
	case err != nil && !bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")):
		return errNoJournal
	case err != nil:
		return fmt.Errorf("%w (%w)", errNoJournal, plain(err))
	case record.Journal > Version:
		return fmt.Errorf("it has form %d, and this ksrelease knows journals up to form %d: use the one that wrote it, or a later one", record.Journal, Version)
	case record.Journal != Version || !record.Replaces:
		return errNoJournal
	}
	if err := record.check(len(s.extensions)); err != nil {
		return err
	}
	s.begun = true
	s.run = merged(s.run, record.Run)
	if record.Replaces {
		s.extensions = make([]Fields, len(record.Changes))
	}
	for _, change := range record.Changes {
		s.extensions[change.Index] = merged(s.extensions[change.Index], change.Set)
	}
	return nil
}

// merged are the fields with those of a line.
func merged(fields, set Fields) Fields {
	if fields == nil {
		fields = Fields{}
	}
	maps.Copy(fields, set)
	maps.DeleteFunc(fields, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	return fields
}

// result is the document that the fields make.
func (s *state) result() (*results.Document, error) {
	r := &results.Document{Extensions: []results.Extension{}}
	whole := run{Document: r}
	if err := s.run.into(&whole); err != nil {
		return nil, err
	}
	r.AuthRefused = whole.AuthRefused
	for _, fields := range s.extensions {
		x, err := fields.extension()
		if err != nil {
			return nil, err
		}
		r.Extensions = append(r.Extensions, x)
	}
	r.Recount()
	return r, nil
}

// extension is the extension that the fields make.
func (f Fields) extension() (results.Extension, error) {
	x := results.Extension{Outcome: results.NotReached}
	whole := extension{Extension: &x}
	if err := f.into(&whole); err != nil {
		return x, err
	}
	x.AsAsked = whole.AsAsked
	x.Findings = make([]results.Finding, len(whole.Findings))
	for i, found := range whole.Findings {
		x.Findings[i] = found.Finding
		x.Findings[i].Excerpt = found.Excerpt
	}
	if x.Assets == nil {
		x.Assets = []results.Asset{}
	}
	return x, nil
}

func (f Fields) into(value any) error {
	text, err := json.Marshal(f)
	if err != nil {
		return plain(err)
	}
	return plain(json.Unmarshal(text, value))
}

// check holds a line to what a journal may say. Reports print names of the program, such
// as outcomes, as they are: what others wrote has no place there.
func (r Record) check(extensions int) error {
	if r.Replaces {
		extensions = len(r.Changes)
	}
	for i, change := range r.Changes {
		if change.Index < 0 || change.Index >= extensions || r.Replaces && change.Index != i {
			return fmt.Errorf("a change of extension %d, and the run has %d, from 0", change.Index, extensions)
		}
		x, err := change.Set.extension()
		if err != nil {
			return err
		}
		if err := checkExtension(&x); err != nil {
			return err
		}
	}
	var whole results.Document
	if err := r.Run.into(&run{Document: &whole}); err != nil {
		return err
	}
	if whole.SchemaVersion > 1 {
		return fmt.Errorf("a result document of form %d, and this ksrelease knows form 1", whole.SchemaVersion)
	}
	if whole.Error != nil {
		if err := checkFindings(whole.Error.Problems); err != nil {
			return err
		}
	}
	if err := checkHooks(whole.Hooks); err != nil {
		return err
	}
	return checkNames(map[string]string{"command": whole.Command})
}

func checkHooks(hooks []results.Hook) error {
	for _, h := range hooks {
		if err := checkNames(map[string]string{"stage": h.Stage, "status": string(h.Status)}); err != nil {
			return err
		}
	}
	return nil
}

// checkEnd looks at what an extension has for itself, and for each target.
func checkEnd(outcome results.Outcome, stages []results.Stage, failed *results.Error) error {
	if !slices.Contains(results.Outcomes(), outcome) {
		return fmt.Errorf("%q is no outcome", outcome)
	}
	for _, s := range stages {
		if err := checkNames(map[string]string{"stage": s.Name, "status": string(s.Status)}); err != nil {
			return err
		}
	}
	if failed == nil {
		return nil
	}
	return checkNames(map[string]string{"stage": failed.Stage})
}

func checkExtension(x *results.Extension) error {
	if err := checkEnd(x.Outcome, x.Stages, x.Error); err != nil {
		return err
	}
	for _, t := range x.Targets {
		if err := checkEnd(t.Outcome, t.Stages, t.Error); err != nil {
			return err
		}
	}
	if p := x.Package; p != nil {
		if slices.Min([]int64{p.Size, p.Limit, p.SizeWithin, p.PushedSize, p.AdvisedSize, int64(p.Files)}) < 0 {
			return errors.New("a size is less than 0")
		}
	}
	if err := checkHooks(x.Hooks); err != nil {
		return err
	}
	return checkFindings(x.Findings)
}

func checkFindings(findings []results.Finding) error {
	for _, f := range findings {
		if !slices.Contains([]string{"error", "warning", "info"}, f.Severity) {
			return fmt.Errorf("%q is no severity", f.Severity)
		}
		if f.Line < 0 || f.Column < 0 {
			return errors.New("a line or column is less than 0")
		}
		if err := checkNames(map[string]string{"rule": f.Rule, "code": f.Code}); err != nil {
			return err
		}
	}
	return nil
}

// name is what names of this program are made of.
var name = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9/._-]*$`)

func checkNames(names map[string]string) error {
	for what, value := range names {
		if value != "" && (len(value) > 100 || !name.MatchString(value)) {
			return fmt.Errorf("%.100q is no name of a %s", value, what)
		}
	}
	return nil
}

// plain is an error of the JSON decoder without the names of Go types.
func plain(err error) error {
	var (
		syntax *json.SyntaxError
		typed  *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("it is no JSON at byte %d: %s", syntax.Offset, syntax)
	case errors.As(err, &typed):
		return fmt.Errorf("%s has a value of another type: %s", typed.Field, typed.Value)
	}
	return err
}
