//go:build unix

package regularfile

import "syscall"

// AtOnce is a flag of os.OpenFile. It opens a named pipe without waiting for somebody to write to it, and
// a terminal without making it that of the process. Of a regular file it changes nothing, but that the
// os package need not ask for the mode of the file and set it, in four system calls.
const AtOnce = syscall.O_NONBLOCK | syscall.O_NOCTTY
