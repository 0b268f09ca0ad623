package progress

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// turn is what a way is called that is in no stage.
const turn = "waiting"

// echo are the columns at the end of the last line that are left to the terminal, which shows there
// what is typed: ^C, and once more.
const echo = 5

// narrow is the space for what goes on below which a line does not say how long its stage takes.
const narrow = 44

// lines are what a board shows on a terminal of this size.
func (b *Board) lines(now time.Time, columns, rows int) []output.Text {
	b.mu.Lock()
	defer b.mu.Unlock()
	ways, more := b.shown(now, most(rows))
	stage, took := 0, 0
	for _, w := range ways {
		stage, took = max(stage, output.Name(w.named()).Width()), max(took, len(w.took(now)))
	}
	edge := columns - 1 // a terminal folds what fills its line
	title := min(b.title, max(12, edge*2/5))
	left := edge - title - stage - took - 3*len("  ")
	if left < narrow { // there is more to say than how long it has been in its stage
		left += took + len("  ")
		took = 0
	}
	var lines []output.Text
	for _, w := range ways {
		goesOn := w.what(now)
		if took == 0 && !goesOn.timed {
			goesOn.figures = strings.TrimPrefix(goesOn.figures+", "+w.took(now), ", ")
		}
		what := goesOn.fit(left)
		if w.pausing(now) && b.color {
			what = what.Paint(output.Yellow)
		}
		line := output.Format("%s  %s  ", titleOf(w.name, w.version, w.target).Fit(title), output.Cell(w.named()).Fit(stage))
		if took > 0 {
			line = output.Format("%s%*s  ", line, took, w.took(now))
		}
		lines = append(lines, output.Join([]output.Text{line, what}, "").Trim(edge))
	}
	if more != "" {
		lines = append(lines, output.Format("  and %s", more).Cut(edge))
	}
	return append(lines, output.Cell(b.all(now)).Cut(max(1, edge-echo)))
}

// most is how many lines for extensions a terminal of so many rows has: what was printed before has
// its place, too.
func most(rows int) int { return max(1, min(rows*2/3, rows-3)) }

// shown are the ways that have a line, of so many lines, in the order in which they began; and what
// the others are, in words. Those that somebody may want to do something about come first.
func (b *Board) shown(now time.Time, lines int) (ways []*way, more string) {
	for _, w := range b.ways {
		ways = append(ways, w)
	}
	inOrder := func(a, b *way) int { return cmp.Compare(a.number, b.number) }
	slices.SortFunc(ways, inOrder)
	if len(ways) <= lines {
		return ways, ""
	}
	slices.SortStableFunc(ways, func(a, b *way) int { return cmp.Compare(a.rank(now), b.rank(now)) })
	ways, others := ways[:lines-1], ways[lines-1:]
	slices.SortFunc(ways, inOrder)
	return ways, language.Sprintf("%d more: %s", len(others), counted(others))
}

// rank is smaller for what is more worth a line.
func (w *way) rank(now time.Time) int {
	switch {
	case w.pausing(now):
		return 0
	case w.stage == "":
		return 3
	case w.doing != nil && !w.doing.Limit.IsZero():
		return 2
	}
	return 1
}

// counted is how many ways are in which stage, those of most first.
func counted(ways []*way) string {
	n := map[string]int{}
	var names []string
	for _, w := range ways {
		if n[w.named()]++; n[w.named()] == 1 {
			names = append(names, w.named())
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(n[b], n[a]) })
	for i, name := range names {
		names[i] = language.Sprintf("%d %s", n[name], name)
	}
	return strings.Join(names, ", ")
}

// all is how far the run is.
func (b *Board) all(now time.Time) string {
	since := elapsed(now.Sub(b.began))
	if b.total == 0 {
		return language.Sprintf("reading the extensions, %s", since)
	}
	done := b.ended
	if !b.applying {
		done = len(b.planned)
	}
	parts := []string{language.Sprintf("%s: %d of %d done", language.Word(b.verb()), done, b.total)}
	moving := 0
	for _, ways := range b.of {
		if slices.ContainsFunc(ways, func(w *way) bool { return w.stage != "" }) {
			moving++
		}
	}
	if moving > 0 {
		parts = append(parts, language.Sprintf("%d under way", moving))
	}
	if n := b.total - done - moving; n > 0 {
		parts = append(parts, language.Sprintf("%d waiting", n))
	}
	said := parts[0]
	for _, part := range append(parts[1:], since) {
		said = language.Sprintf("%s, %s", said, part)
	}
	return said
}

