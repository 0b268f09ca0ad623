package page

import (
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/page/showing"
	"github.com/ksrelease/ksrelease/internal/regularfile"
	"github.com/ksrelease/ksrelease/internal/results"
)

// OfResult is the page of a result. How its extensions are shown is read from where they lie,
// when the run has ended: what is not there any more, or is another version by now, is left out.
func OfResult(r *results.Document) Page {
	p := Page{Result: r, Extensions: make([]Extension, len(r.Extensions))}
	var group errgroup.Group
	group.SetLimit(max(1, runtime.GOMAXPROCS(0)))
	for i, x := range r.Extensions {
		p.Extensions[i].Result = x
		if r.Finished == nil {
			continue
		}
		group.Go(func() error {
			p.Extensions[i].Result.Findings = withExcerpts(x.Findings)
			ext, err := extension.Load(x.Path, extension.Options{})
			if err == nil && ext.Metadata.Name == x.Name && ext.Metadata.Version == x.Version {
				now, _ := BudgetOf(len(r.Extensions))
				p.Extensions[i].Now = showing.Of(ext, now, nil)
			}
			return nil // a page without it is still one
		})
	}
	_ = group.Wait() // none has an error
	return p
}

// mostSource bounds what is read of a file for a line of it.
const mostSource = 1 << 20

// withExcerpts has the source line of each finding that lacks it, as those of a journal do.
func withExcerpts(all []results.Finding) []results.Finding {
	texts := map[string]string{}
	made := make([]results.Finding, len(all))
	for i, f := range all {
		made[i] = f
		if f.Excerpt != "" || f.Line <= 0 || f.File == "" || strings.Contains(f.File, "!") {
			continue
		}
		text, read := texts[f.File]
		if !read {
			data, _ := regularfile.Read(f.File, mostSource) // a file that is gone has no line
			text = string(data)
			texts[f.File] = text
		}
		made[i].Excerpt = excerpt.Line(text, f.Line, f.Line)
	}
	return made
}
