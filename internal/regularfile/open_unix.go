//go:build unix

package regularfile

import "syscall"

// AtOnce is a flag of os.OpenFile. It opens a named pipe without waiting for somebody to write to it, and
// a terminal without making it that of the process. For a regular file it only saves four system calls, by
// which the os package would try whether the file can be waited for.
const AtOnce = syscall.O_NONBLOCK | syscall.O_NOCTTY
