package reliability

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// Promise P10: two runs at once are safe. Two real processes release the same
// versions to one marketplace. A referee in front of it holds their requests
// and lets one at a time through, so that a test decides on the order.

// turn is a request that waits to be let through.
type turn struct {
	request
	goes, done chan struct{}
}

// referee lets the requests of two runs through one by one.
type referee struct {
	holds func(q request) bool    // other requests pass at once
	pick  func(of []*turn) int    // who goes next; of is never empty
	fate  fate                    // a kill in the middle
	runs  map[string]*process     // by the name of the address they use
	said  chan *turn              // requests as they come
	over  chan string             // runs that have ended
	sleep func() <-chan time.Time // how long nothing may come of a run before it counts as asleep
}

// fate is the kill of one run at its nth request, before or after the
// marketplace did what it was asked.
type fate struct {
	who   string // nobody if it is empty
	nth   int
	after bool
}

func (f fate) String() string {
	if f.who == "" {
		return "nobody is killed"
	}
	return fmt.Sprintf("%s is killed at its request %d, after it is done: %v", f.who, f.nth, f.after)
}

// hook puts the referee in front of a market.
func (r *referee) hook() hook {
	var mu sync.Mutex
	counts := map[string]int{}
	return func(q request, take func()) bool {
		if r.runs[q.who] != nil && r.holds(q) {
			t := &turn{q, make(chan struct{}), make(chan struct{})}
			defer close(t.done)
			r.said <- t
			<-t.goes
		}
		mu.Lock()
		counts[q.who]++
		killed := r.fate.who == q.who && r.fate.nth == counts[q.who]
		mu.Unlock()
		if !killed {
			take()
			return true
		}
		if r.fate.after {
			take()
		}
		r.runs[q.who].kill()
		return false
	}
}

// direct starts the runs and lets their requests through until both have
// ended. It waits until each of them either waits for it or has ended: only
// then all there is to choose from is there. A run that sleeps between two
// requests counts as waiting for nothing, after some time in which nothing came.
func (r *referee) direct() {
	alive, busy := map[string]bool{}, map[string]bool{}
	for who, run := range r.runs {
		alive[who], busy[who] = true, true
		go func() {
			<-run.ended
			r.over <- who
		}()
		run.start()
	}
	var waiting []*turn
	for len(alive) > 0 || len(waiting) > 0 {
		var asleep <-chan time.Time
		for len(busy) > 0 || len(waiting) == 0 {
			if len(waiting) > 0 && asleep == nil {
				asleep = r.sleep()
			}
			if len(alive) == 0 {
				break
			}
			select {
			case t := <-r.said:
				waiting = append(waiting, t)
				delete(busy, t.who)
				continue
			case who := <-r.over:
				delete(alive, who)
				delete(busy, who)
				continue
			case <-asleep:
			}
			break
		}
		if len(waiting) == 0 {
			continue
		}
		slices.SortFunc(waiting, func(a, b *turn) int {
			return cmp.Or(strings.Compare(a.who, b.who), strings.Compare(string(a.class)+a.extension, string(b.class)+b.extension))
		})
		at := 0
		if len(waiting) > 1 {
			at = r.pick(waiting)
		}
		next := waiting[at]
		waiting = slices.Delete(waiting, at, at+1)
		if alive[next.who] && !slices.ContainsFunc(waiting, func(t *turn) bool { return t.who == next.who }) {
			busy[next.who] = true
		}
		close(next.goes)
		<-next.done
	}
}

// race is two runs at once, and what came of them.
type race struct {
	t      *testing.T
	market *market
	places map[string]*place // of A and B; may be one and the same
	runs   map[string]*process
	same   bool // both have the same content
	fate   fate
	at     []string
}

// newRace prepares it.
func newRace(t *testing.T, a, b *place, f fate) *race {
	t.Helper()
	x := &race{t: t, market: openMarket(t), places: map[string]*place{"A": a, "B": b}, runs: map[string]*process{}, same: a.repo == b.repo, fate: f}
	for who, p := range x.places {
		address := x.market.listen(who)
		x.at = append(x.at, address)
		x.runs[who] = p.newProcess(t, address, "run", "--output", "json", "--report", p.file("result.json"))
	}
	return x
}

