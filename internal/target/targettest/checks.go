package targettest

import (
	"context"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/target"
)

// check is one promise of a target.
type check struct {
	name  string
	check func(*place)
}

// checks are the contract. The first ones are for every target; those behind them are for
// the abilities that only some have.
var checks = []check{
	{"what is not there is none", nothing},
	{"unreadable is an error and never none", unreadable},
	{"a published version is found with its digests", found},
	{"it is fetched byte by byte", fetched},
	{"name and version are compared as strings", exact},
	{"publishing again is no second version", once},
	{"a version that is there is not overwritten", notOverwritten},
	{"a failed write is an error and does nothing", failed},
	{"a lost answer is in doubt", lostAnswer},
	{"an ended context ends everything", ended},
	{"a hanging target is left with the context", hanging},
	{"many publish at once", many},

	{"keys: a refused key says so", refusedKey},
	{"keys: without a key the index is read, and nothing else", noKey},
	{"assets: they are served at the addresses that they get", assets},
	{"reviews: draft, submitted, active", reviewed},
	{"reviews: a rejection is another status, and says why", rejected},
	{"reviews: a lost answer to a submission is in doubt", lostSubmission},
	{"withdraw: what is taken back is a draft, and replaced by the next", withdrawn},
}

func nothing(p *place) {
	p.absent("alc", "1.0.0")
	if versions, err := p.index().Versions(p.ctx, "alc"); len(versions) != 0 || err != nil {
		p.Errorf("versions of nothing: %q, %v", versions, err)
	}
	if data, err := p.Target.Fetch(p.ctx, target.Entry{Name: "alc", Version: "1.0.0", URLs: []string{"charts/alc-1.0.0.tgz"}}); err == nil {
		p.Errorf("fetching what is not there gave %d bytes", len(data))
	}
	p.publish(Package(p.T, "alc", "1.0.0", "one"))
	p.listed("alc", "1.0.0")
	p.absent("alc", "2.0.0")
	p.absent("other", "1.0.0")
}

func unreadable(p *place) {
	p.publish(Package(p.T, "alc", "1.0.0", "one"))
	entry := p.listed("alc", "1.0.0")
	tried := 0
	for _, fault := range []Fault{Fails, Garbage} {
		for _, request := range []Request{Index, Lookup, Fetch} {
			if !p.Break(request, fault) {
				continue
			}
			tried++
			var err error
			switch request {
			case Index:
				var index target.Index
				// Where there is no index, it is the look-up that fails.
				if index, err = p.Target.Index(p.ctx); err == nil {
					_, _, err = index.Lookup(p.ctx, "alc", "1.0.0")
				}
			case Lookup:
				_, err = p.Target.Snapshot(p.ctx, "alc", "1.0.0")
			case Fetch:
				_, err = p.Target.Fetch(p.ctx, entry)
			}
			if err == nil {
				p.Errorf("%s %s, and there was no error", request, fault)
			}
			if failure.Unauthorized(err) || failure.InDoubt(err) && request == Index {
				p.Errorf("%s %s, and that was taken for something else: %v", request, fault, err)
			}
			p.Restore()
		}
	}
	if tried == 0 {
		p.Error("the fixture breaks no request at all")
	}
	p.wantStatus("alc", "1.0.0", p.published())
}

// published is the status of a version that was published and not reviewed.
func (p *place) published() string {
	if p.reviews != nil {
		return target.StatusSubmitted
	}
	return target.StatusActive
}

func found(p *place) {
	one, two := Package(p.T, "alc", "1.0.0", "one"), Package(p.T, "alc", "1.1.0-rc.1", "two")
	p.publish(one)
	p.publish(two)
	for _, pkg := range []*extension.Package{one, two} {
		e := p.listed("alc", pkg.Version)
		if e.Name != pkg.Name || e.Version != pkg.Version || e.OwnName != "" && e.OwnName != pkg.Name {
			p.Errorf("looked up %s, found %+v", pkg.Filename, e)
		}
		if e.Digest != "" && strings.TrimPrefix(e.Digest, "sha256:") != strings.TrimPrefix(pkg.Digest, "sha256:") {
			p.Errorf("%s: the digest is %s, want %s", pkg.Filename, e.Digest, pkg.Digest)
		}
		if e.ContentDigest != pkg.ContentDigest {
			p.Errorf("%s: the content digest is %q, want %q", pkg.Filename, e.ContentDigest, pkg.ContentDigest)
		}
		p.wantStatus("alc", pkg.Version, p.published())
	}
	versions, err := p.index().Versions(p.ctx, "alc")
	if slices.Sort(versions); err != nil || !slices.Equal(versions, []string{"1.0.0", "1.1.0-rc.1"}) {
		p.Errorf("versions: %q, %v", versions, err)
	}
}

