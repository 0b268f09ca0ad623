package previewing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/bases"
	"github.com/ksrelease/ksrelease/internal/chartdiff"
	"github.com/ksrelease/ksrelease/internal/comparing"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/page"
	"github.com/ksrelease/ksrelease/internal/progress"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// What the page of a run compares at most, so that a report holds nobody up.
const (
	compareTime   = 30 * time.Second // for all of them together
	compareAtOnce = 4                // each has both versions in memory
	mostCompared  = 300              // as many as have their texts on a page
)

// RunPage is the page of a run: each extension next to the version that was published before.
type RunPage struct {
	App       *app.App
	Published target.Target         // of which is asked what is published
	With      *comparing.Comparison // of the extensions of the run
	Limit     time.Duration         // of the time that comparing takes; 0 is the usual one
}

// Page makes the page of a result. What is published is asked when the run has ended, and before ctx ends;
// what cannot be had is said on the page, and keeps nothing back.
func (b RunPage) Page(ctx context.Context) func(*results.Document) ([]byte, error) {
	return func(r *results.Document) ([]byte, error) {
		made := page.OfResult(r)
		if r.Finished != nil {
			b.compare(ctx, &made)
		}
		return page.Bytes(made)
	}
}

// errTimeOver is why comparing ended when its time was over.
var errTimeOver = errors.New("its time is over")

// compare compares what is not there as it is here. Where all is, nobody is asked anything.
func (b RunPage) compare(ctx context.Context, made *page.Page) {
	var asked []*page.Extension
	for i := range made.Extensions {
		switch x := &made.Extensions[i]; {
		case x.Now == nil: // it cannot be read, or is another one by now
		case x.Result.Outcome == results.Exists:
			x.Alone = page.SameAsPublished
			x.Diff = &chartdiff.Diff{
				Name: x.Result.Name, Path: x.Result.Path, Version: x.Result.Version, BaseVersion: x.Result.Version,
				Against: bases.PublishedLabel + x.Result.Version, Equal: true,
			}
		default:
			asked = append(asked, x)
		}
	}
	if len(asked) == 0 {
		return
	}
	if len(asked) > mostCompared {
		alone(asked, page.TooManyToCompare)
		return
	}
	if ctx.Err() != nil {
		alone(asked, page.EndedBeforeComparing)
		return
	}
	limit := b.Limit
	if limit == 0 {
		limit = compareTime
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTimeOver)
	defer cancel()
	var done atomic.Int64
	defer progress.Wait(b.App.Stderr, func() string {
		return fmt.Sprintf("comparing with what is published, for the page: %d of %d done", done.Load(), len(asked))
	})()
	index, err := b.index(ctx)
	if err != nil {
		alone(asked, b.why(ctx, page.PublishedUnknown, err))
		return
	}
	var group errgroup.Group
	group.SetLimit(max(1, min(compareAtOnce, b.With.Parallelism)))
	for _, x := range asked {
		group.Go(func() error {
			defer done.Add(1)
			if err := b.one(ctx, x, index, len(made.Extensions)); err != nil {
				x.Alone = b.why(ctx, page.NotCompared, err)
			}
			return nil // the others are compared, too
		})
	}
	_ = group.Wait() // errors are on the page
}

// index is what is published.
func (b RunPage) index(ctx context.Context) (target.Index, error) {
	if err := target.Silence(b.Published); err != nil {
		return nil, err
	}
	return b.Published.Index(ctx)
}

// alone says of all why there is no other version next to them.
func alone(all []*page.Extension, why string) {
	for _, x := range all {
		x.Alone = why
	}
}

// why is why nothing is compared: an error in a format, unless that is one of the end of ctx.
func (b RunPage) why(ctx context.Context, format string, err error) string {
	switch {
	case errors.Is(context.Cause(ctx), errTimeOver):
		return page.NoTimeToCompare
	case ctx.Err() != nil:
		return page.EndedBeforeComparing
	}
	return fmt.Sprintf(format, b.App.Redact.Text(err.Error()))
}

// one compares an extension. Where the published version can be had, but not all of the comparison, that
// version is shown all the same.
func (b RunPage) one(ctx context.Context, x *page.Extension, index target.Index, extensions int) error {
	at := slices.IndexFunc(b.With.Sources, func(s config.Source) bool { return s.Display == x.Result.Path })
	if at < 0 {
		return fmt.Errorf("%s is no extension of this run", x.Result.Path)
	}
	c := *b.With
	c.Sources = c.Sources[at : at+1]
	c.Base = func(ctx context.Context, _ config.Source, ext *extension.Extension) (*bases.Base, error) {
		base, err := bases.Before(ctx, b.Published, index, x.Result.Name, x.Result.Version, x.Result.Outcome == results.Drift)
		if err == nil {
			showBase(ctx, x, ext, base, b.Published.FetchAsset, extensions)
		}
		return base, err
	}
	diffs, err := c.All(ctx)
	if len(diffs) > 0 {
		x.Diff = &diffs[0]
	}
	return err
}
