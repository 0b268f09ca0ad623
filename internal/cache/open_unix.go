//go:build unix

package cache

import "syscall"

// atOnce opens a named pipe without waiting for somebody to write to it, and a terminal
// without making it that of the process.
const atOnce = syscall.O_NONBLOCK | syscall.O_NOCTTY
