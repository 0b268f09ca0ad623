package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/footprint"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/weight"
)

// Pool is a number of workers. Each is started when it is needed first, and does one
// task after the other. Its methods may be called by several goroutines.
type Pool struct {
	idle  chan *process // workers without a task
	spare chan struct{} // one for each worker that may be started yet

	// patience is how long a task waits for a worker before another one is started
	// for it: what a start costs.
	patience time.Duration
	// after calls end when a time is up, as time.AfterFunc; a test has it decide.
	after func(d time.Duration, end func()) *time.Timer
	// at is called with what is at work, in tests.
	at func(lint.Progress)

	over chan struct{} // closed by Close

	mu     sync.Mutex
	alive  map[*process]bool
	closed bool
}

// startTime is what a worker costs until it looks at charts as fast as one that has
// looked at some: 60 to 120 ms of one processor for the start, the rest for what Helm
// and the schemas set up when they are used first.
const startTime = 250 * time.Millisecond

// New makes a pool of at most size workers, and of no more than there are processors.
// Close has to be called at the end.
func New(size int) *Pool {
	size = max(1, min(size, runtime.GOMAXPROCS(0)))
	p := &Pool{
		idle: make(chan *process, size), spare: make(chan struct{}, size), over: make(chan struct{}),
		patience: startTime, after: time.AfterFunc, at: func(lint.Progress) {}, alive: map[*process]bool{},
	}
	for range size {
		p.spare <- struct{}{}
	}
	return p
}

// Warm starts the first worker beforehand, while the caller does other things.
func (p *Pool) Warm() {
	select {
	case <-p.spare:
	default:
		return
	}
	go func() {
		if w, err := p.start(); err == nil {
			p.idle <- w
		}
	}()
}

// Close ends all workers. Who waits for one gets an error.
func (p *Pool) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.over)
	}
	all := p.alive
	p.alive = map[*process]bool{}
	p.mu.Unlock()
	for w := range all {
		w.end()
	}
}

// Ended is the error of a look that was ended at a limit.
type Ended struct {
	lint.Ended
	// Before and Silenced are what was found before.
	Before   []lint.Finding
	Silenced int
}

func (e *Ended) Error() string {
	switch e.By {
	case lint.LimitTime:
		return fmt.Sprintf("it takes longer than %s (lint.timeout)", e.Limits.Time)
	case lint.LimitMemory, lint.LimitStack:
		return "it takes more memory than lint.memory allows"
	}
	return "the process that looks at the extension ended"
}

// LimitReached says that a limit was reached, and nothing is wrong with the worker.
func (e *Ended) LimitReached() bool { return true }

// Examine is lint.Examine in a worker. Where a limit is reached the report says so.
// The error is that of ctx, or says why there is no worker.
func (p *Pool) Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	return p.report(ctx, taskExamine, ext, opts, limits)
}

// ExamineMetadata is lint.ExamineMetadata in a worker, as Examine is.
func (p *Pool) ExamineMetadata(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	return p.report(ctx, taskMetadata, ext, opts, limits)
}

func (p *Pool) report(ctx context.Context, kind string, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	opts.Progress = nil
	m, err := p.do(ctx, task{Kind: kind, Content: ext.Content(), Limits: limits, Stack: stack(limits), Options: opts})
	var ended *Ended
	switch {
	case errors.As(err, &ended):
		return lint.Cut(ext, opts, ended.Ended, ended.Before, ended.Silenced), nil
	case err != nil:
		return lint.Report{}, err
	case m.Report == nil:
		return lint.Report{}, errors.New("a worker gave no report")
	}
	return *m.Report, nil
}

// Sizes is weight.Of in a worker. The error is *Ended where a limit is reached.
func (p *Pool) Sizes(ctx context.Context, ext *extension.Extension, urls extension.URLs, size int64, limits lint.Limits) (*weight.Report, error) {
	m, err := p.do(ctx, task{Kind: taskSizes, Content: ext.Content(), Limits: limits, Stack: stack(limits), URLs: urls, Uploaded: urls != nil, Size: size})
	if err == nil && m.Weight == nil {
		err = errors.New("a worker gave no report")
	}
	return m.Weight, err
}

