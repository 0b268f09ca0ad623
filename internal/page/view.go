package page

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/rogpeppe/go-internal/diff"

	"github.com/ksrelease/ksrelease/internal/chartdiff"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/page/readme"
	"github.com/ksrelease/ksrelease/internal/page/showing"
	"github.com/ksrelease/ksrelease/internal/results"
)

// view is what the template is given.
type view struct {
	Page
	Style  template.CSS
	Policy string
	Title  string
	Cards  []card
	Counts []count
	Single bool
}

// count is how many extensions ended in a way.
type count struct {
	Outcome results.Outcome
	N       int
}

// finding is one with its message and its hint as they are shown.
type finding struct {
	results.Finding
	Said, Advice template.HTML
}

// card is an extension with all that the template shows of it.
type card struct {
	Extension
	ID       string
	Ended    bool      // its outcome says something: a preview sends nothing, and all that is well is planned
	Findings []finding // the worst first, as many as are shown
	Unshown  int       // findings that are not
	Worst    string    // severity; empty without findings
	Sections []section
	Files    int                 // that differ
	Differ   compare.Differences // those that are shown
	Bar      []segment
	Size     int64   // of the package as it is pushed, in bytes; 0 where it is not known
	Filled   float64 // how far the size is in the bar of the limit
	Limit    float64 // where the limit is in it; 0: there is none
	Line     []segment
	Took     int64 // milliseconds of all stages
	SameText map[string]bool
	None     map[string]bool
	SameShot bool
}

// segment is a part of a bar of 1000 units.
type segment struct {
	At, Wide float64
	Class    string
	Label    string
	Value    string
	Inside   []results.Contributor
}

// section is a part of a diff.
type section struct {
	Title   string
	Changes []change
	More    int
}

type change struct {
	chartdiff.Change
	Unshown int // fields
}

func viewOf(p Page) view {
	v := view{Page: p, Style: template.CSS(style), Policy: policy(), Title: "ksrelease " + p.Result.Command, Single: len(p.Extensions) == 1}
	if p.Result.DryRun && p.Result.Command == "run" {
		v.Title += " --dry-run"
	}
	if v.Language != "zh" {
		v.Language = "en"
	}
	preview := p.Result.Command == Preview
	for _, outcome := range results.Outcomes() {
		if preview && outcome == results.Planned {
			continue
		}
		if n := p.Result.Totals[outcome]; n > 0 {
			v.Counts = append(v.Counts, count{outcome, n})
		}
	}
	left := share(len(p.Extensions)) * 12 / 100
	speak := speaker{in: language.Language(v.Language)}
	for i, x := range p.Extensions {
		v.Cards = append(v.Cards, cardOf(i, x, left, preview, &speak))
	}
	return v
}

// cardOf makes a card, with so many bytes of findings, and as many of differences.
func cardOf(i int, x Extension, left int, preview bool, speak *speaker) card {
	c := card{Extension: x, ID: fmt.Sprintf("x%d", i+1), Ended: !preview && !x.Unlinted || !x.Result.AsAsked}
	c.findings(left, speak)
	c.diff(left)
	c.sizes()
	c.stages()
	c.same()
	return c
}

// mostFindings bounds what is shown of one extension, however few bytes they have.
const mostFindings = 300

func (c *card) findings(left int, speak *speaker) {
	all := slices.Clone(c.Result.Findings)
	rank := map[string]int{"error": 0, "warning": 1, "info": 2}
	slices.SortStableFunc(all, func(a, b results.Finding) int { return cmp.Compare(rank[a.Severity], rank[b.Severity]) })
	for i, f := range all {
		left -= len(f.Message) + len(f.Hint) + len(f.Excerpt) + len(f.File) + 300 // its tags
		if i > 0 && left < 0 || i == mostFindings {
			c.Unshown = len(all) - i
			break
		}
		c.Findings = append(c.Findings, finding{f, speak.say(f.Message), speak.say(f.Hint)})
	}
	if len(all) > 0 {
		c.Worst = all[0].Severity
	}
}

// How much is shown of a difference.
const (
	mostChanges = 60 // of a section
	mostFields  = 20 // of an object
	mostFiles   = 50
)

func (c *card) diff(left int) {
	if c.Diff == nil {
		return
	}
	c.Files = len(c.Diff.Files)
	for _, s := range chartdiff.Sections() {
		made := section{Title: s.Title()}
		for _, d := range c.Diff.Changes {
			if d.Section != s {
				continue
			}
			shown := change{Change: d, Unshown: d.More}
			if len(d.Fields) > mostFields {
				shown.Fields, shown.Unshown = d.Fields[:mostFields], d.More+len(d.Fields)-mostFields
			}
			left -= len(d.What) + len(d.Old) + len(d.New) + 150
			for _, f := range shown.Fields {
				left -= len(f.Path) + len(f.Old) + len(f.New) + 120
			}
			if len(made.Changes) == mostChanges || left < 0 && len(made.Changes) > 0 {
				made.More++
				continue
			}
			made.Changes = append(made.Changes, shown)
		}
		if len(made.Changes) > 0 {
			c.Sections = append(c.Sections, made)
		}
	}
	for i, f := range c.Diff.Files {
		if left -= len(f.File) + len(f.Detail) + 150; i >= 5 && left < 0 || i == mostFiles {
			break
		}
		c.Differ = append(c.Differ, f)
	}
}

