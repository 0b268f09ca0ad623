//go:build unix

package childprocess

import (
	"os/exec"
	"syscall"
)

// inGroup starts a command as a group of processes, which its end reaches as a whole, and
// which a signal of the terminal to ksrelease does not reach.
func inGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// askGroup asks all processes of a command to end.
func askGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

// killGroup ends them.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
