package terminal

import (
	"bytes"
	"testing"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/testutil/screen"
)

func environment(all map[string]string) Env {
	return func(name string) (string, bool) {
		value, ok := all[name]
		return value, ok
	}
}

// Variables decide about colours, and else whether there is a terminal that has them.
func TestHasColor(t *testing.T) {
	terminal := screen.Open(t, 80, 24)
	defer terminal.Done()
	for _, c := range []struct {
		env             map[string]string
		onTerminal, not bool
	}{
		{nil, true, false},
		{map[string]string{"TERM": "dumb"}, false, false},
		{map[string]string{"TERM": "xterm"}, true, false},
		{map[string]string{"NO_COLOR": "1"}, false, false},
		{map[string]string{"NO_COLOR": "0"}, false, false}, // whatever it is
		{map[string]string{"NO_COLOR": ""}, true, false},
		{map[string]string{"NO_COLOR": "1", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}, false, false},
		{map[string]string{"FORCE_COLOR": "1"}, true, true},
		{map[string]string{"FORCE_COLOR": "3", "TERM": "dumb"}, true, true},
		{map[string]string{"FORCE_COLOR": ""}, true, false},
		{map[string]string{"FORCE_COLOR": "0"}, true, false},
		{map[string]string{"FORCE_COLOR": "false"}, true, false},
		{map[string]string{"CLICOLOR_FORCE": "1"}, true, true},
		{map[string]string{"CLICOLOR_FORCE": "0"}, true, false},
	} {
		env := environment(c.env)
		if got := env.HasColor(output.New(terminal.File)); got != c.onTerminal {
			t.Errorf("%v on a terminal: %t", c.env, got)
		}
		if got := env.HasColor(output.New(&bytes.Buffer{})); got != c.not {
			t.Errorf("%v elsewhere: %t", c.env, got)
		}
	}
}

// Nothing is redrawn under CI, nor on a dumb terminal.
func TestSettle(t *testing.T) {
	terminal := screen.Open(t, 80, 24)
	defer terminal.Done()
	for _, c := range []struct {
		env   map[string]string
		lives bool
	}{
		{nil, true},
		{map[string]string{"CI": "true"}, false},
		{map[string]string{"CI": "1"}, false},
		{map[string]string{"CI": "false"}, true},
		{map[string]string{"CI": ""}, true},
		{map[string]string{"TERM": "dumb"}, false},
	} {
		s := output.New(terminal.File)
		environment(c.env).Settle(s)
		if columns, _ := s.Live(); columns > 0 != c.lives {
			t.Errorf("%v: %d columns", c.env, columns)
		}
		if s.Columns() != 80 {
			t.Errorf("%v: what is printed has %d columns", c.env, s.Columns())
		}
	}
}
