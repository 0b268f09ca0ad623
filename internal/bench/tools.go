package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// tool is one of those that are compared: the commands that do its work once.
type tool struct {
	name     string
	commands [][]string
	dir      string   // where they run; "" for here
	env      []string // added to the environment of the bench
	out      string   // a folder that is made anew before each round; "" for none
}

// dryRun is a whole plan of ksrelease, in a new process.
func dryRun(ksrelease string, in *input) tool {
	return tool{
		name:     "ksrelease run --dry-run",
		commands: [][]string{{ksrelease, "run", "--dry-run"}},
		dir:      in.dir,
		// A well-formed key, so that the marketplace is asked as in a real run.
		env: []string{"KSRELEASE_TOKEN=kck-00000000-0000-4000-8000-000000000000"},
	}
}

// helmLoop is what a script with stock helm does: lint and package, one after the other.
func helmLoop(helm string, in *input, out string) tool {
	t := tool{name: "helm lint + helm package", out: out}
	for _, dir := range in.dirs {
		t.commands = append(t.commands, []string{helm, "lint", dir}, []string{helm, "package", dir, "--destination", out})
	}
	return t
}

// ksbuilderLoop is the same with ksbuilder, which packages into the current folder.
func ksbuilderLoop(ksbuilder string, in *input, out string) tool {
	t := tool{name: "ksbuilder lint + ksbuilder package", out: out, dir: out}
	for _, dir := range in.dirs {
		t.commands = append(t.commands, []string{ksbuilder, "lint", dir}, []string{ksbuilder, "package", dir})
	}
	return t
}

// versionCommand is the least that ksrelease can do.
func versionCommand(ksrelease string) tool {
	return tool{name: "ksrelease version", commands: [][]string{{ksrelease, "version"}}}
}

// round is one turn of a tool.
type round struct {
	wall time.Duration
	cpu  time.Duration // of all its processes: steadier than wall where others use the machine too
	peak int64         // resident bytes of its largest process; 0 where the system does not know
}

// once runs the commands of the tool, each to its end.
func (t tool) once(ctx context.Context) (round, error) {
	if t.out != "" {
		if err := os.RemoveAll(t.out); err != nil {
			return round{}, err
		}
		if err := os.MkdirAll(t.out, 0o755); err != nil {
			return round{}, err
		}
	}
	var r round
	begun := time.Now()
	for _, args := range t.commands {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Dir = t.dir
		cmd.Env = append(os.Environ(), t.env...)
		var output bytes.Buffer
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Run(); err != nil {
			return round{}, fmt.Errorf("running %v: %w\n%s", args, err, output.Bytes())
		}
		r.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		r.peak = max(r.peak, peakMemory(cmd.ProcessState))
	}
	r.wall = time.Since(begun)
	return r, nil
}

// takeTurns runs the tools one after the other, round by round, and gives the
// rounds of each. The first round fills the caches of the system for all of
// them and does not count.
func takeTurns(ctx context.Context, tools []tool, rounds int) ([]series, error) {
	out := make([]series, len(tools))
	for i, t := range tools {
		out[i].name = t.name
	}
	for n := range rounds + 1 {
		for i, t := range tools {
			r, err := t.once(ctx)
			if err != nil {
				return nil, err
			}
			if n > 0 {
				out[i].rounds = append(out[i].rounds, r)
			}
		}
	}
	return out, nil
}

// buildKsrelease builds the binary as `make build` does and gives its path.
func buildKsrelease(ctx context.Context, root, into string) (string, error) {
	binary := filepath.Join(into, "ksrelease")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=bench", "-o", binary, "./cmd/ksrelease")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building ksrelease: %w\n%s", err, output)
	}
	return binary, nil
}
