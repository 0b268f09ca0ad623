package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/collector"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/footprint"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/weight"
)

// Pool has workers do tasks. As a rule it has one worker, which does as many tasks at a time as
// there are processors for: a second one would take its start, and all that is done for the first
// time in a process. What ends a worker ends all that is at work in it, so that nobody can tell which
// of several tasks it was: each of these is done again, and then alone in a worker. Its methods
// may be called by several goroutines.
type Pool struct {
	// size is how many tasks are at work at once, and how many workers there are at most.
	size int
	// lasting is when a task gets no company any more: what is at work for long may be
	// what ends the worker.
	lasting time.Duration
	// after calls end when a time is up, as time.AfterFunc; a test has it decide.
	after func(d time.Duration, end func()) *time.Timer
	// at is called with what is at work, in tests; with nothing when a task begins.
	at func(lint.Progress)

	over chan struct{} // closed by Close

	// reserve has memory set aside in this process, too, in the background: what is looked at is packed, mostly.
	reserve  sync.Once
	setAside func()

	mu      sync.Mutex
	workers []*process // those that live, in the order of their start
	waiting []*job     // for a worker, in the order in which they are to be done
	working int        // jobs in workers
	closed  bool
}

// job is one attempt at a task, on its way through a worker. Of its fields, those that the answer is in
// are for who listens to the worker until over is closed.
type job struct {
	task   task
	effort int
	alone  bool

	worker *process      // once given is closed; nil where none could be started
	fault  error         // why there is none
	given  chan struct{} // closed when there is a worker for it
	since  time.Time     // when that was

	begun   bool
	answer  message
	end     Ended
	timer   *time.Timer
	timeUp  chan struct{}
	over    chan struct{} // closed when it was answered, or the worker is gone
	company bool          // the worker is gone, and others were at work in it, too
}

func newJob(t task) *job {
	return &job{
		task: t, end: Ended{Ended: lint.Ended{Limits: t.Limits}},
		given: make(chan struct{}), timeUp: make(chan struct{}), over: make(chan struct{}),
	}
}

// New makes a pool of at most size workers, and of no more than there are processors.
// Close has to be called at the end.
func New(size int) *Pool {
	size = max(1, min(size, runtime.GOMAXPROCS(0)))
	return &Pool{setAside: func() { go collector.Reserve() }, size: size, lasting: time.Second, after: time.AfterFunc, at: func(lint.Progress) {}, over: make(chan struct{})}
}

// few is among how many extensions memory is set aside for what is looked at. Of very many most are read
// and let go: the heap keeps small, but would grow by the 64 MiB while it is not collected for that.
const few = 100

// Warm starts the first worker beforehand, while the caller does other things. among is the number of extensions
// some of which may have to be looked at.
func (p *Pool) Warm(among int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if among > few {
		p.reserve.Do(func() {})
	}
	if len(p.workers) == 0 {
		_, _ = p.start() // who needs one tries again, and says why there is none
	}
}

// Close ends all workers. Who waits for one gets an error.
func (p *Pool) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.over)
	}
	all := slices.Clone(p.workers)
	p.mu.Unlock()
	for _, w := range all {
		w.kill()
	}
	for _, w := range all {
		<-w.gone
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
	return p.report(ctx, ext, examination(taskExamine, ext, opts, limits))
}

// ExamineMetadata is lint.ExamineMetadata in a worker, as Examine is.
func (p *Pool) ExamineMetadata(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	return p.report(ctx, ext, examination(taskMetadata, ext, opts, limits))
}

func examination(kind string, ext *extension.Extension, opts lint.Options, limits lint.Limits) task {
	opts.Progress = nil
	return task{Kind: kind, Content: ext.Content(), Limits: limits, Stack: stack(limits), Options: opts}
}

