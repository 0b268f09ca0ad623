package progress

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/screen"
)

// run is a run of extensions with these names.
func run(names ...string) *results.Document {
	r := &results.Document{Command: "run"}
	for _, name := range names {
		r.Extensions = append(r.Extensions, results.Extension{Name: name, Version: "1.2.0", Path: "extensions/" + name})
	}
	return r
}

func event(kind results.EventKind, x results.Extension, stage string) results.Event {
	return results.Event{Kind: kind, Extension: &x, Stage: stage, Time: time.Now()}
}

// A line for each extension says its stage, how long it has been in it, and what goes on; the last
// one counts. What is printed stands above, each change of the screen is one write, and nothing is
// left in the end.
func TestBoardOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen := screen.New(80, 24)
		out := output.New(screen)
		b := startBoard(out, screen.Size, BoardOptions{})
		time.Sleep(redrawEach + time.Millisecond)
		synctest.Wait()
		if got := screen.String(); got != "reading the extensions, 0 s" {
			t.Errorf("before the run has begun:\n%s", got)
		}
		r := run("alc", "日志采集", "redis", "gatekeeper", "waits")
		x := r.Extensions
		b.Observe(results.Event{Kind: results.EventRunStarted, Result: r, Planning: true})
		for i, stage := range []string{results.StageVerify, results.StagePush, results.StageUpload, results.StageLint} {
			b.Observe(event(results.EventStageStarted, x[i], stage))
		}
		show := func(x results.Extension, a results.Activity) {
			b.Observe(results.Event{Kind: results.EventActivity, Extension: &x, Activity: &a})
		}
		sent := int64(1 << 20)
		show(x[0], results.Activity{Waiting: "it is not in the Helm repository yet", Since: time.Now(), Limit: time.Now().Add(5 * time.Minute)})
		show(x[1], results.Activity{Sent: func() (int64, int64) { return sent, 4 << 20 }})
		time.Sleep(38 * time.Second)
		show(x[2], results.Activity{Waiting: "503 Service Unavailable", Again: time.Now().Add(3900 * time.Millisecond)})
		out.Print("alc 1.2.0: submitted")
		time.Sleep(2*time.Second + redrawEach)
		synctest.Wait()
		want := `alc 1.2.0: submitted
alc 1.2.0         verify  40 s  not in the Helm repository yet, 40 s of 5 m
日志采集 1.2.0    push    40 s  1.0 MiB of 4.0 MiB sent
redis 1.2.0       upload  40 s  503 Service Unavailable, again in 2 s
gatekeeper 1.2.0  lint    40 s
releasing: 0 of 5 done, 4 under way, 1 waiting, 40 s`
		if got := screen.String(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		sent = 4 << 20
		b.Observe(event(results.EventEnded, x[0], ""))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		got := screen.String()
		for _, want := range []string{"4.0 MiB sent, waiting for the answer", "redis 1.2.0       upload  42 s\n", "1 of 5 done, 3 under way, 1 waiting, 42 s"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
		for _, write := range screen.Writes() {
			if n := strings.Count(write, "done"); n > 1 || n == 1 && !strings.HasSuffix(write, "\x1b[J") {
				t.Errorf("not one whole write: %q", write)
			}
		}
		b.Observe(results.Event{Kind: results.EventRunFinished, Result: r})
		out.Print("done")
		time.Sleep(time.Second)
		synctest.Wait()
		if got := screen.String(); got != "alc 1.2.0: submitted\ndone\n" {
			t.Errorf("left on the screen:\n%s", got)
		}
		b.Close()
	})
}

// Hundreds of extensions have no more lines than the terminal has space for, and none is wider; what
// waits to be tried again is among those that are shown, and the others are counted.
func TestBoardOfMany(t *testing.T) {
	for _, columns := range []int{20, 60, 80, 120} {
		synctest.Test(t, func(t *testing.T) {
			screen := screen.New(columns, 24)
			out := output.New(screen)
			b := startBoard(out, screen.Size, BoardOptions{Color: true})
			var names []string
			for i := range 200 {
				names = append(names, fmt.Sprintf("extension-%03d-扩展组件-with-a-long-name", i))
			}
			r := run(names...)
			b.Observe(results.Event{Kind: results.EventRunStarted, Result: r})
			for _, x := range r.Extensions[:150] {
				b.Observe(event(results.EventStageStarted, x, results.StageVerify))
				b.Observe(results.Event{Kind: results.EventActivity, Extension: &x, Activity: &results.Activity{
					Waiting: "it is not in the Helm repository yet", Since: time.Now(), Limit: time.Now().Add(time.Hour),
				}})
			}
			b.Observe(event(results.EventStageStarted, r.Extensions[160], results.StagePush))
			b.Observe(results.Event{Kind: results.EventActivity, Extension: &r.Extensions[149], Activity: &results.Activity{
				Waiting: "503 Service Unavailable", Again: time.Now().Add(time.Minute),
			}})
			for i := range 30 {
				out.Print("%d", i)
				time.Sleep(redrawEach)
			}
			synctest.Wait()
			got := screen.String()
			lines := strings.Split(got, "\n")
			board := lines[30:]
			if len(board) != 17 || lines[29] != "29" {
				t.Errorf("%d columns: %d lines in\n%s", columns, len(board), got)
			}
			for _, line := range board {
				if n := output.Cell(line).Width(); n >= columns {
					t.Errorf("%d columns: %d in %q", columns, n, line)
				}
			}
			wants := []string{"again in", "push", "and 136 more: 136 verify", "of 1h00m", "releasing: 0 of 200 done, 151"}
			if columns == 20 {
				wants = []string{"and 136 more"}
			}
			for _, want := range wants {
				if !strings.Contains(got, want) {
					t.Errorf("%d columns: no %q in\n%s", columns, want, got)
				}
			}
			for _, at := range screen.Places(" verify  ") {
				if at != screen.Places(" verify  ")[0] {
					t.Errorf("%d columns: not below each other:\n%s", columns, got)
				}
			}
			b.Close()
			if got := screen.String(); !strings.HasSuffix(got, "\n28\n29\n") {
				t.Errorf("%d columns: left on the screen: %q", columns, got)
			}
		})
	}
}

