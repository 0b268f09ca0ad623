package app

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/baseline"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// What a report says of a command that did nothing holds no secret, in any part.
func TestReportsOfFailedCommandsHoldNoSecret(t *testing.T) {
	const secret = "hunter22-in-the-text"
	a := &App{}
	a.Redact.Add(secret)
	for name, err := range map[string]error{
		"a mistake":     Usage(errors.New(secret), "not "+secret),
		"a cut":         &graceful.CutError{Err: errors.New(secret)},
		"another error": errors.New(secret),
		"problems":      diagnostic.List{{File: secret, Range: diagnostic.At(1, 0), Message: secret, Hint: secret, Excerpt: secret}},
	} {
		told := fmt.Sprintf("%+v", *a.CommandError(fmt.Errorf("reading: %w", err)))
		if strings.Contains(told, secret) {
			t.Errorf("%s: %s", name, told)
		}
	}
}

// Standard error that cannot be written to is an error, like standard output.
func TestAFullDiskUnderStandardError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for _, c := range []struct{ code, want int }{{ExitOK, ExitNotReleased}, {ExitNotReleased, ExitNotReleased}, {ExitAuth, ExitAuth}} {
		a := &App{Stdout: output.New(&bytes.Buffer{}), Stderr: output.New(full)}
		a.Stderr.Print("a warning")
		if got := a.delivered(c.code); got != c.want {
			t.Errorf("after %d: exit code %d, want %d", c.code, got, c.want)
		}
	}
}

// TestMistakesHaveTheRuleOfTheConfiguration: what packages below cannot import of each
// other is the same.
func TestMistakesHaveTheRuleOfTheConfiguration(t *testing.T) {
	if results.RuleConfig != config.Rule {
		t.Errorf("results call the rule %q, and config %q", results.RuleConfig, config.Rule)
	}
	_, err := baseline.Parse("b", []byte("version: 3\nfindings: 1\n"))
	var problems diagnostic.List
	if !errors.As(err, &problems) || problems[0].Rule() != config.Rule {
		t.Errorf("%v", err)
	}
}