func fetched(p *place) {
	large := make([]byte, 100_000) // that hardly compress
	_, _ = rand.NewChaCha8([32]byte{}).Read(large)
	for version, content := range map[string]string{"1.0.0": "one", "1.0.1": hex.EncodeToString(large)} {
		pkg := Package(p.T, "alc", version, content)
		p.publish(pkg)
		p.holds(pkg)
	}
}

func exact(p *place) {
	plain := Package(p.T, "alc", "1.0.0", "plain")
	p.publish(plain)
	p.listed("alc", "1.0.0")
	for _, version := range []string{"v1.0.0", "1.0", "1", "1.0.0-0", "01.0.0", "1.0.00"} {
		p.absent("alc", version)
	}
	for _, name := range []string{"al", "alcc", "alc-1.0.0"} {
		p.absent(name, "1.0.0")
	}
	spelled := Package(p.T, "alc", "v1.0.0", "spelled")
	p.publish(spelled)
	p.holds(spelled)
	p.holds(plain)
}

func once(p *place) {
	first := Package(p.T, "alc", "1.0.0", "one")
	one, err := p.Target.Publish(p.ctx, first)
	if err != nil {
		p.Fatal(err)
	}
	last := first
	if p.reviews != nil { // a draft is replaced
		last = Package(p.T, "alc", "1.0.0", "two")
	}
	two, err := p.Target.Publish(p.ctx, last)
	if p.reviews != nil {
		if err != nil {
			p.Fatalf("a draft cannot be replaced: %v", err)
		}
		if one.ID != two.ID || two.Status != target.StatusDraft {
			p.Errorf("the draft %+v was replaced by %+v", one, two)
		}
		if err := p.reviews.Submit(p.ctx, two.ID, ""); err != nil {
			p.Fatal(err)
		}
	} // elsewhere the same bytes may be refused or taken
	p.holds(last)
	if versions, err := p.index().Versions(p.ctx, "alc"); err != nil || len(versions) != 1 {
		p.Errorf("versions: %q, %v", versions, err)
	}
	if e := p.listed("alc", "1.0.0"); e.Times > 1 {
		p.Errorf("the index has the version %d times", e.Times)
	}
}

func notOverwritten(p *place) {
	first := Package(p.T, "alc", "1.0.0", "one")
	p.publish(first)
	refuse := func() {
		p.Helper()
		before := p.snapshot("alc", "1.0.0")
		if s, err := p.Target.Publish(p.ctx, Package(p.T, "alc", "1.0.0", "two")); err == nil {
			p.Errorf("the version was overwritten: %+v", s)
		} else if failure.Unauthorized(err) {
			p.Errorf("that was taken for a refusal of the key: %v", err)
		}
		if after := p.snapshot("alc", "1.0.0"); after != before {
			p.Errorf("it was %+v and is %+v", before, after)
		}
		p.holds(first)
	}
	refuse()
	if p.reviews != nil {
		if err := p.Approve("alc", "1.0.0"); err != nil {
			p.Fatal(err)
		}
		refuse()
	}
}

func failed(p *place) {
	p.broken(Publish, Fails)
	if s, err := p.Target.Publish(p.ctx, Package(p.T, "alc", "1.0.0", "one")); err == nil || failure.Unauthorized(err) {
		p.Errorf("got %+v, %v", s, err)
	}
	p.Restore()
	p.absent("alc", "1.0.0")
	pkg := Package(p.T, "alc", "1.0.0", "two")
	p.publish(pkg)
	p.holds(pkg)
}

func lostAnswer(p *place) {
	p.broken(Publish, LosesReply)
	_, err := p.Target.Publish(p.ctx, Package(p.T, "alc", "1.0.0", "one"))
	if !failure.InDoubt(err) || failure.Unauthorized(err) {
		p.Errorf("an answer that was lost is %v", err)
	}
	p.Restore()
	want := target.StatusActive
	if p.reviews != nil {
		want = target.StatusDraft
	}
	p.wantStatus("alc", "1.0.0", want)
}

