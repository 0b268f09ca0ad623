package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// What ends a command is told so that no line of it is one of ours, or a command to a CI
// system, and no character is obeyed.
func TestErrorsAreShownNotObeyed(t *testing.T) {
	const hostile = "x\n::error::forged\x1b[2J ##[error]y\u202e"
	for name, c := range map[string]struct {
		command func() error
		code    int
	}{
		"error":     {func() error { return errors.New(hostile) }, exitNotReleased},
		"usage":     {func() error { return usage(errors.New(hostile), hostile) }, exitUsage},
		"problems":  {func() error { return yamldoc.Problems{{File: hostile, Line: 1, Message: hostile, Hint: hostile}} }, exitUsage},
		"a mistake": {func() error { panic(hostile) }, exitNotReleased},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			a := &app{stdout: output.New(&out), stderr: output.New(&errs)}
			if code := a.guard(c.command); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			harmless(t, errs.String())
			for i, line := range strings.Split(strings.TrimSpace(errs.String()), "\n") {
				if i > 0 && !strings.HasPrefix(line, "  ") {
					t.Errorf("the line %q begins like one of ours", line)
				}
			}
			if !strings.Contains(errs.String(), `: :error::forged\x1b[2J # #[error]y\u202e`) {
				t.Errorf("what was said is not told:\n%s", errs.String())
			}
		})
	}
}

// harmless checks that a text drives neither a terminal nor a CI system.
func harmless(t *testing.T, text string) {
	t.Helper()
	if shown := output.VisibleLines(text); shown != text {
		t.Errorf("there are characters that a terminal obeys in %q", text)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
			t.Errorf("a CI system obeys %q", line)
		}
	}
}
