//go:build unix

package output

import (
	"os"

	"golang.org/x/sys/unix"
)

// inBackground says that a shell runs the program in the background of this terminal, where somebody
// types other commands meanwhile. Others, such as timeout(1), have groups of processes of their own
// too, but do not make the program the leader of one.
func inBackground(terminal *os.File) bool {
	group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)
	own := unix.Getpgrp()
	return err == nil && group != 0 && group != own && own == os.Getpid()
}
