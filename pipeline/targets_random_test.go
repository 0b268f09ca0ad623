package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// Promises P1, P2, P4, P9 and P10 in each of several targets: random projects are released while
// requests fail, lie and are slow, while runs are interrupted and killed, and while another run does
// the same. One more run without trouble finishes.

// tour is a project, its targets, and what happens to its runs.
type tour struct {
	graph     network // without troubles
	market    bool    // the first target is a marketplace
	museums   int
	foreign   map[string]int // versions that a museum has before, in the bytes of another program
	trips     []trip
	twoAtOnce bool // each run is made twice at the same time
}

// trip is one run, and what happens to it.
type trip struct {
	seed   uint64
	faults float64       // how many requests go wrong
	reads  bool          // also reads
	slow   time.Duration // requests take up to this
	stop   time.Duration // it is interrupted; 0 is never
	kill   int           // the number of requests after which it is killed; 0 is never
}

func (o tour) String() string {
	return fmt.Sprintf("market %v, %d museums, foreign %v, two at once %v\n  runs %+v\n%s", o.market, o.museums, o.foreign, o.twoAtOnce, o.trips, o.graph)
}

func drawTour(random *rand.Rand) tour {
	o := tour{market: random.IntN(3) > 0, museums: 1 + random.IntN(2), foreign: map[string]int{}, twoAtOnce: random.IntN(4) == 0}
	if !o.market {
		o.museums++
	}
	o.graph = network{parallelism: []int{1, 2, 32}[random.IntN(3)]}
	for i := range 1 + random.IntN(4) {
		n := node{name: string(rune('a' + i)), folder: string(rune('a' + i))}
		for j := range i {
			if random.IntN(3) == 0 {
				n.needs = append(n.needs, need{name: string(rune('a' + j)), version: "*", required: true})
			}
		}
		if random.IntN(4) == 0 {
			o.foreign[n.name] = random.IntN(o.museums)
		}
		o.graph.nodes = append(o.graph.nodes, n)
	}
	for range 1 + random.IntN(3) {
		t := trip{seed: random.Uint64(), faults: random.Float64() * 0.4, reads: len(o.foreign) == 0 && random.IntN(2) == 0}
		if random.IntN(2) == 0 {
			t.slow = time.Duration(random.IntN(3000)) * time.Millisecond
		}
		switch random.IntN(4) {
		case 0:
			t.stop = time.Duration(1 + random.IntN(int(5*time.Second)))
		case 1:
			t.kill = 1 + random.IntN(40)
		}
		o.trips = append(o.trips, t)
	}
	return o
}

// places are the targets of a tour.
type places struct {
	*tour
	market  *fakeWorld
	museums []museum
	worlds  []*fakeWorld
	sources []config.Source
	had     map[string][]byte // by target and version, what was seen there once
	fault   error
}

func (p *places) blame(format string, args ...any) {
	if p.fault == nil {
		p.fault = fmt.Errorf(format, args...)
	}
}

func (p *places) all() (all []target.Place) {
	if p.market != nil {
		all = append(all, target.Marketplace(p.market))
	}
	for i, m := range p.museums {
		all = append(all, m.at(fmt.Sprintf("museum-%d", i)))
	}
	return all
}

func (o *tour) open(t *testing.T) (*places, error) {
	p := &places{tour: o, had: map[string][]byte{}}
	sources, err := o.graph.put(t.TempDir())
	if err != nil {
		return nil, err
	}
	p.sources = sources
	if o.market {
		p.market = newFakeWorld()
		p.market.refusesOverwriting = true
		p.worlds = append(p.worlds, p.market)
	}
	for range o.museums {
		m := newMuseum()
		p.museums, p.worlds = append(p.museums, m), append(p.worlds, m.w)
	}
	for i, n := range o.graph.nodes {
		at, ok := o.foreign[n.name]
		if !ok {
			continue
		}
		ext, err := extension.Load(sources[i].Path, extension.Options{})
		if err != nil {
			return nil, err
		}
		var urls extension.URLs
		if o.market { // in the form that it takes, too
			urls = extension.URLs{}
			for _, a := range ext.Assets {
				urls[a.File] = assetURL(usualBase, n.name, "1.0.0", a)
				p.market.assets[urls[a.File]] = a.Data
			}
		}
		pkg, err := ext.Pack(urls)
		if err != nil {
			return nil, err
		}
		p.museums[at].put(otherBytes(t, pkg))
	}
	p.look()
	return p, nil
}

