package mirror

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/images/presence"
	"github.com/ksrelease/ksrelease/internal/registry"
)

// Registries are what images are copied between (internal/registry).
type Registries interface {
	presence.Registries
	// Contents reads the manifests of an image.
	Contents(ctx context.Context, r registry.Reference, platforms []string) (*registry.Contents, error)
	// CopyContents brings an image to another place, with all blobs that are not there.
	CopyContents(ctx context.Context, contents *registry.Contents, to registry.Reference, options registry.CopyOptions) (registry.Copied, error)
}

// State is what became of an image, or would become of it.
type State string

// The states of an image.
const (
	There    State = "there"    // nothing is to be done
	Copied   State = "copied"   // it was not there
	Replaced State = "replaced" // its tag was that of another image
	Failed   State = "failed"
)

// Result is what became of a task, or would become of it.
type Result struct {
	Task
	State State
	// Digest is that of the image in the mirror, and Was that of what its tag named before.
	Digest, Was string
	// Size is how many bytes the image has, where it was looked into; Sent are those that were
	// sent, without blobs that were there or were mounted.
	Size, Sent int64
	// Lacks are platforms that were asked for, and that there are none of.
	Lacks []string
	// Missing is set where the image is not to be had where it comes from.
	Missing bool
	Err     error // of State Failed

	contents *registry.Contents
	to       registry.Reference // where it is copied to: without the tag where that stays
}

// IsToCopy says that something is to be sent.
func (r Result) IsToCopy() bool { return r.contents != nil }

// Mirror copies images. Each is looked at and copied once, whoever asks. It is safe for concurrent
// use.
type Mirror struct {
	Registries Registries
	// Direct asks the registry of the mirror itself, where Registries may ask another one in its
	// place; nil is Registries.
	Direct Registries
	// Asker asks for images where they come from, and knows platforms of digests.
	Asker *presence.Asker
	// Update moves the tags of a mirror to what they name now at the place that they come from.
	Update bool
	// Locks is a folder for files that keep other processes of this machine from copying the same;
	// empty keeps nobody.
	Locks string
	// Parallelism is how many images are looked at or copied at once; 0 means 4.
	Parallelism int

	once   sync.Once
	slots  chan struct{}
	mu     sync.Mutex
	looks  map[string]*work
	copies map[string]*work
}

// work is a result that somebody works on, or that is there.
type work struct {
	done   chan struct{}
	result Result
}

// Look says what is to be done for an image: it reads, and sends nothing. State Copied and Replaced
// say what a copy would make of it.
func (m *Mirror) Look(ctx context.Context, t Task) Result {
	return m.shared(ctx, &m.looks, t, func() Result { return m.look(ctx, t) })
}

// Copy does what is to be done, of which Look says nothing more than it has to. progress gets how many
// bytes of all are done.
func (m *Mirror) Copy(ctx context.Context, t Task, progress func(done, total int64)) Result {
	looked := m.Look(ctx, t)
	if !looked.IsToCopy() {
		return looked
	}
	return m.shared(ctx, &m.copies, t, func() Result { return m.carry(ctx, looked, progress) })
}

// shared has work done once, in one of the slots.
func (m *Mirror) shared(ctx context.Context, all *map[string]*work, t Task, do func() Result) Result {
	m.once.Do(func() { m.slots = make(chan struct{}, cmp.Or(max(m.Parallelism, 0), 4)) })
	m.mu.Lock()
	if *all == nil {
		*all = map[string]*work{}
	}
	one, ok := (*all)[t.key()]
	if !ok {
		one = &work{done: make(chan struct{})}
		(*all)[t.key()] = one
	}
	m.mu.Unlock()
	if !ok {
		select {
		case m.slots <- struct{}{}:
			one.result = do()
			<-m.slots
		case <-ctx.Done():
			one.result = failed(t, context.Cause(ctx))
		}
		close(one.done)
	}
	select {
	case <-one.done:
		return one.result
	case <-ctx.Done():
		return failed(t, context.Cause(ctx))
	}
}

// direct is what the mirror itself is asked with.
func (m *Mirror) direct() Registries {
	if m.Direct != nil {
		return m.Direct
	}
	return m.Registries
}

func failed(t Task, err error) Result { return Result{Task: t, State: Failed, Err: err} }

// look asks the mirror, and only where that is not enough, where the image comes from.
func (m *Mirror) look(ctx context.Context, t Task) Result {
	at := t.To
	if at.Digest != "" {
		at = at.WithDigest(at.Digest)
	}
	found, ok, err := m.direct().Resolve(ctx, at)
	if err != nil {
		return failed(t, err)
	}
	there := Result{Task: t, State: There, Digest: found.Digest.String()}
	switch {
	case !ok && t.To.Digest != "" && t.To.Tag != "" && !m.Update:
		return m.pinned(ctx, t)
	case !ok:
		return m.contents(ctx, t, t.Platforms, "")
	case t.To.Digest != "":
		return there
	case m.Update:
		return m.updated(ctx, t, there)
	case len(t.Platforms) > 0:
		return m.forPlatforms(ctx, t, there)
	}
	return there
}

