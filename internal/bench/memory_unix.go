//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakMemory is the most memory, in bytes, that a process had resident at a
// time. A child that is started with vfork, as Go does on Linux, is never reported
// to have had less than its parent at that moment: the bench itself has to stay
// small, and does.
func peakMemory(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(usage.Maxrss) // getrusage(2) of macOS: bytes; elsewhere kilobytes
	}
	return int64(usage.Maxrss) << 10
}