// report is what comes of an examination of ext.
func (p *Pool) report(ctx context.Context, ext *extension.Extension, t task) (lint.Report, error) {
	m, err := p.do(ctx, t)
	var ended *Ended
	switch {
	case errors.As(err, &ended):
		return lint.Cut(ext, t.Options, ended.Ended, ended.Before, ended.Silenced), nil
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

// do has a task done by a worker.
func (p *Pool) do(ctx context.Context, t task) (message, error) {
	alone, effort := false, effort(t)
	for try := 1; ; try++ {
		j := newJob(t)
		j.alone, j.effort = alone, effort
		m, err := p.attempt(ctx, j)
		var none *unbegun
		switch {
		case err == nil && m.Error != "":
			return m, errors.New(m.Error)
		case err == nil:
			return m, nil
		case ctx.Err() != nil:
			return message{}, ctx.Err()
		case j.company: // which may be what has ended the worker
			alone = true
			continue
		case errors.As(err, &none) && try < 3: // a signal to all processes of the terminal, for one
			continue
		}
		return message{}, err
	}
}

// attempt has a job done.
func (p *Pool) attempt(ctx context.Context, j *job) (message, error) {
	if err := p.take(ctx, j); err != nil {
		return message{}, err
	}
	defer context.AfterFunc(ctx, func() { p.end(j) })()
	j.worker.hand(j.task)
	<-j.over
	if j.timer != nil {
		j.timer.Stop()
	}
	if !j.answer.Done {
		return message{}, j.worker.cause(ctx, j)
	}
	return j.answer, nil
}

// hear takes what a worker has said of a job.
func (p *Pool) hear(j *job, m message) {
	switch {
	case m.Done:
		j.answer = m
		p.leave(j)
		close(j.over)
	case !j.begun:
		j.begun = true
		if limit := j.task.Limits.Time; limit > 0 {
			j.timer = p.after(limit, func() { close(j.timeUp); p.end(j) })
		}
		p.at(lint.Progress{})
	case m.Progress != nil:
		j.end.Rule, j.end.Template = m.Progress.Rule, m.Progress.Template
		j.end.Before = append(j.end.Before, m.Progress.Findings...)
		j.end.Silenced += m.Progress.Silenced
		p.at(*m.Progress)
	}
}

// jobIn is what is at work in a slot; nil where nothing is.
func (p *Pool) jobIn(w *process, slot int) *job {
	p.mu.Lock()
	defer p.mu.Unlock()
	if slot < 0 || slot >= len(w.jobs) {
		return nil
	}
	return w.jobs[slot]
}

// end ends the worker of a job, if that is still at work.
func (p *Pool) end(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := j.worker; w.jobs[j.task.Slot] == j {
		w.ended = j
		w.kill()
	}
}

// take waits for a worker.
func (p *Pool) take(ctx context.Context, j *job) error {
	p.mu.Lock()
	// What takes longest is begun first, so that nobody waits for it in the end; and what was
	// begun before is waited for already.
	at := 0
	for at < len(p.waiting) && (p.waiting[at].alone && !j.alone || p.waiting[at].alone == j.alone && p.waiting[at].effort >= j.effort) {
		at++
	}
	p.waiting = slices.Insert(p.waiting, at, j)
	p.dispatch()
	p.mu.Unlock()
	var err error
	select {
	case <-j.given:
		return j.fault
	case <-ctx.Done():
		err = ctx.Err()
	case <-p.over:
		err = errOver
	}
	p.mu.Lock()
	i := slices.Index(p.waiting, j)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 && j.fault == nil { // it has got one meanwhile
		p.leave(j)
	}
	return err
}

// dispatch gives workers to those who wait, as far as there are any. The caller holds mu.
func (p *Pool) dispatch() {
	for len(p.waiting) > 0 && p.working < p.size && !p.closed {
		j := p.waiting[0]
		p.waiting = slices.Delete(p.waiting, 0, 1)
		w := p.workerFor(j)
		if w == nil { // then all have something to do, and so are fewer than size
			w, j.fault = p.start()
		}
		if w != nil {
			w.admit(j)
			p.working++
		}
		close(j.given)
	}
}

// workerFor is a worker that can take a job, at best one that has others; nil where there is none.
func (p *Pool) workerFor(j *job) (idle *process) {
	for _, w := range p.workers {
		switch {
		case w.isIdle():
			if idle == nil {
				idle = w
			}
		case w.admits(j, p.lasting):
			return w
		}
	}
	return idle
}

// leave takes a job from its worker.
func (p *Pool) leave(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.worker.dismiss(j) {
		p.working--
	}
	p.dispatch()
}

// lost takes note that a worker is gone, and with it the jobs that it had.
func (p *Pool) lost(w *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers = slices.DeleteFunc(p.workers, func(other *process) bool { return other == w })
	left := slices.DeleteFunc(slices.Clone(w.jobs), func(j *job) bool { return j == nil })
	for _, j := range left {
		if at, ok := w.notes.read(j.task.Slot); ok && j.begun {
			j.end.Rule, j.end.Template = at.Rule, at.Template
		}
		w.dismiss(j)
		p.working--
		j.company = len(left) > 1 || w.ended != nil && w.ended != j
		close(j.over)
	}
	w.notes.close()
	p.dispatch()
}

var errOver = errors.New("the run is over")

// start starts a worker. The caller holds mu.
func (p *Pool) start() (*process, error) {
	if p.closed {
		return nil, errOver
	}
	w, err := start(p.size)
	if err != nil {
		return nil, fmt.Errorf("starting a process to look at the extension: %w", err)
	}
	p.workers = append(p.workers, w)
	p.reserve.Do(p.setAside)
	go func() {
		w.listen(p)
		p.lost(w)
	}()
	return w, nil
}

// effort is about how long a task takes, compared with others: templates are rendered for the values
// of the chart, and for each file of values that it has for its tests.
func effort(t task) int {
	bytes, sets := 0, 1
	for _, f := range t.Content.Files {
		switch {
		case strings.Contains(f.Name, "templates/"):
			bytes += len(f.Data)
		case strings.Contains(f.Name, "ci/") && strings.HasSuffix(f.Name, "values.yaml"):
			sets++
		}
	}
	return bytes * sets
}
