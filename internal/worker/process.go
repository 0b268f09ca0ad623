package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/gob"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ksrelease/ksrelease/internal/lint"
)

// process is one worker.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	sending sync.Mutex   // held while a task is handed over
	tasks   *gob.Encoder // writes to queued
	// queued is what is on its way to in. Written for each file, a pipe would wake up the worker as often.
	queued *bufio.Writer
	out    *os.File
	said   *gob.Decoder
	notes  *notes
	stderr lastWords
	gone   chan struct{} // closed when the process was waited for

	// What follows is for who holds the lock of the pool.
	jobs  []*job // what is at work, by slot; nil where a slot is free
	ended *job   // for which it was ended; nil where it was for none
}

// start starts a worker that does as many tasks at a time as slots. It is handed nothing that the
// environment may hold: there are keys and passwords in it.
func start(slots int) (*process, error) {
	w := &process{gone: make(chan struct{}), jobs: make([]*job, slots)}
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
	if w.notes = newNotes(slots); w.notes != nil {
		w.cmd.ExtraFiles = []*os.File{w.notes.file} // see noteDescriptor
	}
	err = w.cmd.Start()
	write.Close()
	if err != nil {
		out.Close()
		w.notes.close()
		return nil, err
	}
	w.in, w.queued, w.out, w.said = in, bufio.NewWriterSize(in, 64<<10), out, gob.NewDecoder(bufio.NewReaderSize(out, 64<<10))
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

// kill ends the process without waiting.
func (w *process) kill() { _ = w.cmd.Process.Kill() } // it may have ended by itself

// isIdle reports whether nothing is at work.
func (w *process) isIdle() bool {
	return !slices.ContainsFunc(w.jobs, func(j *job) bool { return j != nil })
}

// admits reports whether a job can go to work together with what is at work already. Limits are
// those of a process, and so the same for all in it.
func (w *process) admits(j *job, lasting time.Duration) bool {
	return !j.alone && slices.Contains(w.jobs, nil) && !slices.ContainsFunc(w.jobs, func(other *job) bool {
		return other != nil && (other.alone || other.task.Limits != j.task.Limits || other.task.Stack != j.task.Stack || time.Since(other.since) > lasting)
	})
}

// admit has a job go to work in a slot that is free.
func (w *process) admit(j *job) {
	slot := slices.Index(w.jobs, nil)
	w.jobs[slot] = j
	j.worker, j.task.Slot, j.since = w, slot, time.Now()
}

// dismiss frees the slot of a job. It reports false where the job has none.
func (w *process) dismiss(j *job) bool {
	has := w.jobs[j.task.Slot] == j
	if has {
		w.jobs[j.task.Slot] = nil
	}
	return has
}

// hand hands over a task. Where that fails the worker is gone, or has a part of the task alone and waits
// for the rest: it is ended, so that what it says ends, too.
func (w *process) hand(t task) {
	w.sending.Lock()
	defer w.sending.Unlock()
	if send(w.queued, w.tasks, t) != nil {
		w.kill()
	}
}

// listen takes what a worker says, until it is gone.
func (w *process) listen(p *Pool) {
	for {
		var m message
		if w.said.Decode(&m) != nil {
			break
		}
		j := p.jobIn(w, m.Slot)
		if j == nil {
			break
		}
		p.hear(j, m)
	}
	w.kill()
	<-w.gone
	_, _ = w.in.Close(), w.out.Close()
}

// unbegun is the error of a worker that was gone before it took the task.
type unbegun struct{ state string }

func (e *unbegun) Error() string {
	return "the process that looks at the extension ended before it began (" + e.state + ")"
}

// cause says why a worker is gone that had a job.
func (w *process) cause(ctx context.Context, j *job) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	words := w.stderr.String()
	end := &j.end
	switch {
	case isClosed(j.timeUp):
		end.By = lint.LimitTime
	case w.cmd.ProcessState.ExitCode() == exitMemory,
		strings.Contains(words, "out of memory"), strings.Contains(words, "cannot allocate memory"):
		end.By = lint.LimitMemory
	case strings.Contains(words, "stack overflow"), strings.Contains(words, "goroutine stack exceeds"):
		end.By = lint.LimitStack
	case !j.begun:
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
// ended. It is never shown, and read when the process is gone.
type lastWords struct{ text bytes.Buffer }

func (l *lastWords) Write(p []byte) (int, error) {
	const enough = 4 << 10
	l.text.Write(p[:min(len(p), enough-l.text.Len())])
	return len(p), nil
}

func (l *lastWords) String() string { return l.text.String() }
