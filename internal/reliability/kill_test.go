package reliability

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// point is a moment in a release, by what is asked of the server then. Unlike
// a number of the request it is the same in each run, however the extensions
// of it happen to be interleaved.
type point struct {
	class     class
	extension string // empty for requests that all extensions share
	nth       int    // which one of that class and extension
	// after is true when the server has done what it was asked, and its answer has
	// reached nobody; false when the request has reached it, and nothing more.
	after bool
	// late is true when the last run begins before the index shows what was
	// submitted: the marketplace alone knows of it then.
	late bool
}

func (p point) String() string {
	text := "before"
	if p.after {
		text = "after"
	}
	text += fmt.Sprintf("_%s_%d_%s", p.class, p.nth, cmp.Or(p.extension, "all"))
	if p.late {
		text += "_late"
	}
	return text
}

// of says whether a request is the one at the point.
func (p point) of(q request) bool {
	return q.class == p.class && q.extension == p.extension && q.nth == p.nth
}

// killing is a hook that kills the process at the point. The other requests
// that it has sent by then are still answered: they have left it.
func (p point) killing(victim *process) hook {
	return func(q request, take func()) bool {
		if !p.of(q) {
			return pass(q, take)
		}
		if p.after {
			take()
		}
		victim.kill()
		return false
	}
}

// release is a run of the whole monorepo with all reports, in a place that
// remembers, as a machine does on which one tries again.
func (p *place) release(t testing.TB, m *market, who string) (*process, string) {
	t.Helper()
	address := m.listen(who)
	args := []string{"run", "--output", "json"}
	for _, ending := range endings {
		args = append(args, "--report", p.file(who+ending))
	}
	return p.newProcess(t, address, args...), address
}

// endings are those of all reports.
var endings = []string{".json", ".jsonl", ".xml", ".md", ".sarif"}

// points are all moments at which a release of these extensions can be killed
// at a request, read off a run that nobody disturbs. How often the index is
// read while the run waits for it differs from run to run: of those points
// only the ones are taken that each run has.
func points(t testing.TB, repo *monorepo) []point {
	t.Helper()
	m := openMarket(t)
	run, _ := newPlace(t, repo).release(t, m, "clean")
	if code := run.run(); code != 0 {
		t.Fatal(run.output())
	}
	var all []point
	for _, q := range m.record() {
		// Once for the plan, and once after each level of the dependencies.
		if q.class == askIndex && q.nth > 1+repo.depth() {
			continue
		}
		for _, after := range []bool{false, true} {
			all = append(all, point{class: q.class, extension: q.extension, nth: q.nth, after: after})
		}
	}
	// The same order each time, whichever request came first.
	slices.SortStableFunc(all, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.extension, b.extension), cmp.Compare(a.nth, b.nth))
	})
	for i := range all {
		all[i].late = i/2%2 == 1 // every other request
	}
	return all
}

// depth is how many extensions stand in the longest chain of dependencies.
func (m *monorepo) depth() int {
	depths := map[string]int{}
	deepest := 0
	for _, x := range m.members { // each after those that it needs
		d := 1
		for _, name := range x.needs {
			d = max(d, depths[name]+1)
		}
		depths[x.name] = d
		deepest = max(deepest, d)
	}
	return deepest
}

// spread takes count of all points, so that each kind of request is among them
// before and after it was taken, and the rest is spread over the release.
func spread(all []point, count int) []point {
	if count >= len(all) {
		return all
	}
	type stratum struct {
		class class
		after bool
	}
	var strata []stratum
	byStratum := map[stratum][]point{}
	for _, p := range all {
		s := stratum{p.class, p.after}
		if byStratum[s] == nil {
			strata = append(strata, s)
		}
		byStratum[s] = append(byStratum[s], p)
	}
	var taken []point
	for round := 0; len(taken) < max(count, len(strata)); round++ {
		for i, s := range strata {
			if len(byStratum[s]) == 0 || round > 0 && len(taken) >= count {
				continue
			}
			// Not the same extension each time.
			at := (3*i + i/2 + 3*round) % len(byStratum[s])
			taken = append(taken, byStratum[s][at])
			byStratum[s] = slices.Delete(slices.Clone(byStratum[s]), at, at+1)
		}
	}
	return taken
}

// size is how many extensions the release has that is killed.
func size() int {
	if testing.Short() {
		return 8
	}
	return 20
}

