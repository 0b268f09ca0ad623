package projectimages

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/imageref"
	"github.com/ksrelease/ksrelease/internal/images/mirror"
	"github.com/ksrelease/ksrelease/internal/images/release"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/progress"
)

// Tasks are what there is to copy: to one mirror, or to those of the settings of each extension, with
// other platforms where some are named.
func (f *Found) Tasks(only *mirror.Destination, platforms []string) ([]mirror.Task, error) {
	type group struct {
		mirror.Destination
		refs []imageref.Ref
	}
	var groups []*group
	for _, x := range f.Extensions {
		var destinations []mirror.Destination
		if only != nil {
			destinations = []mirror.Destination{*only}
		} else {
			for _, m := range x.Settings.Images.Mirror {
				d := release.DestinationOf(m, x.Settings.Images.Platforms)
				if len(platforms) > 0 {
					d.Platforms = platforms
				}
				destinations = append(destinations, d)
			}
		}
		for _, d := range destinations {
			i := slices.IndexFunc(groups, func(g *group) bool {
				return g.To == d.To && g.Rename == d.Rename && slices.Equal(g.Platforms, d.Platforms)
			})
			if i < 0 {
				i = len(groups)
				groups = append(groups, &group{Destination: d})
			}
			for _, use := range x.Uses {
				if !slices.Contains(groups[i].refs, use.Ref) {
					groups[i].refs = append(groups[i].refs, use.Ref)
				}
			}
		}
	}
	var all []mirror.Task
	for _, g := range groups {
		tasks, err := g.Tasks(g.refs)
		if err != nil {
			return nil, err
		}
		all = append(all, tasks...)
	}
	if err := mirror.Collisions(all); err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b mirror.Task) int {
		return cmp.Or(cmp.Compare(a.From.String(), b.From.String()), cmp.Compare(a.To.String(), b.To.String()))
	})
	return all, nil
}

// Mirrored are what became of images, or would become of them.
type Mirrored struct {
	Results []mirror.Result
	DryRun  bool
}

// Run looks at all tasks, and then copies what is missing, unless the run is dry. What could not be done
// is in the results; each gets those of copies, one at a time, as they come, and how many of how many that are.
func Run(ctx context.Context, reach *Reach, tasks []mirror.Task, dry bool, meter *progress.Meter, each func(r mirror.Result, done, of int)) Mirrored {
	results := make([]mirror.Result, len(tasks))
	meter.Begin("looking", len(tasks), 0)
	forEach(tasks, func(i int, t mirror.Task) {
		results[i] = reach.Mirror.Look(ctx, t)
		meter.Image()
	})
	var size int64
	copies := 0
	for _, r := range results {
		if r.IsToCopy() {
			size += r.Size
			copies++
		}
	}
	if dry {
		return Mirrored{results, true}
	}
	var mu sync.Mutex
	done := 0
	meter.Begin("copying", copies, size)
	forEach(tasks, func(i int, t mirror.Task) {
		if !results[i].IsToCopy() {
			return
		}
		results[i] = reach.Mirror.Copy(ctx, t, meter.Part())
		meter.Image()
		mu.Lock()
		defer mu.Unlock()
		done++
		each(results[i], done, copies)
	})
	return Mirrored{results, false}
}

func forEach(tasks []mirror.Task, do func(int, mirror.Task)) {
	var wait sync.WaitGroup
	for i, t := range tasks {
		wait.Go(func() { do(i, t) })
	}
	wait.Wait()
}

// AllDone says that nothing failed.
func (m Mirrored) AllDone() bool { return m.count(mirror.Failed) == 0 }

func (m Mirrored) count(state mirror.State) (n int) {
	for _, r := range m.Results {
		if r.State == state {
			n++
		}
	}
	return n
}

