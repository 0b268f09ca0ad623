package page

import (
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/page/showing"
	"github.com/ksrelease/ksrelease/internal/results"
)

// OfResult is the page of a result. How its extensions are shown is read from where they lie,
// when the run has ended: what is not there any more, or is another version by now, is left out.
// A finding without its source line stays so: the line may hold a secret.
func OfResult(r *results.Document) Page {
	p := Page{Result: r, Language: string(language.Current()), Extensions: make([]Extension, len(r.Extensions))}
	var group errgroup.Group
	group.SetLimit(max(1, runtime.GOMAXPROCS(0)))
	for i, x := range r.Extensions {
		p.Extensions[i].Result = x
		if r.Finished == nil {
			continue
		}
		group.Go(func() error {
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
