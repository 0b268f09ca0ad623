// Package childprocess runs commands that a project configures, in a shell: with an environment
// without secrets that are not named, for as long as their context lasts, with what they print
// within bounds, and with all that they start ended at their end.
//
// Whoever runs them says when, and what their output means.
package childprocess

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	// Patience is how long a command has to end by itself when it is asked to.
	Patience = 3 * time.Second
	// drain is how long is waited for the rest of what a command has printed, where something
	// that it has put out of reach keeps its output open.
	drain = time.Second
	// mostKept is how much of what a command prints is kept, in bytes: the last of it.
	mostKept = 64 << 10
)

// Command is one to run.
type Command struct {
	Line string // for the shell, which ends at the first of its commands that fails
	Dir  string
	Env  []string // all of it
	// Input is what it reads from standard input.
	Input []byte
	// Output and Diagnostics get what it writes to standard output and standard error, by one
	// goroutine each. Where they are the same, they share a pipe, and so the order of lines.
	Output, Diagnostics io.Writer
}

// ExitError is a command that has failed.
type ExitError struct {
	Code int // -1 where a signal ended it
	text string
}

func (e *ExitError) Error() string { return e.text }

// StartError is a command that was not begun.
type StartError struct{ Err error }

func (e *StartError) Error() string { return "starting the shell: " + e.Err.Error() }

// Unwrap is why.
func (e *StartError) Unwrap() error { return e.Err }

// Processes are those that run. Its methods may be called by several goroutines at once.
type Processes struct {
	mu      sync.Mutex
	running map[*exec.Cmd]bool
	killed  bool
}

// Run runs a command, and ends all that it started. When ctx ends meanwhile, so does the command,
// and the error is its cause. Other errors are an *[ExitError] or a *[StartError].
func (p *Processes) Run(ctx context.Context, c Command) error {
	if ctx.Err() != nil {
		return &StartError{context.Cause(ctx)}
	}
	cmd := exec.Command("sh", "-e", "-c", c.Line)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	inGroup(cmd)
	streams, err := connect(cmd, c)
	defer streams.close()
	if err != nil {
		return &StartError{err}
	}
	err = p.start(cmd)
	streams.begin(c.Input)
	if err != nil {
		return &StartError{err}
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		askGroup(cmd)
		select {
		case <-ended:
		case <-time.After(Patience):
			killGroup(cmd)
			<-ended
		}
		err = context.Cause(ctx)
	}
	killGroup(cmd) // what it left running would go on writing to what is read now
	p.mu.Lock()
	delete(p.running, cmd)
	p.mu.Unlock()
	streams.drain()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if code := exit.ExitCode(); code >= 0 {
			return &ExitError{code, fmt.Sprintf("it ended with exit code %d", code)}
		}
		return &ExitError{-1, fmt.Sprintf("it was ended: %s", exit)}
	}
	return err
}

func (p *Processes) start(cmd *exec.Cmd) error {
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

// Kill ends at once whatever runs, and nothing is started any more. It is for the end of the
// program.
func (p *Processes) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	for cmd := range p.running {
		killGroup(cmd)
	}
}

// streams are our ends of the three streams of a command, and its own until it runs.
type streams struct {
	theirs []*os.File
	input  *os.File // nil where there is none
	read   []*os.File
	to     []io.Writer
	copied []chan struct{}
}

func connect(cmd *exec.Cmd, c Command) (*streams, error) {
	s := &streams{}
	if c.Input != nil {
		read, write, err := os.Pipe()
		if err != nil {
			return s, err
		}
		cmd.Stdin, s.input = read, write
		s.theirs = append(s.theirs, read)
	}
	out, err := s.pipe(c.Output)
	if err != nil {
		return s, err
	}
	cmd.Stdout, cmd.Stderr = out, out
	if c.Diagnostics != c.Output {
		if cmd.Stderr, err = s.pipe(c.Diagnostics); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *streams) pipe(to io.Writer) (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.theirs, s.read, s.to = append(s.theirs, write), append(s.read, read), append(s.to, to)
	return write, nil
}

// begin reads what the command writes, and writes what it reads, if it does.
func (s *streams) begin(input []byte) {
	for _, f := range s.theirs {
		_ = f.Close()
	}
	if s.input != nil {
		go func() {
			_, _ = s.input.Write(input) // it may end without having read it
			_ = s.input.Close()
		}()
	}
	for i, from := range s.read {
		copied := make(chan struct{})
		s.copied = append(s.copied, copied)
		go func() {
			_, _ = io.Copy(s.to[i], from)
			close(copied)
		}()
	}
}

// drain waits for the rest of what was written.
func (s *streams) drain() {
	late := time.After(drain)
	for i, copied := range s.copied {
		select {
		case <-copied:
		case <-late:
			late = time.After(0)
			_ = s.read[i].Close()
			<-copied
		}
	}
}

func (s *streams) close() {
	for _, f := range append(s.theirs, s.read...) {
		_ = f.Close()
	}
}

// Tail keeps the last of what is written to it. Its zero value is ready.
type Tail struct {
	kept bytes.Buffer
	most int
	cut  bool
}

func (t *Tail) Write(data []byte) (int, error) {
	if t.most == 0 {
		t.most = mostKept
	}
	n := len(data)
	if n > t.most {
		data, t.cut = data[n-t.most:], true
	}
	if over := t.kept.Len() + len(data) - t.most; over > 0 {
		t.kept.Next(over)
		t.cut = true
	}
	_, _ = t.kept.Write(data)
	return n, nil
}

// text is what was kept, from the beginning of a line: what is cut off may be a secret, of
// which nothing would know the rest.
func (t *Tail) text() string {
	text := t.kept.Bytes()
	if t.cut {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return string(text)
}

// What is shown of a command that failed.
const (
	mostLines  = 20  // the last ones
	widestLine = 300 // in characters
	widestName = 60  // of its command, in characters
)

// LastLines are the last lines of what was written, without secrets: they are taken out before
// lines are cut, which could leave a part of one.
func (t *Tail) LastLines(redact func(string) string) string {
	lines := strings.Split(strings.TrimRight(redact(strings.ToValidUTF8(t.text(), "\uFFFD")), "\r\n \t"), "\n")
	if len(lines) > mostLines {
		lines = append([]string{"…"}, lines[len(lines)-mostLines:]...)
	}
	for i := range lines {
		lines[i] = shorten(strings.TrimRight(lines[i], "\r"), widestLine)
	}
	return strings.Join(lines, "\n")
}

// Short is a command in one line that is not too long, as messages show it.
func Short(command string) string {
	first, more, _ := strings.Cut(strings.TrimSpace(command), "\n")
	if strings.TrimSpace(more) != "" {
		return shorten(first, widestName-2) + " …"
	}
	return shorten(first, widestName)
}

func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