// sizes makes the bars of the package: its largest contributors and the rest, and how much of
// the limit it takes.
func (c *card) sizes() {
	p := c.Result.Package
	if p == nil || p.Size <= 0 {
		return
	}
	c.Size = cmp.Or(p.PushedSize, p.Size)
	if p.Limit > 0 {
		whole := float64(max(c.Size, p.Limit))
		c.Filled, c.Limit = float64(c.Size)*1000/whole, float64(p.Limit)*1000/whole
	}
	sum := int64(0)
	for _, part := range p.Contributors {
		sum += part.Compressed
	}
	whole, at := float64(max(c.Size, sum)), 0.0
	add := func(bytes int64, class, label string, inside []results.Contributor) {
		wide := float64(bytes) * 1000 / whole
		c.Bar = append(c.Bar, segment{at, wide, class, label, fileSize(bytes), inside})
		at += wide
	}
	for i, part := range p.Contributors {
		add(part.Compressed, fmt.Sprintf("c%d", i), part.File, part.Inside)
	}
	if c.Size > sum {
		add(c.Size-sum, "rest", "", nil)
	}
}

// stages makes the timeline.
func (c *card) stages() {
	for _, s := range c.Result.Stages {
		c.Took += s.Milliseconds
	}
	at := 0.0
	for _, s := range c.Result.Stages {
		if s.Status == results.StageSkipped && s.Milliseconds == 0 {
			continue
		}
		wide := float64(s.Milliseconds) * 1000 / float64(max(c.Took, 1))
		c.Line = append(c.Line, segment{At: at, Wide: wide, Class: string(s.Status), Label: s.Name, Value: took(s.Milliseconds)})
		at += wide
	}
}

// line is one line of what was and is.
type line struct{ Kind, Text string } // "-", "+" or empty for both

// linesOf are the lines in which two values differ, with those around them.
func linesOf(old, new string) (all []line) {
	if !strings.Contains(old, "\n") || !strings.Contains(new, "\n") {
		if old != "" {
			all = append(all, line{"-", old})
		}
		if new != "" {
			all = append(all, line{"+", new})
		}
		return all
	}
	text := string(diff.Diff("a", []byte(strings.TrimSuffix(old, "\n")+"\n"), "b", []byte(strings.TrimSuffix(new, "\n")+"\n")))
	for l := range strings.Lines(text) {
		l = strings.TrimSuffix(l, "\n")
		switch {
		case strings.HasPrefix(l, "diff ") || strings.HasPrefix(l, "--- a") || strings.HasPrefix(l, "+++ b"):
		case strings.HasPrefix(l, "@@"):
			all = append(all, line{"", "…"})
		case l != "":
			kind := strings.TrimSpace(l[:1])
			all = append(all, line{kind, l[1:]})
		}
	}
	if len(all) > 0 && all[0].Text == "…" {
		all = all[1:]
	}
	return all
}

// same finds the texts and screenshots that are those of the other version: they are shown once.
func (c *card) same() {
	c.SameText = map[string]bool{}
	if c.Now == nil || c.Published == nil {
		return
	}
	for i, now := range c.Now.Texts {
		other := c.Published.Texts[i]
		c.SameText["readme-"+now.Language] = equal(now.Readme, other.Readme)
		c.SameText["changelog-"+now.Language] = equal(now.Changelog, other.Changelog)
	}
	c.SameShot = len(c.Now.Screenshots) == len(c.Published.Screenshots) && c.Now.Unshown == c.Published.Unshown
	for i := 0; c.SameShot && i < len(c.Now.Screenshots); i++ {
		c.SameShot = c.Published.Screenshots[i].Same
	}
}

func equal(a, b *showing.Document) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Digest == b.Digest
}

func fileSize(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

// took is a time as people read it.
func took(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", ms)
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// functions are those of the template.
func functions() template.FuncMap {
	return template.FuncMap{
		"both":   both,
		"size":   fileSize,
		"size64": func(n int) string { return fileSize(int64(n)) },
		"detail": func(c card, single bool) any {
			return struct {
				Card   card
				Single bool
			}{c, single}
		},
		"texts": func(s *showing.Showing, same map[string]bool, id string) any {
			return struct {
				Showing *showing.Showing
				Same    map[string]bool
				ID      string
			}{s, same, id}
		},
		"took": took,
		// A data: URI of a picture, which packages picture and showing have made.
		"data": func(uri string) template.URL {
			if !strings.HasPrefix(uri, "data:image/") {
				return ""
			}
			return template.URL(uri)
		},
		"initial": func(name string) string {
			for _, r := range name {
				return strings.ToUpper(string(r))
			}
			return "?"
		},
		"against":    against,
		"heading":    heading,
		"unreported": unreported,
		"differ":     filesDiffer,
		"lines":      linesOf,
		"outcome":    func(o results.Outcome) template.HTML { return both(string(o), language.Chinese.Word(string(o))) },
		"word":       func(w string) template.HTML { return both(w, language.Chinese.Word(w)) },
		"counted":    counted,
		"said":       inBoth,
		"date":       func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
		"place":      func(f results.Finding) string { return f.Diagnostic().Position() },
		"omission":   func(kind readme.Kind) template.HTML { return both(omitted[kind][0], omitted[kind][1]) },
	}
}