// requests makes every request that a target can, with their names.
func (p *place) requests() map[Request]func(context.Context) error {
	pkg := Package(p.T, "new", "1.0.0", "one")
	list := map[Request]func(context.Context) error{
		Index: func(ctx context.Context) error {
			index, err := p.Target.Index(ctx)
			if err == nil {
				_, _, err = index.Lookup(ctx, "alc", "1.0.0")
			}
			return err
		},
		Lookup: func(ctx context.Context) error { _, err := p.Target.Snapshot(ctx, "alc", "1.0.0"); return err },
		Fetch: func(ctx context.Context) error {
			_, err := p.Target.Fetch(ctx, target.Entry{Name: "alc", Version: "1.0.0", URLs: []string{"charts/alc-1.0.0.tgz"}})
			return err
		},
		Publish: func(ctx context.Context) error { _, err := p.Target.Publish(ctx, pkg); return err },
	}
	if p.assets != nil {
		list[Upload] = func(ctx context.Context) error {
			_, err := p.assets.UploadAssets(ctx, "new", "1.0.0", load(p.T, "new", "1.0.0", "one").Assets)
			return err
		}
	}
	if p.reviews != nil {
		list[Submit] = func(ctx context.Context) error { return p.reviews.Submit(ctx, "1", "") }
	}
	if w, ok := p.Target.(target.Withdrawer); ok {
		list[Withdraw] = func(ctx context.Context) error { return w.Withdraw(ctx, "1", "") }
	}
	return list
}

func ended(p *place) {
	ctx, cancel := context.WithCancel(p.ctx)
	cancel()
	for name, request := range p.requests() {
		if err := request(ctx); err == nil {
			p.Errorf("%s went on although its context had ended", name)
		}
	}
	p.absent("new", "1.0.0")
}

func hanging(p *place) {
	tried := 0
	for name, request := range p.requests() {
		if !p.Break(name, Hangs) {
			continue
		}
		tried++
		ctx, cancel := context.WithTimeout(p.ctx, 100*time.Millisecond)
		began := time.Now()
		if err := request(ctx); err == nil {
			p.Errorf("%s hangs, and there was no error", name)
		}
		if took := time.Since(began); took > 30*time.Second {
			p.Errorf("%s went on for %s after its context had ended", name, took)
		}
		cancel()
		p.Restore()
	}
	if tried == 0 {
		p.Skip("nothing hangs here")
	}
	p.wantStatus("alc", "1.0.0", target.StatusNone)
}

func many(p *place) {
	var packages []*extension.Package
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		packages = append(packages, Package(p.T, name, "1.0.0", name), Package(p.T, name, "1.0.1", name))
	}
	var group sync.WaitGroup
	for _, pkg := range packages {
		group.Go(func() {
			s, err := p.Target.Publish(p.ctx, pkg)
			if err == nil && p.reviews != nil {
				err = p.reviews.Submit(p.ctx, s.ID, "")
			}
			if err != nil {
				p.Errorf("publishing %s: %v", pkg.Filename, err)
			}
		})
	}
	group.Wait()
	for _, pkg := range packages {
		p.holds(pkg)
	}
}

// onlyWith skips a check where an ability is missing.
func (p *place) onlyWith(has bool, ability string) {
	p.Helper()
	if !has {
		p.Skip("the target has no " + ability)
	}
}

func refusedKey(p *place) {
	p.onlyWith(p.keys != nil, "keys")
	if err := p.keys.CheckKey(p.ctx); err != nil || !p.keys.HasKey() {
		p.Errorf("the good key: %v", err)
	}
	bad := newPlace(p.T, Fixture{Target: p.BadKey})
	if !bad.keys.HasKey() {
		p.Error("the bad key is none")
	}
	if err := bad.keys.CheckKey(p.ctx); !failure.Unauthorized(err) {
		p.Errorf("checking the key: %v", err)
	}
	for name, request := range bad.requests() {
		if name == Index || name == Fetch {
			continue // they are for everybody
		}
		if err := request(p.ctx); !failure.Unauthorized(err) {
			p.Errorf("%s with a bad key: %v", name, err)
		} else if failure.InDoubt(err) {
			p.Errorf("%s: a refusal is no doubt: %v", name, err)
		}
	}
	p.absent("new", "1.0.0")
}

func noKey(p *place) {
	p.onlyWith(p.keys != nil, "keys")
	pkg := Package(p.T, "alc", "1.0.0", "one")
	p.publish(pkg)
	p.listed("alc", "1.0.0")
	none := newPlace(p.T, Fixture{Target: p.NoKey})
	if none.keys.HasKey() {
		p.Error("it has a key")
	}
	none.holds(pkg)
	requests := none.requests()
	requests["CheckKey"] = none.keys.CheckKey
	for name, request := range requests {
		if name != Index && name != Fetch {
			if err := request(p.ctx); !errors.Is(err, target.ErrNoToken) {
				p.Errorf("%s without a key: %v", name, err)
			}
		}
	}
	if p.assets != nil {
		all := load(p.T, "alc", "1.0.0", "one").Assets
		if urls, certain, err := none.assets.AssetURLs(p.ctx, "alc", "1.0.0", all); err != nil || certain || len(urls) != len(all) {
			p.Errorf("addresses without a key: %q, certain: %t, %v", urls, certain, err)
		}
	}
}

