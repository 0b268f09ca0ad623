//go:build unix

package reliability

import (
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// understood is printed as soon as a run has taken a signal for an interrupt.
const understood = "interrupted: "

// scene is a release, two extensions at a time, that is interrupted: some are
// released, and the next two are held with their package on the way.
type scene struct {
	t      *testing.T
	market *market
	place  *place
	run    *process
	at     string // the address of the market

	held     chan string // the extensions that are held, as they come
	goOn     chan struct{}
	released <-chan struct{} // the first is
	noticed  <-chan struct{} // the run has understood the signal
}

func newScene(t *testing.T, args ...string) *scene {
	t.Helper()
	s := &scene{t: t, market: openMarket(t), held: make(chan string, 2), goOn: make(chan struct{})}
	s.place = newPlace(t, writeMonorepo(t, members(12)))
	s.at = s.market.listen("first")
	s.run = s.place.newProcess(t, s.at, append([]string{"run", "--parallelism", "2", "--report", s.place.file("first.json")}, args...)...)
	s.released = s.run.stderr.once("seen in the Helm repository", 1)
	s.noticed = s.run.stderr.once(understood, 1)
	s.market.through(func(q request, take func()) bool {
		if q.class == sendDraft {
			select {
			case <-s.released:
				select {
				case s.held <- q.extension:
				case <-s.goOn:
				}
				select {
				case <-s.goOn:
				case <-s.run.ended:
					return false
				}
			default: // that an extension is seen takes a place of the two
			}
		}
		return pass(q, take)
	})
	return s
}

// begin starts the run and waits until it is where it is to be interrupted.
func (s *scene) begin() (held []string) {
	s.t.Helper()
	s.run.start()
	for range 2 {
		held = append(held, waitFor(s, "an extension to be held", s.held))
	}
	slices.Sort(held)
	return held
}

// waitFor waits for what the run has to do, unless it ends without.
func waitFor[T any](s *scene, what string, c <-chan T) (got T) {
	s.t.Helper()
	select {
	case got = <-c:
	case <-s.run.ended:
		s.t.Fatalf("the run ended while the test waited for %s: %s", what, s.run.output())
	}
	return got
}

// outcomes are the names by outcome, as the result document has them, which is
// held against the table.
func (s *scene) outcomes() map[results.Outcome][]string {
	s.t.Helper()
	result := s.place.document(s.t, "first.json")
	if result == nil || result.Finished == nil {
		s.t.Fatalf("the result document is not finished: %+v", result)
	}
	got := map[results.Outcome][]string{}
	for _, x := range result.Extensions {
		got[x.Outcome] = append(got[x.Outcome], x.Name)
		if row := regexp.MustCompile(`(?m)^` + x.Name + ` +1\.0\.0 +` + string(x.Outcome) + `\b`); !row.MatchString(s.run.stdout.String()) {
			s.t.Errorf("the table does not show that %s is %s: %s", x.Name, x.Outcome, s.run.output())
		}
	}
	return got
}

func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// goesOn types the command that the run has printed, and all is well after it. It names what is left,
// or nobody where that is more than some and the others are there.
func (s *scene) goesOn(left []string) {
	s.t.Helper()
	s.market.through(pass)
	slices.Sort(left)
	_, again, found := strings.Cut(s.run.stdout.String(), "→ to go on: ")
	again = strings.TrimSpace(again)
	const few = 8
	named := strings.HasSuffix(again, " --only "+strings.Join(left, ","))
	if !found || !named && (len(left) <= few || strings.Contains(again, "--only")) {
		s.t.Fatalf("the run names no command for %v, but %q", left, again)
	}
	next := s.place.newProcess(s.t, s.at)
	next.cmd.Args = []string{"sh", "-c", again}
	next.cmd.Env = append(next.cmd.Env, "PATH="+filepath.Dir(next.cmd.Path)+":"+os.Getenv("PATH"))
	shell, err := exec.LookPath("sh")
	if err != nil {
		s.t.Fatal(err)
	}
	next.cmd.Path = shell
	if code := next.run(); code != 0 {
		s.t.Errorf("%s: %s", again, next.output())
	}
	s.allReleased()
}

// finishes has one more run, of all, after which all is well.
func (s *scene) finishes() {
	s.t.Helper()
	s.market.through(pass)
	last := s.place.newProcess(s.t, s.at, "run")
	if code := last.run(); code != 0 {
		s.t.Errorf("one more run does not finish: %s", last.output())
	}
	s.allReleased()
}

func (s *scene) allReleased() {
	s.t.Helper()
	for _, x := range s.place.repo.members {
		if have := s.market.snapshots(x.name); len(have) != 1 || have[0].Status != target.StatusSubmitted {
			s.t.Errorf("the marketplace has not one submitted version of %s, but %+v", x.name, have)
		}
	}
	submissions := map[string]int{}
	for _, q := range s.market.record() {
		if q.class == sendSubmit && q.taken() {
			submissions[q.extension]++
		}
	}
	for name, n := range submissions {
		if n != 1 {
			s.t.Errorf("%s was submitted %d times", name, n)
		}
	}
}

var interrupts = []struct {
	name   string
	signal os.Signal
	code   int
}{
	{"Ctrl-C", os.Interrupt, 130},
	{"SIGTERM", syscall.SIGTERM, 143},
	{"SIGHUP", syscall.SIGHUP, 129},
}

// notIgnored has signals do to the processes that a test starts what they do by themselves, also where this
// one was started to ignore them, as under nohup: processes ignore what their parent ignores, and not what
// it catches.
func notIgnored(t *testing.T, signals ...os.Signal) {
	t.Helper()
	for _, s := range signals {
		if signal.Ignored(s) {
			caught := make(chan os.Signal, 1)
			signal.Notify(caught, s)
			t.Cleanup(func() { signal.Stop(caught) })
		}
	}
}

// One interrupt: no new work starts, what is in flight is brought to its end,
// the table shows what is released and what is not, and what to type next.
func TestInterruptedOnce(t *testing.T) {
	for _, by := range interrupts {
		t.Run(by.name, func(t *testing.T) {
			notIgnored(t, by.signal)
			s := newScene(t)
			held := s.begin()
			s.run.signal(by.signal)
			waitFor(s, "the signal to be understood", s.noticed)
			close(s.goOn)
			if code := s.run.code(); code != by.code {
				t.Errorf("exit code %d: %s", code, s.run.output())
			}
			got := s.outcomes()
			if len(got[results.Released]) == 0 || len(got[results.NotReached]) == 0 || !contains(got[results.Unverified], held) {
				t.Errorf("some should be released, %v sent and not waited for, the others not reached: %v", held, got)
			}
			begun := append(slices.Clone(got[results.Unverified]), got[results.Released]...)
			for _, q := range s.market.record() {
				if q.class.writes() && !slices.Contains(begun, q.extension) {
					t.Errorf("it was begun after the interrupt: %s", q)
				}
			}
			if len(begun)+len(got[results.NotReached]) != len(s.place.repo.members) {
				t.Errorf("there should be no other outcomes: %v", got)
			}
			s.goesOn(append(got[results.Unverified], got[results.NotReached]...))
		})
	}
}

// afterEcho is when a signal of the same kind is another one: within 200 ms it is taken
// for the first one, sent twice (onceMore in cmd/ksrelease).
const afterEcho = 300 * time.Millisecond

// The second interrupt ends a run at once, whatever it waits for, with the
// exit code of the second.
func TestInterruptedTwice(t *testing.T) {
	for i, first := range interrupts {
		second := interrupts[(i+1)%len(interrupts)]
		if i == 0 {
			second = first
		}
		t.Run(first.name+"_and_"+second.name, func(t *testing.T) {
			notIgnored(t, first.signal, second.signal)
			s := newScene(t)
			held := s.begin()
			s.run.signal(first.signal)
			waitFor(s, "the signal to be understood", s.noticed)
			time.Sleep(afterEcho)
			begun := time.Now()
			s.run.signal(second.signal)
			if code := s.run.code(); code != second.code {
				t.Errorf("exit code %d: %s", code, s.run.output())
			}
			// The requests hang, and their deadline is two minutes away.
			if took := time.Since(begun); took > time.Minute {
				t.Errorf("it took %s", took)
			}
			s.market.settle(s.at)
			states := statesInDocument(s.place.document(t, "first.json"))
			for _, name := range held {
				if state := states[results.StagePush+" "+name]; state != results.StageStarted {
					t.Errorf("what was in flight should be in doubt in the result document: %s is %q", name, state)
				}
			}
			s.finishes()
		})
	}
}

// A server that asks to come back later is not waited for after an interrupt.
func TestInterruptedWhileAskedToWait(t *testing.T) {
	s := newScene(t)
	script, err := faults.Parse("script", "POST /apis/**/files * before status 503 retry-after 100s")
	if err != nil {
		t.Fatal(err)
	}
	s.market.behind(func(store http.Handler) http.Handler { return faults.New(store, script) })
	waits := s.run.stderr.once("trying again in ", 1)
	s.run.start()
	waitFor(s, "the run to wait", waits)
	begun := time.Now()
	s.run.signal(os.Interrupt)
	if code := s.run.code(); code != 130 {
		t.Errorf("exit code %d: %s", code, s.run.output())
	}
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("it took %s", took)
	}
	if !strings.Contains(s.run.stdout.String(), "interrupted before the next attempt") {
		t.Errorf("it does not say why it gave up: %s", s.run.output())
	}
	got := s.outcomes()
	if n := len(got[results.Failed]); n < 1 || n > 2 {
		t.Errorf("those that were waiting should have failed: %v", got)
	}
	s.market.behind(nil)
	s.finishes()
}