// held lets them run, with a referee before the market. quiet is how long
// nothing may come of a run before it counts as asleep.
func (x *race) held(holds func(request) bool, quiet time.Duration, pick func([]*turn) int) {
	r := &referee{
		holds: holds, pick: pick, fate: x.fate, runs: x.runs, said: make(chan *turn), over: make(chan string),
		sleep: func() <-chan time.Time { return time.After(quiet) },
	}
	x.market.through(r.hook())
	r.direct()
	for _, address := range x.at {
		x.market.settle(address)
	}
}

// deciding are the requests that read or change what is known of a version
// before it is submitted. In which order the others come makes no difference:
// who somebody is does not change, and after the submission nothing does.
func deciding() func(request) bool {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(q request) bool {
		if q.class == askIndex || q.class == askVersion { // the first is that of the plan
			mu.Lock()
			defer mu.Unlock()
			key := q.who + string(q.class)
			first := !seen[key]
			seen[key] = true
			return first
		}
		return q.class.writes()
	}
}

// everything holds each request.
func everything(request) bool { return true }

// judged holds what the runs say against what the server has, and returns the
// outcomes in words.
func (x *race) judged() string {
	x.t.Helper()
	record := x.market.record()
	said := map[string]map[string]results.Extension{}
	for who, run := range x.runs {
		if run.code(); strings.Contains(run.stderr.String(), "panic") || strings.Contains(run.stderr.String(), "goroutine ") {
			x.t.Errorf("%s has crashed: %s", who, run.output())
		}
		if who == x.fate.who && run.code() == -1 {
			continue
		}
		said[who] = x.said(who)
	}
	words := map[string]bool{}
	for _, member := range x.places["A"].repo.members {
		winner, submitted := x.truth(record, member.name)
		for who, all := range said {
			got := all[member.name]
			words[fmt.Sprint(got.Outcome)] = true
			x.holds(record, who, got, winner, submitted)
		}
	}
	for who, all := range said {
		code := 0
		for _, got := range all {
			if got.Outcome != results.Released && got.Outcome != results.Exists {
				code = 1
			}
		}
		if got := x.runs[who].code(); got != code {
			x.t.Errorf("%s ended with %d: %s", who, got, x.runs[who].output())
		}
	}
	if x.t.Failed() {
		x.t.Logf("%s", x.fate)
		for _, q := range record {
			x.t.Logf("%s", q)
		}
		for who, run := range x.runs {
			x.t.Logf("%s: %s", who, run.output())
		}
	}
	var all []string
	for word := range words {
		all = append(all, word)
	}
	slices.Sort(all)
	return strings.Join(all, " and ")
}

// said is how a run says that the extensions ended: in the events and, unless
// it is shared, in the result document.
func (x *race) said(who string) map[string]results.Extension {
	x.t.Helper()
	ended := map[string]results.Extension{}
	for _, e := range x.runs[who].events() {
		if e.Ended != nil {
			ended[e.Extension] = *e.Ended
		}
	}
	document := x.places[who].document(x.t, "result.json")
	if document == nil || document.Finished == nil || len(document.Extensions) != len(ended) {
		x.t.Errorf("%s: the result document is %+v", who, document)
	} else if x.places["A"] != x.places["B"] {
		for _, d := range document.Extensions {
			if d.Outcome != ended[d.Name].Outcome {
				x.t.Errorf("%s: %s is %s in the result document and %s in the events", who, d.Name, d.Outcome, ended[d.Name].Outcome)
			}
		}
	}
	return ended
}

// truth checks what the server has of an extension, and says whose content it
// is and when it was submitted.
func (x *race) truth(record []request, name string) (winner string, submitted int) {
	x.t.Helper()
	if s := x.market.snapshots(name); len(s) != 1 || s[0].Status != target.StatusSubmitted {
		x.t.Errorf("%s has the snapshots %+v, not one that is submitted", name, s)
	}
	for _, q := range record {
		switch {
		case q.extension != name || !q.taken():
		case q.class == sendSubmit && submitted > 0:
			x.t.Errorf("%s was submitted twice", name)
		case q.class == sendSubmit:
			submitted = q.finished
		case q.class == sendDraft && submitted > 0 && q.finished > submitted:
			x.t.Errorf("the package of %s was replaced after its submission", name)
		}
	}
	file := name + "-" + theVersion + ".tgz"
	published := x.get("/charts/" + file)
	for _, who := range []string{"A", "B"} {
		kept, err := os.ReadFile(x.places[who].file("dist/" + file))
		if err == nil && bytes.Equal(kept, published) {
			winner = who
			break
		}
	}
	if winner == "" {
		x.t.Errorf("what the server has of %s is neither the package of A nor that of B", name)
		return "", submitted
	}
	x.assets(x.places[winner].repo, name, published)
	return winner, submitted
}

