//go:build unix

package signals

import (
	"os"
	"os/signal"
	"syscall"
)

// Resumed calls a function whenever the program goes on after it was stopped, as by Ctrl-Z: what
// stands on the terminal then is not what it has left there.
func Resumed(do func()) {
	came := make(chan os.Signal, 1)
	signal.Notify(came, syscall.SIGCONT)
	go func() {
		for range came {
			do()
		}
	}()
}