// When the time of --timeout is up, what is in flight is cut and in doubt, and
// what is left is named.
func TestTimeIsUp(t *testing.T) {
	s := newScene(t, "--timeout", "4s")
	held := s.begin()
	if code := s.run.code(); code != 1 {
		t.Errorf("exit code %d: %s", code, s.run.output())
	}
	s.market.settle(s.at)
	got := s.outcomes()
	if len(got[results.Released]) == 0 || !contains(got[results.NotReached], held) {
		t.Errorf("some should be released, and %v not reached: %v", held, got)
	}
	result := s.place.document(t, "first.json")
	states := statesInDocument(result)
	for _, x := range result.Extensions {
		if !slices.Contains(held, x.Name) {
			continue
		}
		if want := "--timeout of 4s is over during push; what it sent is in doubt, the next run reads it back"; x.Reason != want {
			t.Errorf("%s: %q", x.Name, x.Reason)
		}
		if state := states[results.StagePush+" "+x.Name]; state != results.StageStarted {
			t.Errorf("what was cut off should be in doubt in the result document: %s is %q", x.Name, state)
		}
	}
	s.goesOn(append(got[results.NotReached], got[results.Unverified]...))
}

// Under nohup a terminal that is closed ends nothing.
func TestHungUpUnderNohup(t *testing.T) {
	s := newScene(t)
	s.run.cmd.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`, s.run.cmd.Path}, s.run.cmd.Args[1:]...)
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	s.run.cmd.Path = shell
	s.begin()
	s.run.signal(syscall.SIGHUP)
	close(s.goOn)
	if code := s.run.code(); code != 0 {
		t.Errorf("exit code %d: %s", code, s.run.output())
	}
	if got := s.outcomes(); len(got[results.Released]) != len(s.place.repo.members) {
		t.Errorf("all should be released: %v", got)
	}
}
