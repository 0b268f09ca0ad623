package app

import "github.com/ksrelease/ksrelease/internal/output"

// showKept prints the warnings of a command that err ended before anybody took them: they
// may say why it ended.
func (a *App) showKept(err error) {
	for _, message := range a.Warnings.Untaken() {
		if message != err.Error() {
			a.warn(message)
		}
	}
}

func (a *App) warn(message string) {
	a.Stderr.Print("%s", output.Fold("warning: ", "  ", a.Redact.Text(message), 0))
}

// WarnOnStderr is for commands that are no run and have no events.
func (a *App) WarnOnStderr() {
	a.Warnings.To(a.warn)
}
