//go:build unix

package signals

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// Stops follows that the program is stopped, and goes on. leave is called before Ctrl-Z stops it, and what
// it returns when the program goes on. resumed is called where nobody could know before that it would be
// stopped, as by SIGSTOP: what stands on the terminal then is not what the program has left there.
func Stops(leave func() (back func()), resumed func()) {
	stops, goesOn := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	if hasShell() && !signal.Ignored(syscall.SIGTSTP) {
		signal.Notify(stops, syscall.SIGTSTP)
	}
	go func() {
		for {
			select {
			case <-goesOn:
				resumed()
			case <-stops:
				back := leave()
				drain(goesOn)
				if syscall.Kill(syscall.Getpid(), syscall.SIGSTOP) == nil {
					<-goesOn
				}
				drain(stops) // it was typed twice, for one stop
				back()
			}
		}
	}()
}

// hasShell says that a shell can have the program go on after a stop: one that gives its commands groups
// of processes of their own. Without one, Ctrl-Z stops nothing (POSIX.1, 11.1.4, orphaned groups).
func hasShell() bool {
	session, err := unix.Getsid(0)
	return err == nil && session != unix.Getpgrp()
}

func drain(signals chan os.Signal) {
	select {
	case <-signals:
	default:
	}
}

// Resumed calls a function each time that the program goes on after a stop, until end is called.
func Resumed(do func()) (end func()) {
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	go func() {
		for range goesOn {
			do()
		}
	}()
	return func() {
		signal.Stop(goesOn) // nothing is sent after that
		close(goesOn)
	}
}
