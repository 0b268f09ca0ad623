package progress

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// silence is for how long nothing is printed, at most, where nothing is redrawn: systems that end a
// job without output, and people, count in minutes.
const silence = 50 * time.Second

// Board shows a run while it goes on. On a terminal it is a line for each extension that is under
// way, and one for all, which stand below what is printed. Elsewhere it is a line when nothing was
// printed for a while. It is an observer of the run.
type Board struct {
	out   *output.Stream
	live  func() (columns, rows int) // of the terminal; 0 where there is none
	color bool
	stop  context.Context // done when nothing new is begun

	end  func()
	once sync.Once

	mu       sync.Mutex
	began    time.Time
	command  string
	applying bool // something of the plan is carried out
	total    int  // extensions; 0 until the run has read them
	ended    int
	planOnly bool            // nothing is applied: extensions end together with the plan
	planned  map[home]bool   // those that are through the plan
	title    int             // columns of the widest title
	ways     map[place]*way  // that are under way
	of       map[home][]*way // those of an extension
	count    int             // of ways so far
}

// BoardOptions are how a board looks.
type BoardOptions struct {
	Color bool
	// Redraws says that lines may be redrawn, if the stream is a terminal.
	Redraws bool
	// Stop is done when nothing new is begun.
	Stop context.Context
}

// home is what an extension is known by: its version may change before it is read.
type home struct{ name, path string }

// place is what a line of a board is about: an extension, or one on its way to one of several targets.
type place struct {
	home
	target string
}

// way is an extension under way.
type way struct {
	place
	version string
	number  int // ways before it
	stage   string
	since   time.Time         // of the stage
	doing   *results.Activity // nil where no more is known than the stage
	pause   *results.Activity // which is shown before doing until it is over
}

// NewBoard begins to show a run on a stream, until it is finished or Close is called.
func NewBoard(out *output.Stream, opts BoardOptions) *Board {
	live := out.Live
	if !opts.Redraws {
		live = func() (int, int) { return 0, 0 }
	}
	return startBoard(out, live, opts)
}

func startBoard(out *output.Stream, live func() (int, int), opts BoardOptions) *Board {
	b := &Board{
		out: out, live: live, color: opts.Color, stop: opts.Stop,
		began: time.Now(), ways: map[place]*way{}, of: map[home][]*way{}, planned: map[home]bool{},
	}
	b.end = often(b.show)
	return b
}

// Close ends it, and takes away what it shows.
func (b *Board) Close() {
	b.once.Do(func() {
		b.end()
		b.out.Wipe()
	})
}

// show redraws the lines, or prints one where it is time for a sign of life.
func (b *Board) show(now time.Time) {
	if columns, rows := b.live(); columns > 0 && rows > 0 {
		b.out.Status(b.lines(now, columns, rows)...)
		return
	}
	if now.Sub(latest(b.began, b.out.LastPrint())) >= silence {
		b.out.Print("%s", b.sign(now))
	}
}

// Observe takes an event.
func (b *Board) Observe(e results.Event) {
	if e.Kind == results.EventRunFinished {
		b.Close()
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.Kind == results.EventRunStarted {
		b.begin(e.Result)
	}
	if e.Extension == nil {
		return
	}
	b.applying = b.applying || !e.Planning
	at := place{home{e.Extension.Name, e.Extension.Path}, e.Target}
	switch e.Kind {
	case results.EventStageStarted, results.EventHookStarted:
		w := b.way(at, e.Extension.Version)
		w.stage, w.since, w.doing, w.pause = e.Stage, e.Time, nil, nil
	case results.EventStageFinished, results.EventHookFinished:
		w := b.way(at, e.Extension.Version)
		w.stage, w.doing, w.pause = "", nil, nil
		if e.Planning && e.Stage == b.lastOfPlan() {
			b.planned[at.home] = true
			if b.planOnly {
				b.leave(at.home)
			}
		}
	case results.EventActivity:
		b.way(at, e.Extension.Version).take(e.Activity)
	case results.EventTargetEnded:
		b.drop(at)
	case results.EventEnded:
		b.ended++
		b.planned[at.home] = true
		b.leave(at.home)
	}
}

// lastOfPlan is the stage after which a plan has nothing more to do for an extension.
func (b *Board) lastOfPlan() string {
	switch b.command {
	case "lint":
		return results.StageLint
	case "package":
		return results.StagePackage
	}
	return results.StageVerify
}

// leave takes the lines of an extension away.
func (b *Board) leave(x home) {
	for _, w := range slices.Clone(b.of[x]) {
		b.drop(w.place)
	}
}

// begin takes what the run is about. Extensions with hooks are announced before these are run.
func (b *Board) begin(run *results.Document) {
	b.command, b.total = run.Command, len(run.Extensions)
	b.planOnly = run.DryRun || b.command == "lint" || b.command == "package"
	for _, x := range run.Extensions {
		width := titleOf(x.Name, x.Version, "").Width()
		for _, t := range x.Targets {
			width = max(width, titleOf(x.Name, x.Version, t.Name).Width())
		}
		b.title = max(b.title, width)
	}
}

// way is the one of a place, which begins with what is first known of it. What is known of its
// targets takes the place of what is known of the extension as a whole.
func (b *Board) way(at place, version string) *way {
	w := b.ways[at]
	if w == nil {
		w = &way{place: at, number: b.count}
		b.count++
		b.ways[at] = w
		b.of[at.home] = append(b.of[at.home], w)
	}
	if at.target != "" {
		b.drop(place{home: at.home})
	}
	w.version = version
	return w
}

func (b *Board) drop(at place) {
	delete(b.ways, at)
	left := slices.DeleteFunc(b.of[at.home], func(w *way) bool { return w.place == at })
	if b.of[at.home] = left; len(left) == 0 {
		delete(b.of, at.home)
	}
}

// take takes what goes on. A pause is one within what goes on anyway.
func (w *way) take(a *results.Activity) {
	switch {
	case a == nil:
	case a.Again.IsZero():
		w.doing, w.pause = a, nil
	default:
		w.pause = a
	}
}
