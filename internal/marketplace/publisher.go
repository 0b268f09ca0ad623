package marketplace

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
)

// publisher keeps charts/ and index.yaml, the static repository, after the state. It
// works in the background and takes all changes that came while it was at work in one
// go: with many pushes at once the index is not written once for each.
type publisher struct {
	m       *Marketplace
	changed chan struct{}
	done    chan struct{}

	mu        sync.Mutex // held while publishing
	published uint64     // generation on disk
	charts    map[string]string
}

func newPublisher(m *Marketplace) *publisher {
	return &publisher{m: m, changed: make(chan struct{}, 1), done: make(chan struct{})}
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
	current, err := p.m.current()
	if err != nil {
		return err
	}
	surveys := p.charts == nil
	if surveys {
		// The first time, whatever is on disk.
		if err := p.survey(current); err != nil {
			return err
		}
	} else if p.published == current.generation {
		return nil
	}
	store := p.m.store
	for _, filename := range sortedKeys(current.packages) {
		digest := current.packages[filename].Digest
		if p.charts[filename] == digest {
			continue
		}
		if err := store.publishChart(filename, digest); err != nil {
			return fmt.Errorf("publishing %s: %w", filename, err)
		}
		p.charts[filename] = digest
	}
	if err := store.syncDir(chartsDir); err != nil {
		return err
	}
	// Opening what is in order changes nothing: a dry run, for one, only looks.
	if !surveys || !store.holds(indexName, current.index) {
		if err := store.write(indexName, current.index, 0o644); err != nil {
			return err
		}
	}
	for _, filename := range sortedKeys(p.charts) {
		if current.packages[filename] != nil {
			continue
		}
		if err := store.root.Remove(path.Join(chartsDir, filename)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("taking back %s: %w", filename, err)
		}
		delete(p.charts, filename)
	}
	p.published = current.generation
	return nil
}

// survey finds out what charts/ holds, once. A file counts as published when it is the
// very file of the package, or has its size; anything else is replaced or removed.
func (p *publisher) survey(current *listing) error {
	store := p.m.store
	entries, err := store.list(chartsDir)
	if err != nil {
		return fmt.Errorf("reading %s: %w", store.path(chartsDir), err)
	}
	p.charts = map[string]string{}
	for _, entry := range entries {
		p.charts[entry.Name()] = ""
		wanted := current.packages[entry.Name()]
		if wanted != nil && store.isPublished(entry.Name(), wanted) {
			p.charts[entry.Name()] = wanted.Digest
		}
	}
	return nil
}
