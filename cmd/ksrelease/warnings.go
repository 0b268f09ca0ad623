package main

import (
	"sync"

	"github.com/ksrelease/ksrelease/internal/output"
)

// warnings are on the command as a whole. Who comes upon one tells it, from
// whichever goroutine; each is passed on once. The zero value keeps them until
// somebody takes them.
type warnings struct {
	mu   sync.Mutex
	told map[string]bool
	kept []string
	take func(string)
}

func (w *warnings) tell(message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told[message] {
		return
	}
	if w.told == nil {
		w.told = map[string]bool{}
	}
	w.told[message] = true
	if w.take == nil {
		w.kept = append(w.kept, message)
		return
	}
	w.take(message)
}

// to passes on what was kept, and from now on what comes.
func (w *warnings) to(take func(string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, message := range w.kept {
		take(message)
	}
	w.kept, w.take = nil, take
}

// unshown are the warnings that nobody has taken; they are dropped.
func (w *warnings) unshown() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := w.kept
	w.kept = nil
	return kept
}

// showKept prints the warnings of a command that err ended before anybody took them: they
// may say why it ended.
func (a *app) showKept(err error) {
	for _, message := range a.warnings.unshown() {
		if message != err.Error() {
			a.warn(message)
		}
	}
}

func (a *app) warn(message string) {
	a.stderr.Print("%s", output.Fold("warning: ", "  ", a.redact.Text(message), 0))
}

// warnOnStderr is for commands that are no run and have no events.
func (a *app) warnOnStderr() {
	a.warnings.to(a.warn)
}
