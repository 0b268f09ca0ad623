//go:build unix

package extension

import "syscall"

func setUmask(mask int) { syscall.Umask(mask) }