func assets(p *place) {
	p.onlyWith(p.assets != nil, "assets")
	one, two := load(p.T, "alc", "1.0.0", "one").Assets, load(p.T, "alc", "1.1.0", "two").Assets
	estimate, certain, err := p.assets.AssetURLs(p.ctx, "alc", "1.0.0", one)
	if err != nil || len(estimate) != len(one) {
		p.Fatalf("estimate: %q, %v", estimate, err)
	}
	if got, err := p.Target.FetchAsset(p.ctx, estimate[0]); err == nil {
		p.Errorf("an estimate has uploaded %q", got)
	}
	upload := func(version string, all []extension.Asset) []string {
		urls, err := p.assets.UploadAssets(p.ctx, "alc", version, all)
		if err != nil || len(urls) != len(all) {
			p.Fatalf("%d assets: %q, %v", len(all), urls, err)
		}
		return urls
	}
	first := upload("1.0.0", one)
	if certain && !slices.Equal(first, estimate) {
		p.Errorf("certain were %q, but it is %q", estimate, first)
	}
	second := upload("1.1.0", two)
	if again := upload("1.0.0", one); !slices.Equal(again, first) {
		p.Errorf("sent again, the addresses are %q, and were %q", again, first)
	}
	for i, a := range append(slices.Clone(one), two...) {
		got, err := p.Target.FetchAsset(p.ctx, slices.Concat(first, second)[i])
		if err != nil || string(got) != string(a.Data) {
			p.Errorf("%s: %q, %v", a.RemoteName, got, err)
		}
	}
	p.absent("alc", "1.0.0") // assets are no version
}

func reviewed(p *place) {
	p.onlyWith(p.reviews != nil, "reviews")
	pkg := Package(p.T, "alc", "1.0.0", "one")
	draft, err := p.Target.Publish(p.ctx, pkg)
	if err != nil || draft.ID == "" || draft.Status != target.StatusDraft {
		p.Fatalf("published: %+v, %v", draft, err)
	}
	if _, ok, err := p.index().Lookup(p.ctx, "alc", "1.0.0"); ok || err != nil {
		p.Errorf("the index has a draft: %v", err)
	}
	same := func(want string) {
		p.Helper()
		if s := p.wantStatus("alc", "1.0.0", want); s.ID != draft.ID || s.Message != "" {
			p.Errorf("the draft was %+v, and %s is %+v", draft, want, s)
		}
	}
	same(target.StatusDraft)
	if err := p.reviews.Submit(p.ctx, draft.ID+"0", ""); err == nil {
		p.Error("another draft was submitted that is not there")
	}
	same(target.StatusDraft)
	if err := p.reviews.Submit(p.ctx, draft.ID, "please"); err != nil {
		p.Fatal(err)
	}
	same(target.StatusSubmitted)
	if err := p.Approve("alc", "1.0.0"); err != nil {
		p.Fatal(err)
	}
	same(target.StatusActive)
	p.holds(pkg)
}

func rejected(p *place) {
	p.onlyWith(p.reviews != nil, "reviews")
	p.publish(Package(p.T, "alc", "1.0.0", "one"))
	if err := p.Reject("alc", "1.0.0"); err != nil {
		p.Fatal(err)
	}
	switch s := p.snapshot("alc", "1.0.0"); s.Status {
	case target.StatusNone, target.StatusDraft, target.StatusSubmitted, target.StatusActive:
		p.Errorf("a rejected version is %q", s.Status)
	default:
		if s.Message == "" {
			p.Errorf("nobody says why: %+v", s)
		}
	}
}

func lostSubmission(p *place) {
	p.onlyWith(p.reviews != nil, "reviews")
	s, err := p.Target.Publish(p.ctx, Package(p.T, "alc", "1.0.0", "one"))
	if err != nil {
		p.Fatal(err)
	}
	p.broken(Submit, LosesReply)
	if err := p.reviews.Submit(p.ctx, s.ID, ""); !failure.InDoubt(err) {
		p.Errorf("an answer that was lost is %v", err)
	}
	p.Restore()
	p.wantStatus("alc", "1.0.0", target.StatusSubmitted)
}

func withdrawn(p *place) {
	w, ok := p.Target.(target.Withdrawer)
	p.onlyWith(ok, "way to take a version back")
	s := p.publish(Package(p.T, "alc", "1.0.0", "one"))
	if err := w.Withdraw(p.ctx, s.ID, "a mistake"); err != nil {
		p.Fatal(err)
	}
	if now := p.wantStatus("alc", "1.0.0", target.StatusDraft); now.ID != s.ID {
		p.Errorf("%+v was taken back, and is %+v", s, now)
	}
	other := Package(p.T, "alc", "1.0.0", "two")
	if again := p.publish(other); again.ID != s.ID {
		p.Errorf("the draft %+v was not replaced, but %+v made", s, again)
	}
	p.holds(other)
}
