package report

import (
	"slices"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// quiet reports what is not as asked, and warnings on the run as a whole: nothing of what
// happens meanwhile, and nothing at all where all is well.
func (t *Text) quiet(e results.Event) {
	switch e.Kind {
	case results.EventWarning:
		t.err.Print("%s", output.Fold("warning: ", "  ", e.Message, 0))
	case results.EventRunFinished:
		r := *e.Result
		r.Extensions = slices.DeleteFunc(slices.Clone(r.Extensions), func(x results.Extension) bool { return x.AsAsked })
		if len(r.Extensions) > 0 {
			t.finish(&r, e.Result)
		}
	}
}