// look holds what targets have against what they had: nothing that was there changes.
func (p *places) look() {
	for i, w := range p.worlds {
		for key, v := range w.versions {
			at := fmt.Sprintf("%d %s", i, key)
			now := packageIn(w, key)
			if was, ok := p.had[at]; ok && !bytes.Equal(was, now) {
				p.blame("%s was changed", at)
			}
			if now != nil && v.status != target.StatusDraft {
				p.had[at] = now
			}
		}
	}
}

// runs makes some runs at once under a trip.
func (p *places) runs(t *testing.T, trip trip, count int) (all []*results.Document) {
	random := rand.New(rand.NewPCG(trip.seed, 1))
	var mu sync.Mutex
	calls := 0
	stop, interrupt := context.WithCancelCause(t.Context())
	end, kill := context.WithCancelCause(t.Context())
	defer kill(nil)
	defer interrupt(nil)
	if trip.stop > 0 {
		defer time.AfterFunc(trip.stop, func() { interrupt(errors.New("interrupted")) }).Stop()
	}
	draw := func() (float64, int, time.Duration, bool) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		wait := time.Duration(0)
		if trip.slow > 0 {
			wait = time.Duration(random.Int64N(int64(trip.slow)))
		}
		return random.Float64(), random.IntN(4), wait, trip.kill > 0 && calls >= trip.kill
	}
	for _, w := range p.worlds {
		w.hangs = func(string) bool {
			_, _, wait, _ := draw()
			time.Sleep(wait)
			return false
		}
		w.fault = func(call string) (bool, error) {
			luck, kind, _, killed := draw()
			what, of, _ := strings.Cut(call, " ")
			isWrite := what == "push" || what == "submit" || what == "upload"
			if isWrite {
				p.order(w, what, of)
			}
			if killed { // it may be done all the same, and nobody hears of it
				kill(errors.New("killed"))
				interrupt(errors.New("killed"))
				return kind < 2, context.Canceled
			}
			if luck >= trip.faults || !isWrite && !trip.reads {
				return false, nil
			}
			switch {
			case !isWrite:
				return false, &fakeError{text: "502 " + call}
			case kind == 0:
				return false, &fakeError{text: "422 " + call}
			default:
				return kind == 1, &fakeError{text: "503 " + call, doubt: true}
			}
		}
	}
	ctx, done := graceful.With(stop, end)
	defer done()
	var group sync.WaitGroup
	all = make([]*results.Document, count)
	for i := range all {
		group.Go(func() {
			result, err := New(Options{Sources: p.sources, Targets: p.all(), Parallelism: p.graph.parallelism, NamesTargets: true}).Do(ctx)
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				p.blame("%v", err)
				result = &results.Document{}
			}
			all[i] = result
		})
	}
	group.Wait()
	return all
}

// order holds a write against the dependencies in its target.
func (p *places) order(w *fakeWorld, what, of string) {
	name, _, _ := strings.Cut(of, "@")
	if what == "submit" {
		for key, v := range w.versions {
			if v.id == of {
				name, _, _ = strings.Cut(key, "@")
			}
		}
	}
	n, _ := p.graph.node(name)
	for _, d := range n.needs {
		if packageIn(w, d.name+"@1.0.0") == nil {
			p.blame("%s of %s came before %s was there", what, name, d.name)
		}
	}
}