// Promises P1 and P11: killed at any request, one more run finishes, and what
// the killed run left behind tells of each write that the server took.
func TestKilledAtEachRequest(t *testing.T) {
	repo := writeMonorepo(t, members(size()))
	all := points(t, repo)
	short := 24
	if testing.Short() {
		short = 1 // one of each kind
	}
	chosen := spread(all, soak.Cases(t, short, len(all)))
	var total tally
	inTurn(len(chosen), 4, func(i int) {
		at := chosen[i]
		t.Run(at.String(), func(t *testing.T) {
			story := newStory(t, repo, &total)
			if !story.killed("first", func(victim *process) { story.market.through(at.killing(victim)) }) {
				t.Errorf("the release has no such request")
			}
			if at.late {
				story.market.isLate(func(q request) bool { return q.nth == 1 })
			}
			story.finishes("last")
		})
	})
	t.Logf("killed at %d points of %d: %s", len(chosen), len(all), &total)
}

// Likewise when the run that was to finish it is killed as well.
func TestKilledTwice(t *testing.T) {
	repo := writeMonorepo(t, members(size()))
	all := points(t, repo)
	short := 4
	if testing.Short() {
		short = 1
	}
	var total tally
	inTurn(soak.Cases(t, short, 100), 4, func(int) {
		first, second := all[rand.IntN(len(all))], all[rand.IntN(len(all))]
		t.Run(first.String()+"_and_"+second.String(), func(t *testing.T) {
			story := newStory(t, repo, &total)
			for i, at := range []point{first, second} {
				// What the first run did the second need not do, so it may end before.
				story.killed([]string{"first", "second"}[i], func(victim *process) { story.market.through(at.killing(victim)) })
			}
			story.finishes("last")
		})
	})
	t.Log(&total)
}

// Likewise between the requests: as soon as the run tells of something, which
// it does before and after each stage.
func TestKilledAtEachEvent(t *testing.T) {
	repo := writeMonorepo(t, members(size()))
	run, _ := newPlace(t, repo).release(t, openMarket(t), "clean")
	if code := run.run(); code != 0 {
		t.Fatal(run.output())
	}
	events := bytes.Count(run.stdout.Bytes(), []byte("\n"))
	short := 6
	if testing.Short() {
		short = 2
	}
	var total tally
	cases := soak.Cases(t, short, 100)
	inTurn(cases, 4, func(i int) {
		after := 1 + i*events/cases + events/cases/2 // spread evenly, not only at the first
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			story := newStory(t, repo, &total)
			story.killed("first", func(victim *process) {
				victim.stdout.watch(func(soFar []byte) {
					if bytes.Count(soFar, []byte("\n")) >= after {
						victim.signal(os.Kill)
					}
				})
			})
			story.finishes("last")
		})
	})
	t.Logf("killed after %d events of %d: %s", cases, events, &total)
}

// Likewise at any time at all: a while after anything that the run tells, and
// so in the middle of whatever it does then.
func TestKilledAtAnyTime(t *testing.T) {
	repo := writeMonorepo(t, members(size()))
	run, _ := newPlace(t, repo).release(t, openMarket(t), "clean")
	if code := run.run(); code != 0 {
		t.Fatal(run.output())
	}
	events := bytes.Count(run.stdout.Bytes(), []byte("\n"))
	short := 4
	if testing.Short() {
		short = 1
	}
	var total tally
	cases := soak.Cases(t, short, 100)
	inTurn(cases, 4, func(int) {
		after, while := rand.IntN(events), time.Duration(rand.IntN(20_000))*time.Microsecond
		t.Run(fmt.Sprintf("%d_and_%s", after, while), func(t *testing.T) {
			story := newStory(t, repo, &total)
			story.killed("first", func(victim *process) {
				kill := sync.OnceFunc(func() {
					timer := time.AfterFunc(while, func() { victim.signal(os.Kill) })
					t.Cleanup(func() { timer.Stop() })
				})
				victim.stdout.watch(func(soFar []byte) {
					if bytes.Count(soFar, []byte("\n")) >= after {
						kill()
					}
				})
			})
			story.finishes("last")
		})
	})
	t.Logf("killed at %d random times: %s", cases, &total)
}

