package reliability

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// everywhere is a monorepo whose extensions go to the marketplace, and to two folders.
type everywhere struct {
	*monorepo
	folders []string
}

func writeEverywhere(t testing.TB, all []member) everywhere {
	t.Helper()
	e := everywhere{monorepo: writeMonorepo(t, all)}
	text := config + "targets:\n  - {kind: marketplace, name: cloud}\n"
	for _, name := range []string{"museum", "mirror"} {
		folder := filepath.Join(scratch(t), name)
		e.folders = append(e.folders, folder)
		text += fmt.Sprintf("  - {kind: directory, name: %s, path: %q}\n", name, folder)
	}
	e.write(t, ".ksrelease.yaml", text)
	return e
}

// look says what of an extension is in a folder; nil where it is not.
func (e everywhere) look(t testing.TB, folder, name string) []byte {
	t.Helper()
	archive, err := os.ReadFile(filepath.Join(folder, name+"-"+theVersion+".tgz"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return archive
}

// isWhole holds what is there in the end against the promise: everything everywhere, with the
// same bytes.
func (e everywhere) isWhole(s *story, who string) {
	s.t.Helper()
	result := s.place.document(s.t, who+".json")
	if result == nil || result.Finished == nil {
		s.t.Fatalf("the result document of the last run is not finished: %+v", result)
	}
	for _, x := range result.Extensions {
		if len(x.Targets) != 3 {
			s.t.Errorf("%s has the targets %+v", x.Name, x.Targets)
		}
		for _, in := range x.Targets {
			if in.Outcome != results.Released && in.Outcome != results.Exists {
				s.t.Errorf("%s is %s in %s after one more run: %s", x.Name, in.Outcome, in.Name, in.Reason)
			}
		}
	}
	for _, x := range e.members {
		have := s.market.snapshots(x.name)
		if len(have) != 1 || have[0].Status != target.StatusSubmitted {
			s.t.Errorf("the marketplace has not one submitted version of %s, but %+v", x.name, have)
		}
		museum, mirror := e.look(s.t, e.folders[0], x.name), e.look(s.t, e.folders[1], x.name)
		if museum == nil || !bytes.Equal(museum, mirror) {
			s.t.Errorf("%s is not the same package in both folders: %d and %d bytes", x.name, len(museum), len(mirror))
		}
		served := (&race{t: s.t, market: s.market}).get("/charts/" + x.name + "-" + theVersion + ".tgz")
		if !bytes.Equal(museum, served) {
			s.t.Errorf("%s is another package in the marketplace: %d bytes, and %d in the folders", x.name, len(served), len(museum))
		}
	}
}

// A run that is killed at any time, with several targets, is finished by one more run: each target
// has each version once, and all have the same bytes.
func TestKilledWithSeveralTargets(t *testing.T) {
	short := 4
	if testing.Short() {
		short = 1
	}
	var total tally
	cases := soak.Cases(t, short, 200)
	inTurn(cases, 4, func(i int) {
		random := rand.New(rand.NewPCG(13, uint64(i)))
		after, while, kills := random.IntN(90), time.Duration(random.IntN(20_000))*time.Microsecond, 1+random.IntN(2)
		t.Run(fmt.Sprintf("%d_and_%s", after, while), func(t *testing.T) {
			repo := writeEverywhere(t, members(4))
			story := newStory(t, repo.monorepo, &total)
			for nth := range kills {
				victim, address := story.place.release(t, story.market, fmt.Sprintf("killed-%d", nth))
				kill := sync.OnceFunc(func() {
					timer := time.AfterFunc(while, func() { victim.signal(os.Kill) })
					t.Cleanup(func() { timer.Stop() })
				})
				victim.stdout.watch(func(soFar []byte) {
					if bytes.Count(soFar, []byte("\n")) >= after {
						kill()
					}
				})
				if victim.run() < 0 {
					total.killed()
				}
				story.market.settle(address)
				story.writesOnce()
			}
			last, address := story.place.release(t, story.market, "last")
			if code := last.run(); code != 0 {
				t.Fatalf("one more run does not finish: %s", last.output())
			}
			story.market.settle(address)
			story.writesOnce()
			repo.isWhole(story, "last")
		})
	})
	t.Logf("%d projects, %d runs killed", cases, total.kills)
}

// Two runs at once leave each version once in each target, and both tell the truth.
func TestTwoRunsAtOnceForSeveralTargets(t *testing.T) {
	cases := soak.Cases(t, 2, 50)
	for i := range cases {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			repo := writeEverywhere(t, members(4))
			story := newStory(t, repo.monorepo, &tally{})
			one, _ := story.place.release(t, story.market, "one")
			other, _ := story.place.release(t, story.market, "other")
			one.start()
			time.Sleep(time.Duration(i*7%50) * time.Millisecond)
			other.start()
			for _, run := range []*process{one, other} {
				if code := run.code(); code != 0 {
					t.Errorf("%s", run.output())
				}
			}
			repo.isWhole(story, "one")
			repo.isWhole(story, "other")
		})
	}
}