// Footprint is footprint.Of in a worker. The error is *Ended where a limit is reached.
func (p *Pool) Footprint(ctx context.Context, ext *extension.Extension, limits lint.Limits) (*footprint.Footprint, error) {
	m, err := p.do(ctx, task{Kind: taskFootprint, Content: ext.Content(), Limits: limits, Stack: stack(limits)})
	if err != nil {
		return nil, err
	}
	found := new(footprint.Footprint)
	if err := json.Unmarshal(m.Footprint, found); err != nil {
		return nil, fmt.Errorf("reading what a worker has found: %w", err)
	}
	return found, nil
}

// Images is images.Of in a worker, with what is known where there is an error. The error is *Ended
// where a limit is reached.
func (p *Pool) Images(ctx context.Context, ext *extension.Extension, limits lint.Limits) (*images.Needed, error) {
	m, err := p.do(ctx, task{Kind: taskImages, Content: ext.Content(), Limits: limits, Stack: stack(limits)})
	if m.Images == nil {
		m.Images = &images.Needed{}
	}
	return m.Images, err
}

// stack is how much stack limits leave, in bytes, and at most what Go gives by itself.
func stack(limits lint.Limits) int {
	const most = 1_000_000_000
	if limits.Memory == 0 {
		return most
	}
	return int(min(limits.Stack(), most))
}

// do has a task done by the next worker that is free.
func (p *Pool) do(ctx context.Context, t task) (message, error) {
	for try := 1; ; try++ {
		w, err := p.take(ctx)
		if err != nil {
			return message{}, err
		}
		m, err := w.do(ctx, t, p)
		var none *unbegun
		switch {
		case err == nil:
			p.idle <- w
			if m.Error != "" {
				return m, errors.New(m.Error)
			}
			return m, nil
		case ctx.Err() != nil:
			p.forget(w)
			return message{}, ctx.Err()
		case errors.As(err, &none) && try < 3: // a signal to all processes of the terminal, for one
			p.forget(w)
			continue
		}
		p.forget(w)
		return message{}, err
	}
}

// take gives a worker that is idle, or a new one. The first one is started at once,
// another one only for a task that has waited as long as a start costs: for a few
// small extensions a second worker costs more than it saves.
func (p *Pool) take(ctx context.Context) (*process, error) {
	first := make(chan time.Time)
	patience := (<-chan time.Time)(first)
	if len(p.spare) == cap(p.spare) { // there is none, and none that starts
		close(first)
	} else {
		timer := time.NewTimer(p.patience)
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case w := <-p.idle:
		return w, nil
	case <-patience:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.over:
		return nil, errOver
	}
	select {
	case w := <-p.idle:
		return w, nil
	case <-p.spare:
		return p.start()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.over:
		return nil, errOver
	}
}

var errOver = errors.New("the run is over")

// forget ends a worker; another one may be started for it.
func (p *Pool) forget(w *process) {
	p.mu.Lock()
	delete(p.alive, w)
	p.mu.Unlock()
	w.end()
	p.spare <- struct{}{}
}

// start starts a worker for what was taken from spare.
func (p *Pool) start() (*process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errOver
	}
	w, err := start()
	if err != nil {
		p.spare <- struct{}{}
		return nil, fmt.Errorf("starting a process to look at the extension: %w", err)
	}
	p.alive[w] = true
	return w, nil
}

// process is one worker.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	tasks  *gob.Encoder
	queued *bufio.Writer // what tasks writes, on its way to in
	said   *gob.Decoder
	note   *note
	stderr lastWords
	gone   chan struct{} // closed when the process was waited for
	ending sync.Once
}

