package worker

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
)

// couple is a pool that has two tasks at work at a time, on any machine.
func couple(t *testing.T) *Pool {
	p := pool(t, 1)
	p.size, p.lasting = 2, time.Hour
	return p
}

// slow renders for some tenths of a second.
const slow = "{{ $n := until 1500 }}{{ range $n }}{{ range $n }}{{ end }}{{ end }}" + plainTemplate

// inCompany has two extensions looked at together, the second from when the first is at its template
// slow.yaml.
func inCompany(t *testing.T, p *Pool, first, second *extension.Extension, limits lint.Limits, stack int, firstIsOver func()) (reports [2]lint.Report) {
	t.Helper()
	begun := make(chan struct{})
	once, before := sync.OnceFunc(func() { close(begun) }), p.at
	p.at = func(at lint.Progress) {
		if at.Template == "a/templates/slow.yaml" {
			once()
		}
		before(at)
	}
	var group sync.WaitGroup
	examine := func(i int, ext *extension.Extension) {
		task := examination(taskExamine, ext, lint.Options{}, limits)
		task.Stack = stack
		var err error
		if reports[i], err = p.report(t.Context(), ext, task); err != nil {
			t.Error(err)
		}
	}
	group.Go(func() { examine(0, first); firstIsOver() })
	<-begun
	group.Go(func() { examine(1, second) })
	group.Wait()
	return reports
}

// What ends a worker is a finding of the extension that has done it, and nothing becomes of the one
// that was looked at together with it.
func TestWhoEndedIt(t *testing.T) {
	good := write(t, map[string]string{"templates/slow.yaml": slow, "templates/broken.yaml": "{{ .Values.none.x }}"})
	want := lint.Examine(t.Context(), good, lint.Options{})
	for by, test := range map[lint.Limit]struct {
		bad    string
		limits lint.Limits
		stack  int
	}{
		lint.LimitMemory: {large, lint.Limits{Time: time.Minute, Memory: 64 << 20}, 16 << 20},
		lint.LimitStack:  {deep, ample, 1 << 20},
		lint.LimitTime:   {"{{ range until 100 }}" + busy + "{{ end }}", ample, 32 << 20},
	} {
		t.Run(string(by), func(t *testing.T) {
			p, firstIsOver := couple(t), func() {}
			if by == lint.LimitTime {
				firstIsOver = timeIsUp(p, "a/templates/bad.yaml")
			}
			reports := inCompany(t, p, good, write(t, map[string]string{"templates/bad.yaml": test.bad}), test.limits, test.stack, firstIsOver)
			if !reflect.DeepEqual(reports[0], want) {
				t.Errorf("the good one:\n%+v\nwant\n%+v", reports[0], want)
			}
			if f := limited(t, reports[1]); reports[1].Ended.By != by || f.File != "templates/bad.yaml" {
				t.Errorf("the bad one: by %s, %+v", reports[1].Ended.By, f)
			}
		})
	}
}

// timeIsUp has the time of the second extension be up when it is at a template: at once where it is
// looked at together with the first one, and when it is looked at again, as soon as the first one is over.
func timeIsUp(p *Pool, template string) (firstIsOver func()) {
	over := make(chan struct{})
	var mu sync.Mutex
	var ends []func() // of all that was begun
	p.after = func(_ time.Duration, end func()) *time.Timer {
		mu.Lock()
		defer mu.Unlock()
		ends = append(ends, sync.OnceFunc(end))
		return time.NewTimer(time.Hour)
	}
	p.at = func(at lint.Progress) {
		if at.Template != template {
			return
		}
		mu.Lock()
		begun := slices.Clone(ends)
		mu.Unlock()
		if len(begun) == 2 {
			begun[1]()
			return
		}
		go func() {
			<-over
			for _, end := range begun {
				end()
			}
		}()
	}
	return func() { close(over) }
}

// Who was at work in a worker that was ended for no reason of theirs are looked at again.
func TestEndedInCompany(t *testing.T) {
	p := couple(t)
	var ended atomic.Bool
	var first *process
	var ends []func() // of who was at work before
	p.after = func(_ time.Duration, end func()) *time.Timer {
		if !ended.Load() {
			ends = append(ends, end)
		}
		return time.NewTimer(time.Hour)
	}
	late := sync.OnceFunc(func() {
		for _, end := range ends {
			end()
		}
	})
	p.at = func(lint.Progress) {
		p.mu.Lock()
		w := p.workers[0]
		p.mu.Unlock()
		if ended.Load() {
			if w != first {
				late() // the time of the attempt that is over ends nothing any more
			}
			return
		}
		first = w
		if one, other := p.jobIn(w, 0), p.jobIn(w, 1); one != nil && one.begun && other != nil && other.begun {
			ended.Store(true)
			w.kill()
		}
	}
	one := write(t, map[string]string{"templates/slow.yaml": slow, "templates/slower.yaml": slow, "templates/slowest.yaml": slow})
	other := write(t, map[string]string{"extension.yaml": "apiVersion: kubesphere.io/v1alpha1\nname: b\nversion: 1.0.0\n", "templates/slow.yaml": slow})
	var reports [2]lint.Report
	for try := 0; !ended.Load(); try++ { // one may be over before the other begins
		if try == 50 {
			t.Fatal("the two were never at work at the same time")
		}
		reports = inCompany(t, p, one, other, ample, 32<<20, func() {})
	}
	for i, ext := range []*extension.Extension{one, other} {
		if want := lint.Examine(t.Context(), ext, lint.Options{}); !reflect.DeepEqual(reports[i], want) {
			t.Errorf("%d:\n%+v\nwant\n%+v", i, reports[i], want)
		}
	}
}

