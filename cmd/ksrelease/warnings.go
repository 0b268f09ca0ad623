package main

import "github.com/ksrelease/ksrelease/internal/output"

// showKept prints the warnings of a command that err ended before anybody took them: they
// may say why it ended.
func (a *app) showKept(err error) {
	for _, message := range a.warnings.Untaken() {
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
	a.warnings.To(a.warn)
}
