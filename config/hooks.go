package config

import (
	"slices"
	"strconv"

	"github.com/ksrelease/ksrelease/internal/configfile"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// VariablePattern is the form of an item of env in a hook, as a regular expression.
const VariablePattern = `^[A-Za-z_][A-Za-z0-9_]*(=[^\x00]*)?$`

// hooksOf reads a list of hooks, which stands at a place of the document.
func hooksOf(doc *yamldoc.Document, written []configfile.Hook, dir string, at []string, problems *diagnostic.List) (hooks []Hook) {
	for i, w := range written {
		h := Hook{Run: value(w.Run), Timeout: DefaultHookTimeout, Env: w.Env}
		if w.Dir != nil {
			h.Dir = absolute(dir, *w.Dir)
		}
		if w.Timeout != nil {
			timeout, err := ParseDuration(*w.Timeout)
			if err != nil {
				ptr := append(at[:len(at):len(at)], strconv.Itoa(i), "timeout")
				raw, _, _ := doc.Raw(ptr...)
				*problems = append(*problems, mistake(doc, CodeInvalidValue, "\"timeout\" is "+strconv.Quote(cut(raw))+", but "+err.Error(), "", ptr...))
			}
			h.Timeout = timeout
		}
		hooks = append(hooks, h)
	}
	return hooks
}

// isCommand says that a place of the document has the command of a hook or a target. References
// in it are the shell's: a value that is put into a command could be one itself.
func isCommand(ptr []string) bool {
	if len(ptr) == 3 && ptr[0] == "targets" && ptr[2] == "run" {
		return true
	}
	if len(ptr) > 2 && ptr[0] == "extensions" {
		ptr = ptr[2:]
	}
	if len(ptr) < 2 || !slices.Contains([]string{"before", "after"}, ptr[0]) {
		return false
	}
	return len(ptr) == 2 || len(ptr) == 3 && ptr[2] == "run"
}