// Who is ended by the end of its context takes nobody along.
func TestContextEndsInCompany(t *testing.T) {
	p := couple(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	p.at = func(at lint.Progress) {
		if at.Template == "b/templates/loop.yaml" {
			cancel()
		}
	}
	loop := write(t, map[string]string{"extension.yaml": "apiVersion: kubesphere.io/v1alpha1\nname: b\nversion: 1.0.0\n", "templates/loop.yaml": busy})
	go func() {
		_, err := p.Examine(ctx, loop, lint.Options{}, ample)
		ended <- err
	}()
	good := write(t, map[string]string{"templates/slow.yaml": slow})
	report, err := p.Examine(t.Context(), good, lint.Options{}, ample)
	if want := lint.Examine(t.Context(), good, lint.Options{}); err != nil || !reflect.DeepEqual(report, want) {
		t.Errorf("%v, %+v", err, report)
	}
	if err := <-ended; err != context.Canceled {
		t.Error(err)
	}
}

// Which worker a job gets, and when. No worker is started for it: these are the rules alone.
func TestDispatch(t *testing.T) {
	limits, others := lint.Limits{Memory: 1 << 30}, lint.Limits{Memory: 2 << 30}
	now := time.Now()
	at := func(l lint.Limits, since time.Time) *job { return &job{task: task{Limits: l}, since: since} }
	alone := at(limits, now)
	alone.alone = true
	for name, test := range map[string]struct {
		at     []*job
		job    *job
		admits bool
	}{
		"a slot is free":                {[]*job{nil, at(limits, now)}, at(limits, now), true},
		"none is free":                  {[]*job{at(limits, now), at(limits, now)}, at(limits, now), false},
		"other limits":                  {[]*job{at(limits, now), nil}, at(others, now), false},
		"to be done alone":              {[]*job{at(limits, now), nil}, alone, false},
		"with one that is done alone":   {[]*job{alone, nil}, at(limits, now), false},
		"with one that takes very long": {[]*job{at(limits, now.Add(-time.Hour)), nil}, at(limits, now), false},
	} {
		w := &process{jobs: test.at}
		if got := w.admits(test.job, time.Minute); got != test.admits {
			t.Errorf("%s: %v", name, got)
		}
	}
	idle, busy := &process{jobs: make([]*job, 2)}, &process{jobs: []*job{at(limits, now), nil}}
	p := &Pool{lasting: time.Minute, workers: []*process{idle, busy}}
	if p.workerFor(at(limits, now)) != busy || p.workerFor(alone) != idle || p.workerFor(at(others, now)) != idle {
		t.Error("one that has others is better than one that is idle, where it is good enough")
	}
	p.workers = []*process{busy}
	if p.workerFor(alone) != nil {
		t.Error("who is to be alone is not")
	}
}

// What takes longest is begun first, after what is done again.
func TestOrderOfJobs(t *testing.T) {
	p := pool(t, 1)
	p.working = p.size
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var order []int
	for i, j := range []*job{{effort: 1}, {effort: 3}, {effort: 2}, {effort: 3, alone: true}, {effort: 5, alone: true}, {effort: 2}} {
		j.given, j.task.Stack = make(chan struct{}), i
		group.Go(func() { _ = p.take(ctx, j) })
		for waits := 0; waits <= i; { // they come one after the other
			p.mu.Lock()
			waits = len(p.waiting)
			p.mu.Unlock()
		}
	}
	for _, j := range p.waiting {
		order = append(order, j.task.Stack)
	}
	cancel()
	group.Wait()
	if want := []int{4, 3, 1, 2, 5, 0}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}

func TestEffort(t *testing.T) {
	content := func(files map[string]string) task { return task{Content: write(t, files).Content()} }
	few := content(map[string]string{"README.md": strings.Repeat("x", 5000), "charts/x/templates/a.yaml": plainTemplate})
	many := content(map[string]string{"charts/x/ci/a-values.yaml": "a: 1\n", "charts/x/ci/b-values.yaml": "a: 2\n", "charts/x/templates/a.yaml": plainTemplate})
	if effort(many) != 3*effort(few) || effort(few) != len(plainTemplate) {
		t.Errorf("%d and %d", effort(few), effort(many))
	}
}
