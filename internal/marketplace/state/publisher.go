package state

import (
	"errors"
	"fmt"
	"path"
	"sync"

	"github.com/ksrelease/ksrelease/internal/marketplace/helmindex"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
)

// publisher keeps public/, the static repository, after the state. It
// works in the background and takes all changes that came while it was at work in one
// go: with many pushes at once the index is not written once for each.
type publisher struct {
	state   *State
	changed chan struct{}
	done    chan struct{}

	mu        sync.Mutex // held while publishing
	published uint64     // generation on disk
	charts    map[string]string
}

func newPublisher(state *State) *publisher {
	return &publisher{state: state, changed: make(chan struct{}, 1), done: make(chan struct{})}
}

func (p *publisher) start() {
	go func() {
		defer close(p.done)
		for range p.changed {
			// What cannot be written now is tried again with the next change and on
			// Close, which reports it; what was acknowledged is safe without it.
			_ = p.publish()
		}
	}()
}

// wake says that there is something to publish.
func (p *publisher) wake() {
	select {
	case p.changed <- struct{}{}:
	default: // it will see this change too
	}
}

// stop publishes what is left and ends the background work.
func (p *publisher) stop() error {
	close(p.changed)
	<-p.done
	return p.publish()
}

// publish brings the static repository up to date, in an order in which the index never
// speaks of a chart that is not there: charts that are new, the index, then charts that
// went.
func (p *publisher) publish() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	current, err := p.state.Current()
	if err != nil {
		return err
	}
	surveys := p.charts == nil
	if surveys {
		// The first time, whatever is on disk.
		if err := p.survey(); err != nil {
			return err
		}
	} else if p.published == current.Generation {
		return nil
	}
	folder := p.state.Store
	written := false
	for _, filename := range helmindex.SortedKeys(current.Packages) {
		wanted := current.Packages[filename]
		there, taken := p.charts[filename]
		if there == wanted.Digest {
			continue
		}
		if taken {
			if err := p.state.retract(path.Join(store.PublicCharts, filename)); err != nil {
				return fmt.Errorf("publishing %s: %w", filename, err)
			}
		}
		if err := folder.PublishChart(wanted); err != nil {
			return fmt.Errorf("publishing %s: %w", filename, err)
		}
		p.charts[filename] = wanted.Digest
		written = true
	}
	if written {
		if err := folder.SyncDir(store.PublicCharts); err != nil {
			return err
		}
	}
	// Opening what is in order changes nothing.
	if !folder.Holds(store.PublicIndex, current.Index) {
		if info, err := folder.Root.Lstat(store.PublicIndex); err == nil && !info.Mode().IsRegular() {
			if err := p.state.retract(store.PublicIndex); err != nil {
				return err
			}
		}
		if err := folder.Write(store.PublicIndex, current.Index, store.PublicFileMode); err != nil {
			return err
		}
	}
	for _, filename := range helmindex.SortedKeys(p.charts) {
		if current.Packages[filename] != nil {
			continue
		}
		if err := p.state.retract(path.Join(store.PublicCharts, filename)); err != nil {
			return fmt.Errorf("taking back %s: %w", filename, err)
		}
		delete(p.charts, filename)
	}
	p.published = current.Generation
	return nil
}

// survey finds out what public/charts/ holds, once: the digest of each file, "" for what
// is none.
func (p *publisher) survey() error {
	folder := p.state.Store
	entries, err := folder.List(store.PublicCharts)
	if err != nil {
		return fmt.Errorf("reading %s: %w", folder.Path(store.PublicCharts), err)
	}
	p.charts = map[string]string{}
	for _, entry := range entries {
		digest, _, err := folder.Digest(path.Join(store.PublicCharts, entry.Name()))
		if err != nil && !errors.Is(err, store.ErrIrregular) {
			return fmt.Errorf("reading %s: %w", folder.Path(store.PublicCharts), err)
		}
		p.charts[entry.Name()] = digest
	}
	return nil
}