// Line is what became of one image, in a line.
func Line(r mirror.Result, dry bool) string {
	size := humanize.IBytes(uint64(r.Size))
	switch {
	case r.State == mirror.Failed:
		return fmt.Sprintf("%s: failed: %s", r.From, r.Err)
	case r.State == mirror.There:
		return fmt.Sprintf("%s: there, as %s", r.From, r.To)
	case r.State == mirror.Replaced && dry:
		return fmt.Sprintf("%s: would replace %s (%s), %s at most", r.From, r.To, r.Was, size)
	case r.State == mirror.Replaced:
		return fmt.Sprintf("%s: replaces %s (%s), %s sent", r.From, r.To, r.Was, humanize.IBytes(uint64(r.Sent)))
	case dry:
		return fmt.Sprintf("%s: would be copied to %s, %s at most", r.From, r.To, size)
	}
	return fmt.Sprintf("%s: copied to %s, %s sent", r.From, r.To, humanize.IBytes(uint64(r.Sent)))
}

// Text prints what was not there, and the counts.
func (m Mirrored) Text(out *output.Stream, redact func(string) string) {
	hints := hints{out: out}
	for _, r := range m.Results {
		hint := ""
		if r.Err != nil && !failure.Temporary(r.Err) {
			hint = redact(failure.Hint(r.Err))
		}
		hints.next(hint)
		if r.State != mirror.There {
			out.Print("%s", output.Fold("", "  ", redact(Line(r, m.DryRun)), out.Columns()))
		}
		if len(r.Lacks) > 0 {
			out.Print("%s", output.Fold("note: ", "  ", fmt.Sprintf("%s is not for %s", r.From, strings.Join(r.Lacks, ", ")), out.Columns()))
		}
	}
	hints.next("")
	out.Print("%s", m.Summary())
}

// hints prints what to do about lines that follow each other once, below the last of them: a registry
// that cannot be reached is one mistake, and not one for each of a hundred images.
type hints struct {
	out  *output.Stream
	held string
}

// next is called before a line is printed, with its hint, and after the last one.
func (h *hints) next(hint string) {
	if h.held != "" && h.held != hint {
		h.out.Print("%s", output.Hint("  ", h.held, h.out.Columns()))
	}
	h.held = hint
}

// Summary counts the images and the bytes.
func (m Mirrored) Summary() string {
	if len(m.Results) == 0 {
		return "there is nothing to mirror"
	}
	var sent, size int64
	for _, r := range m.Results {
		sent += r.Sent
		if r.State != mirror.Failed {
			size += r.Size
		}
	}
	copied, replaced := "copied", "replaced"
	bytes := language.Sprintf("; %s sent", humanize.IBytes(uint64(sent)))
	if m.DryRun {
		copied, replaced = "to copy", "to replace"
		bytes = ""
		if m.count(mirror.Copied)+m.count(mirror.Replaced) > 0 {
			bytes = language.Sprintf("; %s at most would be sent", humanize.IBytes(uint64(size)))
		}
	}
	var words []string
	for _, state := range []struct {
		state mirror.State
		text  string
	}{{mirror.Copied, copied}, {mirror.Replaced, replaced}, {mirror.There, "there"}, {mirror.Failed, "failed"}} {
		if n := m.count(state.state); n > 0 {
			words = append(words, language.Sprintf("%d %s", n, language.Word(state.text)))
		}
	}
	return language.Text(app.Plural(len(m.Results), "image")) + ": " + language.Join(words) + bytes
}

// JSON prints what became of each image.
func (m Mirrored) JSON(out *output.Stream, redact func(string) string) {
	type resultDocument struct {
		Image  string       `json:"image"`
		To     string       `json:"to"`
		State  mirror.State `json:"state"`
		Digest string       `json:"digest,omitempty"`
		Was    string       `json:"replaced_digest,omitempty"`
		Size   int64        `json:"size,omitempty"`
		Sent   int64        `json:"sent,omitempty"`
		Lacks  []string     `json:"missing_platforms,omitempty"`
		Error  string       `json:"error,omitempty"`
		Hint   string       `json:"remedy,omitempty"`
	}
	document := struct {
		DryRun bool             `json:"dry_run"`
		Images []resultDocument `json:"images"`
	}{m.DryRun, []resultDocument{}}
	for _, r := range m.Results {
		d := resultDocument{Image: r.From.String(), To: r.To.String(), State: r.State, Digest: r.Digest, Was: r.Was, Size: r.Size, Sent: r.Sent, Lacks: r.Lacks}
		if r.Err != nil {
			d.Error, d.Hint = redact(r.Err.Error()), redact(failure.Hint(r.Err))
		}
		document.Images = append(document.Images, d)
	}
	out.JSON(document, "  ")
}
