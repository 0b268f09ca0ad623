// Package presence says of images whether their registries have them, and for which platforms.
//
// An image costs one HEAD. Only where platforms are asked for is it looked into: that costs a GET
// for an index, and two for an image without one. What a digest stands for never changes, so it is
// kept in a folder, and costs nothing the next time.
package presence

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/imageref"
	"github.com/ksrelease/ksrelease/internal/registry"
)

// Registries are asked for images (internal/registry).
type Registries interface {
	// Resolve gives the descriptor of a manifest or an index; false where there is none.
	Resolve(ctx context.Context, r registry.Reference) (ocispec.Descriptor, bool, error)
	// Platforms are those of an image; false where there is none.
	Platforms(ctx context.Context, r registry.Reference) ([]registry.Platform, bool, error)
}

// State says whether an image is there.
type State string

// The states of an image.
const (
	There   State = "there"
	NotFor  State = "missing-platform" // it is there, and not for all platforms that are asked for
	Missing State = "missing"
	Unknown State = "unknown" // its registry cannot be asked, or refuses
)

// Answer is what is known of an image.
type Answer struct {
	State  State
	Digest string // of what is there
	// Platforms are those that it is for, where some were asked for, and Lacks those of the asked
	// ones that it is not for.
	Platforms, Lacks []string
	// Err says why its registry cannot be asked, where the state is Unknown.
	Err error
}

// Asker asks registries for images, each once. It is safe for concurrent use.
type Asker struct {
	Registries Registries
	// Known keeps the platforms of digests; nil keeps nothing.
	Known *Known
	// Parallelism is how many images are asked for at once; 0 means 8.
	Parallelism int

	once    sync.Once
	slots   chan struct{}
	mu      sync.Mutex
	answers map[string]*answering
}

// answering is an answer that is on its way, or there.
type answering struct {
	done   chan struct{}
	answer Answer
}

// Question is an image that is asked for, and the platforms that it has to be for; none suffices with
// any.
type Question struct {
	Ref       imageref.Ref
	Platforms []string
}

// All asks for several images at once. answered, which may be nil, is called with each answer, maybe by
// several goroutines at once. The error is that of ctx.
func (a *Asker) All(ctx context.Context, questions []Question, answered func()) ([]Answer, error) {
	answers := make([]Answer, len(questions))
	var group errgroup.Group
	for i, q := range questions {
		group.Go(func() error {
			answers[i] = a.Ask(ctx, q.Ref, q.Platforms)
			if answered != nil {
				answered()
			}
			return nil // the others are asked for, too
		})
	}
	_ = group.Wait()
	return answers, context.Cause(ctx)
}

// Ask asks for one image. Who asks for what is being asked for waits for the same answer.
func (a *Asker) Ask(ctx context.Context, ref imageref.Ref, platforms []string) Answer {
	key := ref.String() + " " + strings.Join(platforms, " ")
	a.mu.Lock()
	if a.answers == nil {
		a.answers = map[string]*answering{}
	}
	one, ok := a.answers[key]
	if !ok {
		one = &answering{done: make(chan struct{})}
		a.answers[key] = one
	}
	a.mu.Unlock()
	if !ok {
		one.answer = a.ask(ctx, registry.OfImage(ref), platforms)
		if ctx.Err() != nil { // it may be asked for again
			a.mu.Lock()
			delete(a.answers, key)
			a.mu.Unlock()
		}
		close(one.done)
	}
	select {
	case <-one.done:
		return one.answer
	case <-ctx.Done():
		return Answer{State: Unknown, Err: context.Cause(ctx)}
	}
}

func (a *Asker) ask(ctx context.Context, at registry.Reference, platforms []string) Answer {
	a.once.Do(func() {
		size := a.Parallelism
		if size <= 0 {
			size = 8
		}
		a.slots = make(chan struct{}, size)
	})
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return Answer{State: Unknown, Err: context.Cause(ctx)}
	}
	found, ok, err := a.Registries.Resolve(ctx, at)
	switch {
	case err != nil:
		return Answer{State: Unknown, Err: Explain(at, err)}
	case !ok:
		return Answer{State: Missing}
	}
	answer := Answer{State: There, Digest: found.Digest.String()}
	if len(platforms) == 0 {
		return answer
	}
	if answer.Platforms, err = a.Platforms(ctx, at.WithDigest(answer.Digest)); err != nil {
		return Answer{State: Unknown, Digest: answer.Digest, Err: Explain(at, err)}
	}
	if answer.Lacks = Lacking(platforms, answer.Platforms); len(answer.Lacks) > 0 {
		answer.State = NotFor
	}
	return answer
}

// Platforms are those of what has a digest, sorted.
func (a *Asker) Platforms(ctx context.Context, at registry.Reference) ([]string, error) {
	if names, ok := a.Known.platforms(at.Digest); ok {
		return names, nil
	}
	all, found, err := a.Registries.Platforms(ctx, at)
	if err == nil && !found {
		err = fmt.Errorf("%s is gone meanwhile", at)
	}
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(all))
	for _, p := range all {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	a.Known.Keep(at.Digest, names)
	return names, nil
}

// Lacking are those of the asked platforms that are not among the others.
func Lacking(asked, have []string) (lacking []string) {
	for _, platform := range asked {
		if !slices.ContainsFunc(have, func(name string) bool { return registry.Matches(platform, name) }) {
			lacking = append(lacking, platform)
		}
	}
	return lacking
}

// dockerHub is the registry of names without one.
const dockerHub = "docker.io"

// Explain adds what to do about refusals that mean something else than they say.
func Explain(at registry.Reference, err error) error {
	switch {
	case failure.SlowDown(err) && at.Host == dockerHub:
		return failure.WithHint(err, "Docker Hub lets those who are not logged in read little: log in (docker login), or ask a mirror of it (KSRELEASE_REGISTRY_MIRRORS)")
	case failure.Unauthorized(err):
		// Docker Hub, GHCR and Quay refuse those who ask for what is not there, as they do for what
		// is private.
		return failure.WithHint(err, "it is private, or there is no repository of that name; %s", failure.Hint(err))
	}
	return err
}