// Likewise with --local, where the marketplace dies with the run: it has kept
// what it acknowledged, and is free for the next run.
func TestKilledWithItsMarketplace(t *testing.T) {
	release := func(t *testing.T, place *place, who string) *process {
		return place.newProcess(t, "http://127.0.0.1:1", "run", "--local", "--output", "json", "--report", place.file(who+".json"))
	}
	all := members(size())
	clean := release(t, newPlace(t, writeMonorepo(t, all)), "clean")
	if code := clean.run(); code != 0 {
		t.Fatal(clean.output())
	}
	events := bytes.Count(clean.stdout.Bytes(), []byte("\n"))
	short := 3
	if testing.Short() {
		short = 1
	}
	var kills atomic.Int64
	cases := soak.Cases(t, short, 100)
	inTurn(cases, 4, func(i int) {
		after := 1 + i*events/cases + events/cases/2
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			place := newPlace(t, writeMonorepo(t, all))
			victim := release(t, place, "first")
			victim.stdout.watch(func(soFar []byte) {
				if bytes.Count(soFar, []byte("\n")) >= after {
					victim.signal(os.Kill)
				}
			})
			if victim.run() < 0 {
				kills.Add(1)
			}
			left := statesInDocument(place.document(t, "first.json"))
			last := release(t, place, "last")
			if code := last.run(); code != 0 {
				t.Fatalf("one more run does not finish: %s", last.output())
			}
			result := place.document(t, "last.json")
			if result == nil || len(result.Extensions) != len(all) {
				t.Fatalf("the result document of the last run: %+v", result)
			}
			for _, x := range result.Extensions {
				state := left[results.StagePush+" "+x.Name]
				switch {
				case x.Outcome == results.Exists && (state == results.StageOK || state == results.StageStarted):
				case x.Outcome == results.Released && state != results.StageOK:
				default:
					t.Errorf("%s is %s after one more run, and its push was %q when the first was killed", x.Name, x.Outcome, state)
				}
			}
		})
	})
	t.Logf("%d runs killed with their marketplace after %d events", kills.Load(), cases)
}

// story is what happens to one monorepo: runs that are killed, and a last one.
type story struct {
	t      *testing.T
	repo   *monorepo
	market *market
	place  *place
	total  *tally
}

// tally is what all stories of a test came to.
type tally struct {
	mu sync.Mutex
	// kills is how many runs were killed, seconds how many versions got a second
	// snapshot or submission.
	kills, seconds int
	// taken is how many writes the server did for all runs, done and doubtful how
	// the evidence has them.
	taken, done, doubtful int
}

func (s *tally) killed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kills++
}

func (s *tally) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%d runs killed, %d second snapshots or submissions; of %d writes that the server took, the evidence has %d as done and %d as in doubt",
		s.kills, s.seconds, s.taken, s.done, s.doubtful)
}

func newStory(t *testing.T, repo *monorepo, total *tally) *story {
	return &story{t: t, repo: repo, market: openMarket(t), place: newPlace(t, repo), total: total}
}

// killed runs a release that aim is going to have killed, checks what it left
// behind, and says whether it was killed; otherwise it has to have finished.
func (s *story) killed(who string, aim func(victim *process)) bool {
	s.t.Helper()
	victim, address := s.place.release(s.t, s.market, who)
	aim(victim)
	code := victim.run()
	s.market.settle(address)
	s.market.through(pass)
	s.evidence(who, victim)
	s.writesOnce()
	if code > 0 {
		s.t.Errorf("it was not killed, and did not finish: %s", victim.output())
	}
	if code < 0 {
		s.total.killed()
	}
	return code < 0
}

// finishes is the one more run after which all has to be well.
func (s *story) finishes(who string) {
	s.t.Helper()
	before := s.submitted()
	last, address := s.place.release(s.t, s.market, who)
	if code := last.run(); code != 0 {
		s.t.Errorf("one more run does not finish: %s", last.output())
		return
	}
	s.market.settle(address)
	s.writesOnce()
	s.evidence(who, last)
	result := s.place.document(s.t, who+".json")
	if result == nil || result.Finished == nil || len(result.Extensions) != len(s.repo.members) {
		s.t.Fatalf("the result document of the last run is not finished: %+v", result)
	}
	for _, x := range result.Extensions {
		want := results.Released
		if before[x.Name] {
			want = results.Exists
		}
		if x.Outcome != want {
			s.t.Errorf("%s is %s after one more run, and should be %s: %s", x.Name, x.Outcome, want, x.Reason)
		}
	}
	for _, x := range s.repo.members {
		if have := s.market.snapshots(x.name); len(have) != 1 || have[0].Status != target.StatusSubmitted {
			s.t.Errorf("the marketplace has not one submitted version of %s, but %+v", x.name, have)
		}
	}
	for _, ending := range endings {
		if s.place.report(s.t, who+ending) == nil {
			s.t.Errorf("the last run left no %s", ending)
		}
	}
}

