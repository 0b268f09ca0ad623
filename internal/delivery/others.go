package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Other is a target that nothing is brought to, and that may have what others are brought.
type Other struct {
	*Asking
	name string
	lost atomic.Bool // it could not be read, and is asked no more
}

// Others are such targets. They are asked for their index alone, as nobody who releases.
func Others(places []target.Place) (all []*Other) {
	for _, p := range places {
		asking := NewSite(p, func(error) {}).Asking()
		asking.Unasked = true
		all = append(all, &Other{Asking: asking, name: p.Name})
	}
	return all
}

// Has is the package of a parcel in the target, and whether it holds its assets; nil where it has
// none. Other content there is an [Ending]. A target that cannot be read has none, and warn gets why.
func (o *Other) Has(ctx context.Context, parcel *Parcel, warn func(string)) (pkg *extension.Package, holds bool, err error) {
	if o.lost.Load() {
		return nil, false, nil
	}
	d := &Delivery{Parcel: parcel, Reporter: unheard{}}
	_, _, err = d.Decide(ctx, o.Asking)
	var end *Ending
	switch {
	case err == nil: // it has not got the version
		return nil, false, nil
	case ctx.Err() != nil:
		return nil, false, err
	case !errors.As(err, &end):
		if !o.lost.Swap(true) {
			warn(fmt.Sprintf("what %s has could not be read, so packages may become others than those that it has: %v", o.name, err))
		}
		return nil, false, nil
	case end.Outcome == results.Drift && parcel.Push.Drift == config.WarnDrift:
		return nil, false, nil
	case end.Outcome == results.Drift:
		return nil, false, Apart(o.name)
	}
	return d.Published(ctx, o.Asking, o.name)
}

// unheard is the reporter of what becomes of nothing.
type unheard struct{}

func (unheard) Tell(results.Event) {}

func (unheard) Warn(string) {}

func (unheard) Learn(change func(*results.Target)) { change(&results.Target{}) }

func (unheard) Wait(string) {}
