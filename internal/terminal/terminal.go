// Package terminal knows what a terminal, and the variables of the environment that are about it, ask
// of what is printed: colours, and lines that are redrawn.
package terminal

import (
	"strconv"

	"github.com/ksrelease/ksrelease/internal/output"
)

// Env is the environment: a variable, and whether it is set.
type Env func(name string) (value string, set bool)

// HasColor says whether a stream is coloured: a terminal that is not dumb, unless variables say
// otherwise. NO_COLOR takes colours away (no-color.org), and else FORCE_COLOR (force-color.org) or
// CLICOLOR_FORCE (bixense.com/clicolors) gives them wherever the stream leads. Each counts if it is
// not empty, and the latter two not with 0 or false.
func (env Env) HasColor(s *output.Stream) bool {
	switch {
	case env.value("NO_COLOR") != "":
		return false
	case isForced(env.value("FORCE_COLOR")), isForced(env.value("CLICOLOR_FORCE")):
		return true
	}
	return env.value("TERM") != "dumb" && s.IsTerminal()
}

func isForced(value string) bool { return value != "" && value != "0" && value != "false" }

// Settle has nothing redrawn on streams where nobody watches: under CI, whose log keeps all that is
// written, and on a dumb terminal, which cannot.
func (env Env) Settle(streams ...*output.Stream) {
	ci, err := strconv.ParseBool(env.value("CI"))
	if err == nil && ci || env.value("TERM") == "dumb" {
		for _, s := range streams {
			s.Plain()
		}
	}
}

func (env Env) value(name string) string {
	value, _ := env(name)
	return value
}
