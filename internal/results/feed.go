package results

import (
	"slices"
	"sync"
	"time"
)

// Feed passes the events of a run on to its observer, one at a time and each with its time,
// and keeps the warnings. Its methods may be called by several goroutines at once.
type Feed struct {
	to Observer

	mu       sync.Mutex
	finished bool // the last event is out
	warnings []string
}

// NewFeed makes the feed of a run; an observer of nil sees nothing.
func NewFeed(to Observer) *Feed {
	if to == nil {
		to = ObserverFunc(func(Event) {})
	}
	return &Feed{to: to}
}

// Emit passes an event on.
func (f *Feed) Emit(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e.Time = time.Now()
	f.to.Observe(e)
}

// EmitRun passes on an event of the whole run, whose result gets the warnings so far and, with
// the last event, the time at which the run ended.
func (f *Feed) EmitRun(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e.Time = time.Now()
	e.Result.Warnings = slices.Clone(f.warnings)
	if e.Kind == EventRunFinished {
		e.Result.Finished, f.finished = &e.Time, true
	}
	f.to.Observe(e)
}

// Warn passes a warning on, and keeps it. What was said is not said again.
func (f *Feed) Warn(message string, planning bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.Contains(f.warnings, message) {
		return
	}
	f.warnings = append(f.warnings, message)
	f.to.Observe(Event{Kind: EventWarning, Time: time.Now(), Planning: planning, Message: message})
}

// Note passes a remark on; when the run is finished it is dropped, and so is the empty one.
func (f *Feed) Note(message string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.finished && message != "" {
		f.to.Observe(Event{Kind: EventNote, Time: time.Now(), Message: message})
	}
}

// Snapshot is the result of an extension as it is now: nothing of it changes later, so that
// observers may keep it.
func (x Extension) Snapshot() Extension {
	x.Stages, x.Assets, x.Hooks = slices.Clone(x.Stages), slices.Clone(x.Assets), slices.Clone(x.Hooks)
	x.Targets = slices.Clone(x.Targets)
	for i, t := range x.Targets {
		x.Targets[i] = t.Snapshot()
	}
	if x.Package != nil {
		pkg := *x.Package
		x.Package = &pkg
	}
	return x
}