// contents reads an image that is to be copied. was is what its tag names in the mirror.
func (m *Mirror) contents(ctx context.Context, t Task, platforms []string, was string) Result {
	contents, err := m.Registries.Contents(ctx, t.from(), platforms)
	if err != nil {
		result := failed(t, presence.Explain(t.from(), err))
		var gone interface{ NotFound() bool }
		result.Missing = errors.As(err, &gone) && gone.NotFound()
		return result
	}
	result := Result{
		Task: t, State: Copied, Digest: contents.Root().Digest.String(), Was: was, Size: contents.Size(),
		Lacks: onlyAsked(contents.Missing, t.Platforms), contents: contents, to: t.To,
	}
	if t.To.Tag != "" {
		result.to = t.To.WithTag(t.To.Tag)
	}
	switch was {
	case "":
	case result.Digest:
		return Result{Task: t, State: There, Digest: was, Lacks: result.Lacks}
	default:
		result.State = Replaced
	}
	return result
}

func onlyAsked(missing, asked []string) []string {
	return slices.DeleteFunc(slices.Clone(missing), func(p string) bool { return !slices.Contains(asked, p) })
}

// pinned looks at an image that has a digest and a tag, and whose digest is not there. Where the tag is
// that of another image it stays with it: nobody pulls this one by it.
func (m *Mirror) pinned(ctx context.Context, t Task) Result {
	_, taken, err := m.direct().Resolve(ctx, t.To.WithTag(t.To.Tag))
	if err != nil {
		return failed(t, err)
	}
	result := m.contents(ctx, t, nil, "")
	if taken {
		result.to = t.To.WithDigest(t.To.Digest)
	}
	return result
}

// updated compares the tag of the mirror with that of the place that it comes from.
func (m *Mirror) updated(ctx context.Context, t Task, there Result) Result {
	if len(t.Platforms) == 0 { // one HEAD is enough
		found, ok, err := m.Registries.Resolve(ctx, t.from())
		if err != nil {
			return failed(t, presence.Explain(t.from(), err))
		}
		if !ok || found.Digest.String() == there.Digest { // what is gone there stays here
			return there
		}
	}
	return m.contents(ctx, t, t.Platforms, there.Digest)
}

// forPlatforms sees whether what the mirror has is for the platforms that are asked for. One that it
// lacks is added, if the image has it where it comes from; those that it has stay.
func (m *Mirror) forPlatforms(ctx context.Context, t Task, there Result) Result {
	have, err := (&presence.Asker{Registries: m.direct(), Known: m.Asker.Known}).Platforms(ctx, t.To.WithDigest(there.Digest))
	if err != nil {
		return failed(t, err)
	}
	lacking := presence.Lacking(t.Platforms, have)
	if len(lacking) == 0 {
		return there
	}
	source := m.Asker.Ask(ctx, t.From, t.Platforms)
	if source.State == presence.Unknown {
		return failed(t, source.Err)
	}
	there.Lacks = lacking
	nowhere := func(p string) bool { return source.State == presence.Missing || slices.Contains(source.Lacks, p) }
	switch {
	case slices.ContainsFunc(lacking, func(p string) bool { return !nowhere(p) }):
	case len(lacking) == len(t.Platforms):
		return failed(t, &registry.PlatformError{Image: t.From.String(), Asked: t.Platforms, Have: have})
	default:
		return there
	}
	return m.contents(ctx, t, slices.Concat(t.Platforms, presence.Lacking(have, t.Platforms)), there.Digest)
}

// carry copies what was looked at.
func (m *Mirror) carry(ctx context.Context, r Result, progress func(done, total int64)) Result {
	unlock, err := m.lock(ctx, r.To)
	if err != nil {
		return failed(r.Task, err)
	}
	defer unlock()
	copied, err := m.direct().CopyContents(ctx, r.contents, r.to, registry.CopyOptions{Progress: progress})
	r.Sent = copied.Bytes
	if err != nil {
		r.State, r.Err = Failed, failure.WithHint(fmt.Errorf("copying it to %s: %w", r.To, err), "%s", cmp.Or(failure.Hint(err), "try again: what has arrived stays there"))
		return r
	}
	if names, ok := platformsOf(r.contents.Root()); ok && m.Asker != nil {
		m.Asker.Known.Keep(r.Digest, names)
	}
	r.contents = nil
	return r
}

// platformsOf are those of an index, as it says itself; false where another manifest would have to be
// read.
func platformsOf(root registry.Manifest) (names []string, ok bool) {
	if !registry.IsIndex(root.MediaType) {
		return nil, false
	}
	var index ocispec.Index
	if json.Unmarshal(root.Data, &index) != nil {
		return nil, false
	}
	for _, entry := range index.Manifests {
		switch {
		case registry.IsIndex(entry.MediaType):
			return nil, false
		case registry.IsForPlatform(entry):
			names = append(names, registry.PlatformName(*entry.Platform))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), true
}
