package report

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/results"
)

// forms are the names of all forms.
var forms = func() (all []string) {
	for _, f := range Formats() {
		all = append(all, f.Name)
	}
	return all
}()

// slow is a report on a disk that takes nothing before it is let go.
type slow struct {
	ready  chan struct{}
	mu     sync.Mutex
	events []results.Event
}

func (s *slow) Observe(e results.Event) {
	<-s.ready
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

func (s *slow) Err() error { return nil }

// A run goes on while a disk takes nothing, and in the end every event is there, in order.
func TestSlowDiskHoldsUpNobody(t *testing.T) {
	disk := &slow{ready: make(chan struct{})}
	q := NewQueue(disk)
	var want []results.Event
	release(results.ObserverFunc(func(e results.Event) {
		want = append(want, e)
		q.Observe(e)
	}), 50) // ends although the disk is stuck
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan struct{})
	go func() {
		q.Wait(ctx)
		close(waited)
	}()
	select {
	case <-waited:
		t.Error("it says that all is kept, and the disk has taken nothing")
	default:
	}
	cancel()
	<-waited // a run whose time is up does not wait for a disk
	close(disk.ready)
	if err := q.Close(); err != nil {
		t.Error(err)
	}
	if len(disk.events) != len(want) {
		t.Fatalf("%d events of %d", len(disk.events), len(want))
	}
	for i := range want {
		if disk.events[i].Kind != want[i].Kind || disk.events[i].Extension != want[i].Extension {
			t.Fatalf("event %d is %v", i, disk.events[i])
		}
	}
}

// latestOnly is a slow report that shows how things are.
type latestOnly struct{ slow }

func (*latestOnly) onlyLatest() {}

// What waits for a disk is bounded by the number of extensions, and what was evidence
// stays evidence.
func TestOnlyTheLatestWaits(t *testing.T) {
	disk := &latestOnly{slow{ready: make(chan struct{})}}
	q := NewQueue(disk)
	const extensions, rounds = 10, 200
	for round := range rounds {
		for i := range extensions {
			x := &results.Extension{Name: fmt.Sprint(i), Reason: fmt.Sprint(round)}
			q.Observe(results.Event{Kind: results.EventStageFinished, Extension: x, Writes: round == 150})
		}
		q.mu.Lock()
		if n := len(q.pending); n > 2*extensions+2 {
			t.Fatalf("%d events wait for %d extensions", n, extensions)
		}
		q.mu.Unlock()
	}
	close(disk.ready)
	if err := q.Close(); err != nil {
		t.Error(err)
	}
	last, evidence := map[string]string{}, map[string]bool{}
	for _, e := range disk.events {
		last[e.Extension.Name] = e.Extension.Reason
		evidence[e.Extension.Name] = evidence[e.Extension.Name] || e.Writes
	}
	for i := range extensions {
		if name := fmt.Sprint(i); last[name] != fmt.Sprint(rounds-1) || !evidence[name] {
			t.Errorf("extension %s: %q, evidence %v", name, last[name], evidence[name])
		}
	}
}

// A result of the whole run has all that was said of its extensions before.
func TestWholeResultReplacesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &latestOnly{slow{ready: make(chan struct{})}}
		q := NewQueue(disk)
		x := results.Extension{Name: "a"}
		q.Observe(results.Event{Kind: results.EventNote})
		synctest.Wait() // it is being written
		for range 5 {
			q.Observe(results.Event{Kind: results.EventStageStarted, Extension: &x})
		}
		q.Observe(results.Event{Kind: results.EventPlanned, Result: &results.Document{Extensions: []results.Extension{x}}})
		q.Observe(results.Event{Kind: results.EventEnded, Extension: &x})
		close(disk.ready)
		if err := q.Close(); err != nil {
			t.Error(err)
		}
		var kinds []results.EventKind
		for _, e := range disk.events {
			kinds = append(kinds, e.Kind)
		}
		if !slices.Equal(kinds, []results.EventKind{results.EventNote, results.EventPlanned, results.EventEnded}) {
			t.Errorf("%v", kinds)
		}
	})
}

// Who waits waits for its own event, not only for those of before.
func TestWaitIsForTheLastEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &slow{ready: make(chan struct{})}
		q := NewQueue(disk)
		q.Observe(results.Event{Kind: results.EventNote})
		synctest.Wait() // it is being written
		q.Observe(results.Event{Kind: results.EventNote})
		kept := false
		go func() {
			q.Wait(t.Context())
			kept = true
		}()
		for _, want := range []bool{false, true} {
			disk.ready <- struct{}{}
			synctest.Wait()
			if kept != want {
				t.Errorf("kept is %v", kept)
			}
		}
		close(disk.ready)
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
}

// When Wait returns the report has all events of before, and who waits at the same time
// waits once.
func TestWaitMeansKept(t *testing.T) {
	path := t.TempDir() + "/result.json"
	d := newDocument(path)
	q := NewQueue(d)
	start := allOutcomes()
	q.Observe(results.Event{Kind: results.EventRunStarted, Result: start})
	var group sync.WaitGroup
	for i := range start.Extensions {
		group.Go(func() {
			x := start.Extensions[i]
			x.Stages = []results.Stage{{Name: results.StagePush, Status: results.StageStarted}}
			q.Observe(results.Event{Kind: results.EventStageStarted, Extension: &x, Writes: true})
			q.Wait(t.Context())
			got := readResult(t, path).Extensions[i]
			if diff := cmp.Diff(x.Stages, got.Stages); diff != "" {
				t.Errorf("%s: %s", x.Name, diff)
			}
		})
	}
	group.Wait()
	if err := q.Close(); err != nil {
		t.Error(err)
	}
}