// get asks the marketplace itself.
func (x *race) get(path string) []byte {
	x.t.Helper()
	answer := httptest.NewRecorder()
	x.market.store.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	if answer.Code != http.StatusOK {
		x.t.Errorf("GET %s: %d %s", path, answer.Code, answer.Body)
	}
	return answer.Body.Bytes()
}

var uploadedAt = regexp.MustCompile(`http://127\.0\.0\.1:\d+(/files/[^\s"']+)`)

// assets checks that the pictures that a package shows are those of the
// repository it was made from.
func (x *race) assets(repo *monorepo, name string, published []byte) {
	x.t.Helper()
	var own [][]byte
	files, err := filepath.Glob(filepath.Join(repo.dir, "extensions", name, "static", "*"))
	if err != nil {
		x.t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			x.t.Fatal(err)
		}
		own = append(own, data)
	}
	inside, err := extension.Read(name, published, extension.Limits{})
	if err != nil {
		x.t.Errorf("the package of %s: %v", name, err)
		return
	}
	found := uploadedAt.FindAllStringSubmatch(string(inside.Document.Source()), -1)
	if len(found) != len(own) {
		x.t.Errorf("%s shows %d pictures, and has %d", name, len(found), len(own))
	}
	for _, address := range found {
		served := x.get(address[1])
		if !slices.ContainsFunc(own, func(data []byte) bool { return bytes.Equal(data, served) }) {
			x.t.Errorf("%s shows a picture that is none of its own: %s", name, address[1])
		}
	}
}

// holds checks what a run says of an extension.
func (x *race) holds(record []request, who string, got results.Extension, winner string, submitted int) {
	x.t.Helper()
	if !x.same && who != winner {
		if got.Outcome != results.Drift {
			x.t.Errorf("%s says %s of %s, whose content is that of %s: %s", who, got.Outcome, got.Name, winner, got.Reason)
		}
		if !strings.Contains(got.Reason, "bump version") {
			x.t.Errorf("%s does not say what to do: %s", who, got.Reason)
		}
		return
	}
	if got.Outcome != results.Released && got.Outcome != results.Exists {
		x.t.Errorf("%s says %s of %s: %s", who, got.Outcome, got.Name, got.Reason)
	}
	looked := func(c class) bool {
		return slices.ContainsFunc(record, func(q request) bool { return q.who == who && q.class == c && q.finished > submitted })
	}
	if !looked(askIndex) || got.Outcome == results.Released && !looked(askChart) {
		x.t.Errorf("%s says %s of %s without having seen it", who, got.Outcome, got.Name)
	}
}

// orders walks through a tree of choices, each path of it once.
type orders struct {
	mu    sync.Mutex
	next  [][]int // beginnings of paths that nobody has gone
	found int     // paths
	busy  int
	moved *sync.Cond
	pick  func(n int) int // which beginning is next
}

func newOrders(pick func(n int) int) *orders {
	o := &orders{next: [][]int{nil}, pick: pick}
	o.moved = sync.NewCond(&o.mu)
	return o
}

// begin hands out the beginning of a path; false when all were gone.
func (o *orders) begin() ([]int, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.next) == 0 {
		if o.busy == 0 {
			return nil, false
		}
		o.moved.Wait()
	}
	at := o.pick(len(o.next))
	path := o.next[at]
	o.next = slices.Delete(o.next, at, at+1)
	o.busy++
	return path, true
}

// choice is one on a path: of how many, and which.
type choice struct{ of, taken int }

// end takes back a path that was gone to its end; those that branch off it
// behind its beginning are still to be gone.
func (o *orders) end(begin []int, gone []choice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var taken []int
	for i, c := range gone {
		if i >= len(begin) {
			for other := range c.of {
				if other != c.taken {
					o.next = append(o.next, append(slices.Clone(taken), other))
				}
			}
		}
		taken = append(taken, c.taken)
	}
	o.found++
	o.busy--
	o.moved.Broadcast()
}

