package pipeline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/worker"
)

// A check reports all mistakes of all extensions at once, each with its place.
func TestCheckReportsAllMistakes(t *testing.T) {
	sources := []config.Source{
		sourceOf(t, "alc", "1.0.0", "bar"), sourceOf(t, "bar", "1.0.0", "alc"), sourceOf(t, "alc", "1.0.0"),
		sourceOf(t, "cat", "1.0.0"), sourceOf(t, "dog", "1.0.0"),
	}
	write(t, filepath.Join(sources[3].Path, "extension.yaml"), "name: [\n")
	write(t, filepath.Join(sources[4].Path, "extension.yaml"), "name: dog\nversion: 1.0.0\n")
	for _, heldAtMost := range []int64{heldAtMost, 0} {
		run := New(Options{Sources: sources, Parallelism: 2})
		run.heldAtMost = heldAtMost
		all, cycles, err := run.Check(t.Context())
		if err != nil || len(all) != len(sources) {
			t.Fatalf("%d of them, %v", len(all), err)
		}
		for i, want := range []struct{ problem, twice string }{{"", ""}, {"", ""}, {"", "is also in alc"}, {"extension.yaml", ""}, {"schema/", ""}} {
			problems := all[i].Problems.Error()
			wantCodes(t, all[i].Problems)
			if (want.problem == "") != !has(all[i].Problems, diagnostic.Error) || !strings.Contains(problems, want.problem) {
				t.Errorf("%s: %s", sources[i].Display, problems)
			}
			if twice := all[i].Twice; (twice == nil) != (want.twice == "") || twice != nil && !strings.Contains(twice.Message, want.twice) {
				t.Errorf("%s: %v", sources[i].Display, twice)
			}
		}
		if len(cycles) != 2 || cycles[0].File != filepath.Join("alc", "extension.yaml") || cycles[0].Range.Start.Line != 10 || !strings.Contains(cycles[0].Message, "alc → bar → alc") {
			t.Errorf("cycles: %+v", cycles)
		}
		if wantCodes(t, cycles); len(cycles) == 2 && cycles[0].Code != results.CodeCycle {
			t.Errorf("a cycle is %s", cycles[0].Code)
		}
	}
}

// wantCodes holds the codes of diagnostics to the tables of the rules.
func wantCodes(t *testing.T, all diagnostic.List) {
	t.Helper()
	for _, d := range all {
		if !codes[d.Code] {
			t.Errorf("code %q is in no table: %+v", d.Code, d)
		}
	}
}

// What cannot be read for a reason that has no place has a code, too.
func TestCheckOfWhatIsNotThere(t *testing.T) {
	gone := sourceOf(t, "gone", "1.0.0")
	if err := os.RemoveAll(gone.Path); err != nil {
		t.Fatal(err)
	}
	all, _, err := New(Options{Sources: []config.Source{gone}, Parallelism: 1}).Check(t.Context())
	if err != nil || len(all) != 1 || len(all[0].Problems) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	if d := all[0].Problems[0]; d.Code != results.CodeUnreadable || d.Range.Start.Line != 0 || d.File != gone.Display {
		t.Errorf("%+v", d)
	}
}

func has(all diagnostic.List, severity diagnostic.Severity) bool {
	for _, d := range all {
		if d.Severity == severity {
			return true
		}
	}
	return false
}

// changing looks at extensions in this process, and changes the other ones at the first look.
type changing struct {
	worker.InProcess
	once   sync.Once
	change func(looked string)
}

func (c *changing) ExamineMetadata(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	c.once.Do(func() { c.change(ext.Metadata.Name) })
	return c.InProcess.ExamineMetadata(ctx, ext, opts, limits)
}

// An extension that was changed between two readings is no extension without mistakes.
func TestCheckSaysWhatWasChanged(t *testing.T) {
	sources := []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bar", "1.0.0")}
	changed := 0
	run := New(Options{Sources: sources, Parallelism: 1, Examiner: &changing{change: func(looked string) {
		if looked == "alc" {
			changed = 1
		}
		write(t, filepath.Join(sources[changed].Path, "extension.yaml"), "name: other\nversion: 2.0.0\n")
	}}})
	run.heldAtMost = 0
	all, _, err := run.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := all[changed].Problems; len(got) != 1 || got[0].Severity != diagnostic.Error || got[0].Hint != "run again" || !strings.Contains(got[0].Message, "was changed while the run read it") {
		t.Errorf("%+v", got)
	}
}

// What could not be looked at is no extension without mistakes.
func TestCheckSaysWhatItCouldNotLookAt(t *testing.T) {
	options := Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bar", "1.0.0")}}
	options.Examiner = &limited{other: errors.New("no process")}
	if _, _, err := New(options).Check(t.Context()); err == nil || err.Error() != "checking alc: no process" {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	if _, _, err := New(options).Check(ctx); err == nil || err.Error() != "interrupted while reading alc" {
		t.Errorf("%v", err)
	}
}