// start starts a worker. It is handed nothing that the environment may hold: there
// are keys and passwords in it.
func start() (*process, error) {
	w := &process{gone: make(chan struct{})}
	w.cmd = &exec.Cmd{Path: itself(), Args: []string{Name}, Env: []string{"GOTRACEBACK=none"}, Dir: string(filepath.Separator), Stderr: &w.stderr}
	in, err := w.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// Not StdoutPipe: what was said is read to its end after the process is gone.
	out, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	w.cmd.Stdout = write
	if w.note = newNote(); w.note != nil {
		w.cmd.ExtraFiles = []*os.File{w.note.file} // see noteDescriptor
	}
	err = w.cmd.Start()
	write.Close()
	if err != nil {
		out.Close()
		w.note.close()
		return nil, err
	}
	w.in, w.queued, w.said = in, bufio.NewWriterSize(in, 64<<10), gob.NewDecoder(bufio.NewReaderSize(out, 64<<10))
	w.tasks = gob.NewEncoder(w.queued)
	go func() {
		_ = w.cmd.Wait() // how it ended is in cmd.ProcessState
		close(w.gone)
	}()
	return w, nil
}

// itself is the file of this program. On Linux it is named by the process: the file
// may have been replaced by a new version meanwhile.
func itself() string {
	const running = "/proc/self/exe"
	if runtime.GOOS == "linux" {
		if _, err := os.Stat(running); err == nil {
			return running
		}
	}
	if file, err := os.Executable(); err == nil {
		return file
	}
	if file, err := exec.LookPath(os.Args[0]); err == nil {
		return file
	}
	return os.Args[0]
}

// end ends the process, and waits until it is gone.
func (w *process) end() {
	w.ending.Do(func() {
		_ = w.cmd.Process.Kill() // it may have ended by itself
		_ = w.in.Close()
	})
	<-w.gone
	w.note.close()
}

// kill ends the process without waiting.
func (w *process) kill() { _ = w.cmd.Process.Kill() }

// unbegun is the error of a worker that was gone before it took the task.
type unbegun struct{ state string }

func (e *unbegun) Error() string {
	return "the process that looks at the extension ended before it began (" + e.state + ")"
}

// do has a task done.
func (w *process) do(ctx context.Context, t task, p *Pool) (message, error) {
	defer context.AfterFunc(ctx, w.kill)()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		// Where that fails the worker is gone, and what it said ends. Written for each file, a
		// pipe would wake up the worker as often.
		_ = send(w.tasks, t)
		_ = w.queued.Flush()
	}()
	end := &Ended{Ended: lint.Ended{Limits: t.Limits}}
	begun := false
	timeUp := make(chan struct{})
	for {
		var m message
		if err := w.said.Decode(&m); err != nil {
			w.kill()
			<-w.gone
			<-sent
			if at, ok := w.note.read(); ok && begun {
				end.Rule, end.Template = at.Rule, at.Template
			}
			return message{}, w.cause(ctx, end, begun, timeUp)
		}
		switch {
		case m.Done:
			<-sent
			return m, nil
		case !begun:
			begun = true
			if t.Limits.Time > 0 {
				defer p.after(t.Limits.Time, func() { close(timeUp); w.kill() }).Stop()
			}
		case m.Progress != nil:
			end.Rule, end.Template = m.Progress.Rule, m.Progress.Template
			end.Before = append(end.Before, m.Progress.Findings...)
			end.Silenced += m.Progress.Silenced
			p.at(*m.Progress)
		}
	}
}

// cause says why a worker is gone.
func (w *process) cause(ctx context.Context, end *Ended, begun bool, timeUp <-chan struct{}) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	words := w.stderr.String()
	switch {
	case isClosed(timeUp):
		end.By = lint.LimitTime
	case w.cmd.ProcessState.ExitCode() == exitMemory,
		strings.Contains(words, "out of memory"), strings.Contains(words, "cannot allocate memory"):
		end.By = lint.LimitMemory
	case strings.Contains(words, "stack overflow"), strings.Contains(words, "goroutine stack exceeds"):
		end.By = lint.LimitStack
	case !begun:
		return &unbegun{w.cmd.ProcessState.String()}
	case wasKilled(w.cmd.ProcessState): // by the system, which had no memory left
		end.By = lint.LimitMemory
	default:
		end.By = lint.LimitFault
	}
	return end
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// wasKilled reports whether somebody killed the process.
func wasKilled(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// lastWords keeps the beginning of what a worker writes to standard error: why it
// ended. It is never shown.
type lastWords struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	const enough = 4 << 10
	l.text.Write(p[:min(len(p), max(0, enough-l.text.Len()))])
	return len(p), nil
}

func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
