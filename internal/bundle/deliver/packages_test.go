package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/bundle/deliver"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// bundled are packages in a bundle that is open.
func bundled(t *testing.T, packages ...*extension.Package) bundle.Set {
	t.Helper()
	file, _ := content{packages: packages}.make(t, client(t))
	return opened(t, file)
}

func opened(t *testing.T, file string) bundle.Set {
	t.Helper()
	set, err := bundle.OpenAll([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = set.Close() })
	return set
}

// several are packages alc-0 and so on.
func several(t *testing.T, count int) (all []*extension.Package) {
	for i := range count {
		all = append(all, targettest.Package(t, fmt.Sprintf("alc-%d", i), "1.0.0", "one"))
	}
	return all
}

func deliverTo(t *testing.T, ctx context.Context, set bundle.Set, to target.Target, more func(*deliver.Options)) *deliver.Result {
	t.Helper()
	options := deliver.Options{Bundles: set, Targets: museum(to), Parallelism: 4}
	if more != nil {
		more(&options)
	}
	result, err := deliver.Deliver(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// What does not arrive is sent again, and that is said; in the end it is given up.
func TestAPackageIsSentAgain(t *testing.T) {
	set := bundled(t, targettest.Package(t, "alc", "1.0.0", "one"))
	for loses, want := range map[int]string{2: "alc 1.0.0 released", 10: "alc 1.0.0 failed"} {
		synctest.Test(t, func(t *testing.T) {
			to := newShelf()
			to.loses = loses
			var notes []string
			result := deliverTo(t, t.Context(), set, to, func(o *deliver.Options) {
				o.Note = func(message string) { notes = append(notes, message) }
			})
			if got := outcomes(result); got[0] != want || to.sent != min(loses+1, 5) {
				t.Errorf("%q, sent %d times: %+v", got, to.sent, result)
			}
			if len(notes) == 0 || notes[0] != "alc 1.0.0 in museum: uploading the package: connection reset, trying again in 1s, 2 of 5" {
				t.Errorf("%q", notes)
			}
		})
	}
}

// All that wait for the same target share what is read of its index.
func TestOneReadingOfTheIndexForAll(t *testing.T) {
	set := bundled(t, several(t, 12)...)
	synctest.Test(t, func(t *testing.T) {
		to := newShelf()
		to.hides = 6
		if result := deliverTo(t, t.Context(), set, to, func(o *deliver.Options) { o.Parallelism = 12 }); !result.Good() {
			t.Errorf("%+v", result)
		}
		if to.read > 10 {
			t.Errorf("its index was read %d times", to.read)
		}
	})
}

// The first step of an interrupt begins nothing new, and what is being sent arrives.
func TestAnInterruptWhileAPackageIsSent(t *testing.T) {
	set := bundled(t, several(t, 3)...)
	stop, interrupt := context.WithCancelCause(t.Context())
	defer interrupt(nil)
	ctx, done := graceful.With(stop, t.Context())
	defer done()
	to := newShelf()
	to.publishing = func(context.Context) { interrupt(errors.New("interrupted")) }
	result := deliverTo(t, ctx, set, to, func(o *deliver.Options) { o.Parallelism = 1 })
	want := []string{"interrupted before it was seen in the museum", "interrupted before it was begun", "interrupted before it was begun"}
	for i, o := range result.Outcomes {
		if o.Outcome != deliver.Failed || o.Error != want[i] {
			t.Errorf("%+v, want %s", o, want[i])
		}
	}
	if to.sent != 1 || to.has["alc-0 1.0.0"] == nil {
		t.Errorf("sent %d times, there are %d", to.sent, len(to.has))
	}
	// The next one goes on from there.
	to.publishing = nil
	if got := outcomes(deliverTo(t, t.Context(), set, to, nil)); !slices.Equal(got, []string{"alc-0 1.0.0 exists", "alc-1 1.0.0 released", "alc-2 1.0.0 released"}) {
		t.Errorf("%q", got)
	}
}

// narrow is a shelf that is too small for packages of some name.
type narrow struct {
	*shelf
	refuses string
	asked   func()
}

func (n narrow) Fits(_ context.Context, pkg *extension.Package) error {
	n.asked()
	if pkg.Name == n.refuses {
		return errors.New("it is too large")
	}
	return nil
}

// nowhere is a registry that takes no image.
type nowhere struct{ asked func() }

func (n nowhere) Resolve(context.Context, registry.Reference) (ocispec.Descriptor, bool, error) {
	n.asked()
	return ocispec.Descriptor{}, false, errors.New("no route")
}

func (nowhere) BlobExists(context.Context, registry.Reference, ocispec.Descriptor) (bool, error) {
	return false, nil
}

func (nowhere) Copy(context.Context, registry.Reference, registry.Reference, registry.CopyOptions) (registry.Copied, error) {
	return registry.Copied{}, errors.New("no route")
}

// What a target would refuse is known before anything is sent anywhere.
func TestWhatATargetRefuses(t *testing.T) {
	outside, images := registrytest.Start(t, registrytest.Options{}), client(t)
	web := outside.Host + "/web:1"
	registrytest.PushImage(t, images, web, "one")
	file, _ := content{packages: several(t, 2), images: []string{web}}.make(t, images)
	var mu sync.Mutex
	var order []string
	asks := func(whom string) func() {
		return func() {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, whom)
		}
	}
	to := narrow{newShelf(), "alc-1", asks("target")}
	result := deliverTo(t, t.Context(), opened(t, file), to, func(o *deliver.Options) {
		o.Registry, o.ImageAt = nowhere{asks("registry")}, func(r registry.Reference) (registry.Reference, error) { return r, nil }
	})
	if got := outcomes(result); !slices.Equal(got, []string{"alc-0 1.0.0 released", "alc-1 1.0.0 failed", "web:1 failed"}) {
		t.Errorf("%q, %+v", got, result)
	}
	if result.Outcomes[2].Error != "it is too large" || to.sent != 1 {
		t.Errorf("%+v, sent %d times", result.Outcomes[2], to.sent)
	}
	if !slices.Equal(order, []string{"target", "target", "registry"}) {
		t.Errorf("asked in the order %q", order)
	}
}

// locked is a shelf that asks for a key, and refuses the one that it gets.
type locked struct{ *shelf }

type refusal struct{}

func (refusal) Error() string      { return "401 Unauthorized" }
func (refusal) Unauthorized() bool { return true }

func (locked) HasKey() bool                   { return true }
func (locked) CheckKey(context.Context) error { return refusal{} }

// Without a good key nothing is sent; what is there is found all the same.
func TestARefusedKey(t *testing.T) {
	packages := several(t, 2)
	to := locked{newShelf()}
	to.has["alc-0 1.0.0"] = packages[0]
	result := deliverTo(t, t.Context(), bundled(t, packages...), to, nil)
	if got := outcomes(result); !slices.Equal(got, []string{"alc-0 1.0.0 exists", "alc-1 1.0.0 failed"}) || !result.Unauthorized() || to.sent > 0 {
		t.Errorf("%q, sent %d times: %+v", got, to.sent, result)
	}
}

// What a target does not show in time is not known to be there. What it has, and does not show yet, is
// waited for, and not sent again.
func TestWhatIsNotSeen(t *testing.T) {
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	set := bundled(t, pkg)
	synctest.Test(t, func(t *testing.T) {
		to, began := newShelf(), time.Now()
		to.hides = 1 << 20
		result := deliverTo(t, t.Context(), set, to, nil)
		if o := result.Outcomes[0]; o.Outcome != deliver.Failed || o.Bytes != pkg.Size || !strings.HasPrefix(o.Error, "it was sent, and the target does not show it: not seen within 2m0s") {
			t.Errorf("%+v", o)
		}
		if waited := time.Since(began); waited != 2*time.Minute {
			t.Errorf("it waited for %s", waited)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		to := newShelf()
		to.has["alc 1.0.0"], to.hides = pkg, 3
		if got := outcomes(deliverTo(t, t.Context(), set, to, nil)); got[0] != "alc 1.0.0 exists" || to.sent > 0 {
			t.Errorf("%q, sent %d times", got, to.sent)
		}
		to.has["alc 1.0.0"], to.hides = targettest.Package(t, "alc", "1.0.0", "two"), 3
		if got := outcomes(deliverTo(t, t.Context(), set, to, nil)); got[0] != "alc 1.0.0 drift" || to.sent > 0 {
			t.Errorf("%q, sent %d times", got, to.sent)
		}
	})
}

// packer is a marketplace that packs anew what it gets.
type packer struct {
	*shelf
	t       *testing.T
	becomes *extension.Package // what it has in the end; nil is the same content
}

func (p packer) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	anew := *pkg
	if p.becomes != nil {
		anew.Data = p.becomes.Data
	}
	anew.Data = trees.Recompressed(p.t, anew.Data)
	anew.Digest = bundle.DigestOf(anew.Data)
	return p.shelf.Publish(ctx, &anew)
}

// A package whose pictures are addresses is known by what its content is, and not by the digest alone that
// an index says of it.
func TestAMarketplaceThatPacksAnew(t *testing.T) {
	published := func(values string) *extension.Package {
		ext, err := extension.Load(targettest.Folder(t, "alc", "1.0.0", values), extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		urls := extension.URLs{}
		for _, a := range ext.Assets {
			urls[a.File] = "https://files.example/" + a.RemoteName
		}
		pkg, err := ext.Pack(urls)
		if err != nil {
			t.Fatal(err)
		}
		return pkg
	}
	set := bundled(t, published("one"))
	synctest.Test(t, func(t *testing.T) {
		to := packer{newShelf(), t, nil}
		for _, want := range []string{"released", "exists"} {
			if got := outcomes(deliverTo(t, t.Context(), set, to, nil)); got[0] != "alc 1.0.0 "+want || to.sent != 1 {
				t.Errorf("%q, want %s, sent %d times", got, want, to.sent)
			}
		}
		to = packer{newShelf(), t, published("two")}
		result := deliverTo(t, t.Context(), set, to, nil)
		if o := result.Outcomes[0]; o.Outcome != deliver.Drift || !strings.HasPrefix(o.Error, "it is there with other content") {
			t.Errorf("%+v", o)
		}
	})
}