// Each target of an extension has a line of its own, and takes the place of that of the extension.
func TestBoardOfTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen := screen.New(80, 24)
		b := startBoard(output.New(screen), screen.Size, BoardOptions{})
		r := run("alc")
		r.Extensions[0].Targets = []results.Target{{Name: "cloud"}, {Name: "museum"}}
		x := r.Extensions[0]
		b.Observe(results.Event{Kind: results.EventRunStarted, Result: r})
		b.Observe(event(results.EventStageStarted, x, results.StageLint))
		b.Observe(event(results.EventStageFinished, x, results.StageLint))
		for _, target := range []string{"cloud", "museum"} {
			e := event(results.EventStageStarted, x, results.StagePush)
			e.Target = target
			b.Observe(e)
		}
		time.Sleep(redrawEach + time.Millisecond)
		synctest.Wait()
		want := "alc 1.2.0 in cloud   push  0 s\nalc 1.2.0 in museum  push  0 s\nreleasing: 0 of 1 done, 1 under way, 0 s"
		if got := screen.String(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		e := event(results.EventTargetEnded, x, "")
		e.Target = "cloud"
		b.Observe(e)
		time.Sleep(redrawEach)
		synctest.Wait()
		if got := screen.String(); strings.Contains(got, "cloud") || !strings.Contains(got, "museum") {
			t.Errorf("one has ended:\n%s", got)
		}
		b.Close()
	})
}

// Extensions that are through a plan count as done, and have no line where nothing is applied: they
// end together.
func TestBoardOfAPlan(t *testing.T) {
	for command, last := range map[string]string{"lint": results.StageLint, "package": results.StagePackage, "run": results.StageVerify} {
		for _, dry := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				screen := screen.New(80, 24)
				b := startBoard(output.New(screen), screen.Size, BoardOptions{})
				r := run("alc", "bee", "cat")
				r.Command, r.DryRun = command, dry
				b.Observe(results.Event{Kind: results.EventRunStarted, Result: r, Planning: true})
				for i, stage := range []string{last, results.StageSize} {
					for _, kind := range []results.EventKind{results.EventStageStarted, results.EventStageFinished} {
						e := event(kind, r.Extensions[i], stage)
						e.Planning = true
						b.Observe(e)
					}
				}
				time.Sleep(redrawEach + time.Millisecond)
				synctest.Wait()
				got := screen.String()
				if !strings.Contains(got, ": 1 of 3 done, 2 waiting, 0 s") || strings.Contains(got, "alc") != (command == "run" && !dry) || !strings.Contains(got, "bee") {
					t.Errorf("%s, dry %t:\n%s", command, dry, got)
				}
				b.Close()
			})
		}
	}
}

// Without a terminal there is a line when nothing was printed for most of a minute, and none before.
func TestSignsOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text guarded
		out := output.New(&text)
		ctx, stop := context.WithCancel(t.Context())
		b := NewBoard(out, BoardOptions{Redraws: true, Stop: ctx})
		r := run("a", "b", "c", "d", "e")
		b.Observe(results.Event{Kind: results.EventRunStarted, Result: r})
		for _, x := range r.Extensions {
			b.Observe(event(results.EventStageStarted, x, results.StageVerify))
		}
		b.Observe(results.Event{Kind: results.EventActivity, Extension: &r.Extensions[1], Activity: &results.Activity{
			Waiting: "waiting for the review; it is in the Helm repository", Since: time.Now(), Limit: time.Now().Add(5 * time.Minute),
		}})
		time.Sleep(40 * time.Second)
		out.Print("something")
		time.Sleep(silence - time.Second)
		synctest.Wait()
		if got := text.String(); got != "something\n" {
			t.Errorf("too soon: %q", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		first := "something\nstill releasing: 0 of 5 done, 5 under way, 1m30s; a 1.2.0 verify for 1m30s; c 1.2.0 verify for 1m30s; d 1.2.0 verify for 1m30s; and 2 more: 2 verify\n"
		if got := text.String(); got != first {
			t.Errorf("got\n%swant\n%s", got, first)
		}
		for _, x := range r.Extensions[2:] {
			b.Observe(event(results.EventEnded, x, ""))
		}
		stop()
		for range 3 {
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if got := text.String(); strings.Count(got, "\n") != 5 || !strings.Contains(got, "still coming to an end: 3 of 5 done, 2 under way, 2m20s; a 1.2.0 verify for 2m20s; b 1.2.0 verify for 2m20s (waiting for the review; it is in the Helm repository, 2m20s of 5 m)\n") {
			t.Errorf("%s", got)
		}
		b.Close()
	})
}

func TestElapsed(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 1900 * time.Millisecond: "1 s", 59 * time.Second: "59 s", time.Minute: "1 m", 80 * time.Second: "1m20s",
		5 * time.Minute: "5 m", time.Hour: "1h00m", 125 * time.Minute: "2h05m", -time.Second: "0 s",
	} {
		if got := elapsed(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
