package projectbundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/bundle/deliver"
	"github.com/ksrelease/ksrelease/internal/bundle/serve"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/imageref"
	"github.com/ksrelease/ksrelease/internal/images/mirror"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/progress"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Stdin is the name of a bundle that comes by standard input.
const Stdin = "-"

// Delivery says which bundles are delivered where.
type Delivery struct {
	Files []string // a base before what goes on from it
	To    []string // targets, as App.ResolveTarget reads them
	// Images is where images are brought to: HOST[:PORT][/PATH]; empty leaves them out.
	Images string
	Rename string // as of mirrors
	Host   app.RegistryHost
	Meter  *progress.Meter
	// Note gets what somebody should know of packages while they are brought.
	Note func(message string)
}

// Deliver verifies bundles and delivers them. The error is one that came before anything was written.
func Deliver(ctx context.Context, a *app.App, p *app.Project, d Delivery) (*deliver.Result, error) {
	set, end, err := Open(ctx, a, d.Files)
	if err != nil {
		return nil, nothingWritten(err)
	}
	defer end()
	places, hangUp, err := d.dial(ctx, a, p)
	defer hangUp()
	if err != nil {
		return nil, err
	}
	if err := Verify(ctx, set, d.Meter); err != nil {
		return nil, nothingWritten(err)
	}
	options := deliver.Options{Bundles: set, Targets: places, Parallelism: p.Config.Parallelism, Meter: d.Meter, Note: d.Note}
	if d.Images == "" {
		return deliver.Deliver(ctx, options)
	}
	client, hangUpRegistry, err := a.Registries([]app.RegistryHost{d.Host}, p.Config.Parallelism)
	if err != nil {
		return nil, err
	}
	defer hangUpRegistry()
	stop, from, err := serveHere(set)
	if err != nil {
		return nil, err
	}
	defer stop()
	options.Registry, options.From, options.ImageAt = client.Direct(), from, d.imageAt // a mirror of the place is not the place
	return deliver.Deliver(ctx, options)
}

// nothingWritten says so of a bundle that is refused.
func nothingWritten(err error) error {
	var refused *bundle.RefusedError
	if !errors.As(err, &refused) {
		return err
	}
	return failure.WithHint(err, "nothing was written; %s", refused.Hint())
}

// imageAt is where an image is to be: what `images mirror` makes of its name.
func (d Delivery) imageAt(at registry.Reference) (registry.Reference, error) {
	ref, err := imageref.Parse(at.String())
	if err != nil {
		return registry.Reference{}, err
	}
	return mirror.Destination{To: d.Images, Rename: d.Rename}.Of(ref)
}

// dial connects to the targets.
func (d Delivery) dial(ctx context.Context, a *app.App, p *app.Project) (places []target.Place, hangUp func(), err error) {
	var ends []func()
	hangUp = func() {
		for _, end := range ends {
			end()
		}
	}
	for _, to := range d.To {
		clients, err := a.ResolveTarget(ctx, p, to, p.Config.Parallelism)
		if err != nil {
			return nil, hangUp, err
		}
		ends = append(ends, clients.Close)
		for _, place := range clients.Targets() {
			if !slices.ContainsFunc(p.Config.Targets, func(t config.Target) bool { return t.Name == place.Name }) {
				place.Name = place.URL // nobody has given it a name
			}
			places = append(places, place)
		}
	}
	return places, hangUp, nil
}

// serveHere serves bundles on this machine, for a registry client to copy from: a copy knows how to go on
// where it was cut off, and what need not be sent.
func serveHere(set bundle.Set) (stop func(), host string, err error) {
	handler, err := serve.New(set)
	if err != nil {
		return nil, "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", failure.WithHint(fmt.Errorf("serving the bundle on this machine: %w", err), "the loopback interface has to be up: ip link set lo up")
	}
	server := marketplace.NewServer(handler)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = server.Serve(listener) // it ends with stop
	}()
	return func() { _ = server.Close(); <-over }, listener.Addr().String(), nil
}

// Open opens bundles, until end is called. One that comes by standard input is written to a temporary
// file first, since it is read twice: to be verified before anything is sent, and then.
func Open(ctx context.Context, a *app.App, files []string) (set bundle.Set, end func(), err error) {
	var named string // the temporary file, where it has to have a name
	end = func() {
		_ = set.Close()
		if named != "" {
			_ = os.Remove(named)
		}
	}
	for i, name := range files {
		var opened *bundle.Bundle
		switch {
		case name != Stdin:
			opened, err = bundle.Open(name)
		case slices.Contains(files[:i], Stdin):
			end()
			return nil, nil, app.Usage(errors.New("standard input is named twice"), "")
		default:
			var file *os.File
			if file, named, err = spool(ctx, a); err != nil {
				end()
				return nil, nil, err
			}
			if opened, err = bundle.OpenFile("the bundle of standard input", file); err != nil {
				_ = file.Close()
			}
		}
		if err != nil {
			end()
			var refused *bundle.RefusedError
			if !errors.As(err, &refused) {
				err = app.Usage(err, "name a file that ksrelease bundle has written")
			}
			return nil, nil, err
		}
		set = append(set, opened)
	}
	return set, end, nil
}

// spool writes standard input to a temporary file. Its name is taken away before it has any content, so that
// nothing is left of it however the process ends; where the system has files that are open keep their names,
// it is named, for the caller to remove.
func spool(ctx context.Context, a *app.App) (file *os.File, named string, err error) {
	if file, err = os.CreateTemp("", "ksrelease-unbundle-*.tar"); err != nil {
		return nil, "", failure.WithHint(err, "set TMPDIR to a folder that can be written to")
	}
	if os.Remove(file.Name()) != nil {
		named = file.Name()
	}
	_, err = graceful.Await(ctx, func() (int64, error) {
		n, err := io.Copy(file, a.Stdin)
		if err != nil {
			_ = file.Close()
		}
		return n, err
	})
	if err != nil {
		return nil, named, failure.WithHint(fmt.Errorf("reading standard input: %w", err), "the bundle is kept in %s meanwhile, which needs space for it; TMPDIR names another folder", os.TempDir())
	}
	return file, named, nil
}

// Verify reads bundles, and holds all that is in them against its digests.
func Verify(ctx context.Context, set bundle.Set, meter *progress.Meter) error {
	var total int64
	for _, b := range set {
		for _, f := range b.Files {
			total += f.Size
		}
	}
	meter.Begin("verifying", 0, total)
	err := set.Verify(ctx, meter.Bytes)
	if err != nil && ctx.Err() != nil {
		return &graceful.CutError{Err: fmt.Errorf("%w before all was verified", context.Cause(ctx))}
	}
	return err
}