// rivals are two places with one extension each, of the same name and version
// and, unless they share a repository, of other content: in values and pictures.
func rivals(t *testing.T, repos [2]*monorepo) (a, b *place) {
	return newPlace(t, repos[0]), newPlace(t, repos[1])
}

// otherContent is a repository like that of writeMonorepo, with other values
// and pictures. Its runs, and those of the first, wait for little: who is told
// drift has waited to the end.
func otherContent(t *testing.T, n int) [2]*monorepo {
	t.Helper()
	repos := [2]*monorepo{writeMonorepo(t, members(n)), writeMonorepo(t, members(n))}
	for _, repo := range repos {
		repo.write(t, ".ksrelease.yaml", config+"verify: {timeout: 2s}\n")
	}
	for _, x := range repos[1].members {
		folder := "extensions/" + x.name + "/"
		repos[1].write(t, folder+"values.yaml", "global: {}\nother: true\n")
		repos[1].write(t, folder+"static/icon.svg", `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><title>other</title></svg>`)
		repos[1].write(t, folder+"static/one.png", picture+"other")
	}
	return repos
}

// Every order in which the requests of two runs that matter can reach the
// marketplace, with the same content and with other content.
func TestTwoRunsInEveryOrder(t *testing.T) {
	same := writeMonorepo(t, members(1))
	for name, repos := range map[string][2]*monorepo{
		"the same content": {same, same},
		"other content":    otherContent(t, 1),
	} {
		t.Run(name, func(t *testing.T) {
			short := 16
			if testing.Short() {
				short = 6
			}
			const enough = 10_000 // more than there are
			cases := soak.Cases(t, short, enough)
			random := rand.New(rand.NewPCG(10, 1))
			all := newOrders(random.IntN)
			var mu sync.Mutex
			outcomes := map[string]int{}
			inTurn(4, 4, func(worker int) {
				for i := 0; i < cases/4; i++ {
					begin, ok := all.begin()
					if !ok {
						return
					}
					var gone []choice
					t.Run(fmt.Sprintf("%d.%d", worker, i), func(t *testing.T) {
						a, b := rivals(t, repos)
						x := newRace(t, a, b, fate{})
						// Before its submission no run sleeps, so the choice is always the whole one.
						x.held(deciding(), time.Minute, func(of []*turn) int {
							taken := 0
							if len(gone) < len(begin) {
								taken = min(begin[len(gone)], len(of)-1)
							}
							gone = append(gone, choice{len(of), taken})
							return taken
						})
						word := x.judged()
						if t.Failed() {
							t.Logf("order %v", gone)
						}
						mu.Lock()
						defer mu.Unlock()
						outcomes[word]++
					})
					all.end(begin, gone)
				}
			})
			left := ""
			if len(all.next) > 0 {
				left = ", and there are more"
			}
			t.Logf("%d orders%s: %v", all.found, left, outcomes)
		})
	}
}

// Two runs in random orders of all their requests: with the same or other
// content, in two folders or one, and with one of them killed in the middle.
func TestTwoRunsAtOnce(t *testing.T) {
	short := 24
	if testing.Short() {
		short = 12
	}
	cases := soak.Cases(t, short, 800)
	one, three := writeMonorepo(t, members(1)), writeMonorepo(t, members(3))
	others := otherContent(t, 1)
	var mu sync.Mutex
	outcomes := map[string]int{}
	inTurn(cases, 4, func(i int) {
		random := rand.New(rand.NewPCG(10, uint64(i)))
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			repos, kind := [2]*monorepo{one, one}, "the same content"
			switch i % 4 {
			case 1:
				repos, kind = others, "other content"
			case 2:
				repos, kind = [2]*monorepo{three, three}, "three extensions"
			}
			a, b := rivals(t, repos)
			if i%4 == 3 {
				b, kind = a, "one folder"
			}
			var f fate
			if random.IntN(3) == 0 {
				f = fate{who: "A", nth: 1 + random.IntN(9*len(repos[0].members)), after: random.IntN(2) == 0}
				kind += ", one killed"
			}
			x := newRace(t, a, b, f)
			x.held(everything, 400*time.Millisecond, func(of []*turn) int { return random.IntN(len(of)) })
			word := x.judged()
			mu.Lock()
			defer mu.Unlock()
			outcomes[kind+": "+word]++
		})
	})
	for kind, n := range outcomes {
		t.Logf("%d × %s", n, kind)
	}
}