// judge holds what a run says against what is there.
func (p *places) judge(result *results.Document, last bool) {
	p.look()
	for _, x := range result.Extensions {
		key := x.Name + "@" + x.Version
		var all [][]byte
		for i, in := range x.Targets {
			there := packageIn(p.worlds[i], key)
			switch in.Outcome {
			case results.Released, results.Exists:
				if there == nil {
					p.blame("%s is %s in %s, and not there", x.Name, in.Outcome, in.Name)
				}
			case results.Drift:
				p.blame("%s drifts in %s: %s", x.Name, in.Name, in.Reason)
			case results.Failed:
				if !p.twoAtOnce && there != nil && in.Error.Stage != "plan" && in.Error.Stage != results.StagePackage && strings.Contains(in.Error.Message, "422") {
					p.blame("%s is failed in %s, and there: %s", x.Name, in.Name, in.Reason)
				}
			}
			if last && in.Outcome != results.Released && in.Outcome != results.Exists {
				p.blame("%s is %s in %s after a run without trouble: %s", x.Name, in.Outcome, in.Name, in.Reason)
			}
			if there != nil {
				all = append(all, there)
			}
		}
		for _, there := range all {
			if !bytes.Equal(there, all[0]) {
				p.blame("%s is not the same bytes everywhere", x.Name)
			}
		}
	}
	for i, w := range p.worlds {
		slices.Sort(w.taken)
		if twice := slices.Compact(slices.Clone(w.taken)); len(twice) != len(w.taken) {
			p.blame("target %d has taken something twice: %q", i, w.taken)
		}
	}
}

// try makes the tour in a bubble of fake time.
func (o *tour) try(t *testing.T) error {
	p, err := o.open(t)
	if err != nil {
		return err
	}
	for _, trip := range o.trips {
		count := 1
		if o.twoAtOnce {
			count = 2
		}
		for _, result := range p.runs(t, trip, count) {
			p.judge(result, false)
		}
	}
	result := p.runs(t, trip{}, 1)[0]
	p.judge(result, true)
	if !result.AsAsked() {
		p.blame("the last run is not as asked: %v", outcomesOf(result))
	}
	before := 0
	for _, w := range p.worlds {
		before += len(w.writes)
	}
	for _, x := range p.runs(t, trip{}, 1)[0].Extensions {
		if x.Outcome != results.Exists {
			p.blame("%s is %s once more", x.Name, x.Outcome)
		}
	}
	for _, w := range p.worlds {
		before -= len(w.writes)
	}
	if before != 0 {
		p.blame("what is there was written again")
	}
	return p.fault
}

// targets is how many there are.
func (o *tour) targets() int {
	if o.market {
		return 1 + o.museums
	}
	return o.museums
}

func (o *tour) tried(t *testing.T) (err error) {
	synctest.Test(t, func(t *testing.T) { err = o.try(t) })
	return err
}

// smaller are the tours with one thing less.
func (o *tour) smaller() (all []tour) {
	add := func(change func(*tour)) {
		s := *o
		s.trips, s.graph.nodes = slices.Clone(o.trips), slices.Clone(o.graph.nodes)
		change(&s)
		all = append(all, s)
	}
	if n := len(o.graph.nodes); n > 1 {
		add(func(s *tour) { s.graph.nodes = s.graph.nodes[:n-1] })
	}
	for i := range o.trips {
		add(func(s *tour) { s.trips = slices.Delete(s.trips, i, i+1) })
		if o.trips[i].faults > 0 {
			add(func(s *tour) { s.trips[i].faults = 0 })
		}
		if o.trips[i].slow > 0 {
			add(func(s *tour) { s.trips[i].slow = 0 })
		}
	}
	for i, n := range o.graph.nodes {
		if len(n.needs) > 0 {
			add(func(s *tour) { s.graph.nodes[i].needs = nil })
		}
	}
	if len(o.foreign) > 0 {
		add(func(s *tour) { s.foreign = nil })
	}
	if o.twoAtOnce {
		add(func(s *tour) { s.twoAtOnce = false })
	}
	return all
}

func TestPromisesHoldInEachTarget(t *testing.T) {
	cases := soak.Cases(t, 120, 5_000)
	trips, versions := 0, 0
	for i := range cases {
		o := drawTour(rand.New(rand.NewPCG(13, uint64(i))))
		err := o.tried(t)
		for changed := err != nil; changed; {
			changed = false
			for _, s := range o.smaller() {
				if e := s.tried(t); e != nil {
					o, err, changed = s, e, true
					break
				}
			}
		}
		if err != nil {
			t.Fatalf("tour %d, made smaller: %v\n%s", i, err, o)
		}
		trips += len(o.trips) + 2
		versions += len(o.graph.nodes) * o.targets()
	}
	t.Logf("%d projects with %d versions in targets, in %d runs", cases, versions, trips)
}
