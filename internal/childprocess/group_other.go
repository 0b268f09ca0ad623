//go:build !unix

package childprocess

import "os/exec"

// Without groups of processes the shell alone is ended.

func inGroup(*exec.Cmd) {}

func askGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