// submitted are the extensions whose submission the server has taken.
func (s *story) submitted() map[string]bool {
	names := map[string]bool{}
	for _, q := range s.market.record() {
		if q.class == sendSubmit && q.taken() {
			names[q.extension] = true
		}
	}
	return names
}

// writesOnce holds the record of the server against the promise: one snapshot
// and one submission a version, nothing sent for a version after it, nothing
// sent twice by one run, and nothing sent that the server had to refuse.
func (s *story) writesOnce() {
	s.t.Helper()
	type write struct {
		who       string
		class     class
		extension string
	}
	sent := map[write]bool{}
	submitted := map[string]request{}
	snapshots := map[string]string{}
	for _, q := range s.market.record() { // in the order of arrival
		if !q.class.writes() {
			continue
		}
		if w := (write{q.who, q.class, q.extension}); sent[w] {
			s.t.Errorf("it is sent twice by one run: %s", q)
		} else {
			sent[w] = true
		}
		if done, ok := submitted[q.extension]; ok && done.finished < q.arrived {
			s.t.Errorf("something is sent for a version that is submitted: %s, after %s", q, done)
		}
		switch {
		case q.status >= 400:
			s.t.Errorf("the server had to refuse it: %s", q)
		case !q.taken():
		case q.class == sendSubmit:
			if done, ok := submitted[q.extension]; ok {
				s.second("submission: %s, after %s", q, done)
			}
			submitted[q.extension] = q
		case q.class == sendDraft:
			if first := cmp.Or(snapshots[q.extension], q.snapshot); first != q.snapshot {
				s.second("snapshot: %s is %s, and was %s", q.extension, q.snapshot, first)
			}
			snapshots[q.extension] = q.snapshot
		}
	}
}

func (s *story) second(format string, args ...any) {
	s.t.Helper()
	s.t.Errorf("a second "+format, args...)
	s.total.mu.Lock()
	defer s.total.mu.Unlock()
	s.total.seconds++
}

// stageOf is the stage that sends a kind of request.
var stageOf = map[class]string{sendFiles: results.StageUpload, sendDraft: results.StagePush, sendSubmit: results.StagePush}

// evidence holds what a run left behind against what the server has of it:
// each write that was taken is there as done or as in doubt, nothing is there
// as done that was not taken, and no report is half written.
func (s *story) evidence(who string, run *process) {
	s.t.Helper()
	document := statesInDocument(s.place.document(s.t, who+".json"))
	stream := statesInEvents(run.events())
	lines := statesInDocument(s.place.journal(s.t, who+".jsonl"))
	sources := map[string]map[string]results.StageStatus{"result document": document, "event stream": stream, "journal": lines}
	took := map[string]bool{}
	s.total.mu.Lock()
	defer s.total.mu.Unlock()
	for _, q := range s.market.record() {
		if q.who != who || !q.class.writes() || !q.taken() {
			continue
		}
		s.total.taken++
		took[string(q.class)+" "+q.extension] = true
		key := stageOf[q.class] + " " + q.extension
		for source, states := range sources {
			if state := states[key]; state != results.StageOK && state != results.StageStarted {
				s.t.Errorf("the server took it, and the %s has the stage as %q: %s", source, state, q)
			}
		}
		if document[key] == results.StageOK && stream[key] == results.StageOK {
			s.total.done++
		} else {
			s.total.doubtful++
		}
	}
	for _, x := range s.repo.members {
		for class, stage := range stageOf {
			for source, states := range sources {
				if states[stage+" "+x.name] == results.StageOK && !took[string(class)+" "+x.name] {
					s.t.Errorf("the %s has %s of %s as done, and the server has not taken the %s", source, stage, x.name, class)
				}
			}
		}
	}
	for _, ending := range endings {
		s.place.report(s.t, who+ending)
	}
}

// statesInDocument is how far each extension came in each stage, by "STAGE
// EXTENSION". Without a document nothing is known.
func statesInDocument(r *results.Document) map[string]results.StageStatus {
	states := map[string]results.StageStatus{}
	if r == nil {
		return states
	}
	for _, x := range r.Extensions {
		for _, stage := range x.Stages {
			states[stage.Name+" "+x.Name] = stage.Status
		}
	}
	return states
}

// statesInEvents is the same, by what the event stream tells of the part of a
// run in which it writes.
func statesInEvents(all []event) map[string]results.StageStatus {
	states := map[string]results.StageStatus{}
	for _, e := range all {
		if e.Stage != "" && !e.Planning {
			states[e.Stage+" "+e.Extension] = e.Status
		}
	}
	return states
}
