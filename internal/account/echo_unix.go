//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package account

import "golang.org/x/sys/unix"

// hide has a terminal not show what is typed, if the program may say so: in the background of a shell it
// would be stopped for that (POSIX.1, 11.1.4).
func hide(terminal int) {
	group, err := unix.IoctlGetInt(terminal, unix.TIOCGPGRP)
	if err != nil || group != unix.Getpgrp() {
		return
	}
	if modes, err := unix.IoctlGetTermios(terminal, getModes); err == nil && modes.Lflag&unix.ECHO != 0 {
		modes.Lflag &^= unix.ECHO
		_ = unix.IoctlSetTermios(terminal, setModes, modes)
	}
}
