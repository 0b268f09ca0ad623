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
	without  string // why it is not to be had, and takes no turns; "" where it is
	commands [][]string
	dir      string   // where they run; "" for here
	env      []string // added to the environment of the bench
	out      string   // a folder that is made anew before each round; "" for none
	// ready is called before each round, and what it does is not timed; nil does nothing.
	ready func(ctx context.Context, n int) (turn, error)
}

// turn is what one round of a tool needs.
type turn struct {
	env      []string   // for this round
	commands [][]string // in place of those of the tool; nil for these
	done     func()     // called after the round; nil for nothing
}

// round is how one turn of a tool went.
type round struct {
	wall time.Duration
	cpu  time.Duration // of all its processes: steadier than wall where others use the machine too
	peak int64         // resident bytes of its largest process; 0 where the system does not know
}

// once takes the turn of the tool with this number.
func (t tool) once(ctx context.Context, n int) (round, error) {
	var now turn
	if t.ready != nil {
		var err error
		if now, err = t.ready(ctx, n); err != nil {
			return round{}, err
		}
	}
	if now.done != nil {
		defer now.done()
	}
	if t.out != "" {
		if err := os.RemoveAll(t.out); err != nil {
			return round{}, err
		}
		if err := os.MkdirAll(t.out, 0o755); err != nil {
			return round{}, err
		}
	}
	commands := t.commands
	if now.commands != nil {
		commands = now.commands
	}
	var r round
	begun := time.Now()
	for _, args := range commands {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Dir = t.dir
		cmd.Env = append(append(os.Environ(), t.env...), now.env...)
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

// takeTurns runs the tools one after the other, round by round, and gives the rounds of each. The
// first ones warm up: they fill the caches of the system for all of them, and do not count.
func takeTurns(ctx context.Context, tools []tool, warmUps, rounds int) ([]series, error) {
	out := make([]series, len(tools))
	for i, t := range tools {
		out[i].name, out[i].without = t.name, t.without
	}
	for n := range warmUps + rounds {
		for i, t := range tools {
			if t.without != "" {
				continue
			}
			r, err := t.once(ctx, n)
			if err != nil {
				return nil, err
			}
			if n >= warmUps {
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