func (b *Board) verb() string {
	switch {
	case b.stop != nil && b.stop.Err() != nil:
		return "coming to an end"
	case b.command == "lint":
		return "looking"
	case b.command == "package":
		return "packaging"
	case b.applying:
		return "releasing"
	}
	return "planning"
}

// most that a sign of life names.
const named = 3

// sign is a sign of life, in a line.
func (b *Board) sign(now time.Time) output.Text {
	b.mu.Lock()
	defer b.mu.Unlock()
	ways, _ := b.shown(now, len(b.ways))
	slices.SortStableFunc(ways, func(a, b *way) int { return cmp.Compare(a.rank(now), b.rank(now)) })
	line := language.Sprintf("still %s", b.all(now))
	for i, w := range ways {
		if i == named {
			line += language.Sprintf("; and %d more: %s", len(ways)-i, counted(ways[i:]))
			break
		}
		line += language.Sprintf("; %s %s", titleOf(w.name, w.version, w.target), w.named())
		if took := w.took(now); took != "" {
			line += language.Sprintf(" for %s", took)
		}
		if what := w.what(now); !what.empty() {
			line += " (" + what.reason + what.figures + ")"
		}
	}
	return output.Cell(line)
}

func titleOf(name, version, target string) output.Text {
	title := name
	if version != "" {
		title += " " + version
	}
	if target != "" {
		title += " in " + target
	}
	return output.Cell(title)
}

// named is the stage of a way.
func (w *way) named() string { return language.Word(cmp.Or(w.stage, turn)) }

// took is how long it has been in its stage.
func (w *way) took(now time.Time) string {
	if w.stage == "" {
		return ""
	}
	return elapsed(now.Sub(w.since))
}

// pausing says that it waits to try something again.
func (w *way) pausing(now time.Time) bool { return w.pause != nil && now.Before(w.pause.Again) }

// what goes on, where more is known than the stage: words, which may be cut, and figures.
type what struct {
	reason, figures string
	timed           bool // the figures are of time
}

func (w what) empty() bool { return w.reason+w.figures == "" }

// fit is in so many columns at most.
func (w what) fit(columns int) output.Text {
	figures := output.Cell(w.figures)
	left := columns - figures.Width()
	reason := output.Cell(w.reason)
	for rest := w.reason; reason.Width() > left; reason = output.Cell(rest) {
		at := strings.LastIndex(rest, "; ") // what matters most comes first
		if at < 0 {
			break
		}
		rest = rest[:at]
	}
	return output.Join([]output.Text{reason.Cut(left), figures}, "").Trim(columns)
}

func (w *way) what(now time.Time) what {
	if w.pausing(now) {
		return what{language.Text(w.pause.Waiting), language.Sprintf(", again in %s", elapsed(w.pause.Again.Sub(now)+time.Second-1)), true}
	}
	switch {
	case w.stage == "":
		return what{reason: language.Word("for its turn"), timed: true}
	case w.doing == nil:
		return what{}
	}
	return whatOf(*w.doing, now)
}

func whatOf(a results.Activity, now time.Time) what {
	switch {
	case a.Sent != nil:
		done, of := a.Sent()
		switch {
		case of == 0:
			return what{}
		case done >= of:
			return what{figures: language.Sprintf("%s sent, waiting for the answer", size(of))}
		}
		return what{figures: language.Sprintf("%s of %s sent", size(done), size(of))}
	case a.Limit.IsZero():
		return what{reason: language.Text(a.Waiting)}
	}
	return what{language.Text(strings.TrimPrefix(a.Waiting, "it is ")), language.Sprintf(", %s of %s", elapsed(now.Sub(a.Since)), elapsed(a.Limit.Sub(a.Since).Round(time.Second))), true}
}

// elapsed is a time in whole seconds, or less exact where it is longer: 40 s, 5 m, 1m20s, 2h05m.
func elapsed(d time.Duration) string {
	seconds := int64(max(0, d) / time.Second)
	minutes := seconds / 60
	switch {
	case minutes == 0:
		return fmt.Sprintf("%d s", seconds)
	case minutes >= 60:
		return fmt.Sprintf("%dh%02dm", minutes/60, minutes%60)
	case seconds%60 == 0:
		return fmt.Sprintf("%d m", minutes)
	}
	return fmt.Sprintf("%dm%02ds", minutes, seconds%60)
}
