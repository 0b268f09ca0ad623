package extension

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// childJob names, in the environment, what this binary is started for by one of
// its own tests: what is a property of a whole process (its umask, its time zone)
// is tried in one of its own.
const childJob = "KSRELEASE_EXTENSION_TEST_JOB"

func TestMain(m *testing.M) {
	job := os.Getenv(childJob)
	if job == "" {
		os.Exit(m.Run())
	}
	jobs := map[string]func(in io.Reader, out *json.Encoder) error{"pack": packJob}
	if err := jobs[job](os.Stdin, json.NewEncoder(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child makes a process of this binary that does one job; env is added to the
// environment.
func child(t testing.TB, job string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), childJob+"="+job), env...)
	cmd.Stderr = os.Stderr
	return cmd
}
