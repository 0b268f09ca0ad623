package hooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

const (
	// patience is how long a hook has to end by itself when it is asked to.
	patience = 3 * time.Second
	// drain is how long is waited for the rest of what a hook has printed, where something
	// that it has put out of reach keeps its output open.
	drain = time.Second
	// mostKept is how much of what a hook prints is kept, in bytes: the last of it.
	mostKept = 64 << 10
)

// processes are the hooks that run.
type processes struct {
	mu      sync.Mutex
	running map[*exec.Cmd]bool
	killed  bool
}

// run runs a command in a shell, which ends at the first of its commands that fails, and ends
// all that it started. When ctx ends, so does the hook, and the error is its cause.
func (p *processes) run(ctx context.Context, command, dir string, env []string) (*tail, error) {
	printed := &tail{most: mostKept}
	read, write, err := os.Pipe()
	if err != nil {
		return printed, err
	}
	defer read.Close()
	cmd := exec.Command("sh", "-e", "-c", command)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, write, write
	inGroup(cmd)
	err = p.start(cmd)
	write.Close()
	if err != nil {
		return printed, fmt.Errorf("starting the shell: %w", err)
	}
	copied := make(chan struct{})
	go func() {
		_, _ = io.Copy(printed, read)
		close(copied)
	}()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		askGroup(cmd)
		select {
		case <-ended:
		case <-time.After(patience):
			killGroup(cmd)
			<-ended
		}
		err = context.Cause(ctx)
	}
	killGroup(cmd) // what it left running would go on writing to what is read now
	p.mu.Lock()
	delete(p.running, cmd)
	p.mu.Unlock()
	select {
	case <-copied:
	case <-time.After(drain):
		read.Close()
		<-copied
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if code := exit.ExitCode(); code >= 0 {
			return printed, fmt.Errorf("it ended with exit code %d", code)
		}
		return printed, fmt.Errorf("it was ended: %s", exit)
	}
	return printed, err
}

func (p *processes) start(cmd *exec.Cmd) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return errors.New("the program ends")
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if p.running == nil {
		p.running = map[*exec.Cmd]bool{}
	}
	p.running[cmd] = true
	return nil
}

func (p *processes) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	for cmd := range p.running {
		killGroup(cmd)
	}
}

// tail keeps the last of what is written to it.
type tail struct {
	bytes.Buffer
	most int
	cut  bool
}

func (t *tail) Write(data []byte) (int, error) {
	n := len(data)
	if n > t.most {
		data, t.cut = data[n-t.most:], true
	}
	if over := t.Len() + len(data) - t.most; over > 0 {
		t.Next(over)
		t.cut = true
	}
	_, _ = t.Buffer.Write(data)
	return n, nil
}

// text is what was kept, from the beginning of a line: what is cut off may be a secret, of
// which nothing would know the rest.
func (t *tail) text() string {
	text := t.Bytes()
	if t.cut {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return string(text)
}
