package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// museum is a target without key, assets and reviews, whose packages cannot be replaced.
type museum struct{ w *fakeWorld }

var _ target.Target = museum{}

func newMuseum() museum {
	w := newFakeWorld()
	w.refusesOverwriting = true
	return museum{w}
}

func (m museum) Index(ctx context.Context) (target.Index, error) { return m.w.Index(ctx) }
func (m museum) Fetch(ctx context.Context, e target.Entry) ([]byte, error) {
	return m.w.Fetch(ctx, e)
}
func (m museum) FetchAsset(_ context.Context, url string) ([]byte, error) {
	return nil, errors.New("no asset " + url)
}
func (m museum) Snapshot(ctx context.Context, name, version string) (target.Snapshot, error) {
	return m.w.Snapshot(ctx, name, version)
}

func (m museum) Publish(ctx context.Context, pkg *extension.Package) (s target.Snapshot, err error) {
	key := pkg.Name + "@" + pkg.Version
	var refused error
	err = m.w.call(ctx, "push "+key, true, func() {
		if m.w.versions[key] != nil {
			refused = errors.New(key + " is there")
			return
		}
		m.w.versions[key] = &fakeVersion{status: target.StatusActive, pkg: pkg, submitted: time.Now()}
		m.w.taken = append(m.w.taken, "push "+key)
		s.Status = target.StatusActive
	})
	return s, cmp.Or(err, refused)
}

// has is the package of a version; nil where there is none.
func (m museum) has(key string) []byte { return packageIn(m.w, key) }

func packageIn(w *fakeWorld, key string) []byte {
	if v := w.versions[key]; v != nil && v.pkg != nil && v.status != target.StatusDraft {
		return v.pkg.Data
	}
	return nil
}

// put has a version there before a run.
func (m museum) put(pkg *extension.Package) {
	m.w.versions[pkg.Name+"@"+pkg.Version] = &fakeVersion{id: "before", status: target.StatusActive, pkg: pkg, submitted: m.w.started}
}

func (m museum) at(name string) target.Place {
	return target.Place{Target: m, Name: name, Kind: "directory", URL: "/srv/" + name, Noun: "the folder " + name}
}

// packed is the package of a source, in the form without addresses.
func packed(t *testing.T, source config.Source) *extension.Package {
	t.Helper()
	ext, err := extension.Load(source.Path, extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := ext.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

// otherBytes is a package of the same files that another compressor made.
func otherBytes(t *testing.T, pkg *extension.Package) *extension.Package {
	t.Helper()
	other := extension.Packed(pkg.Name, pkg.Version, trees.Recompressed(t, pkg.Data), pkg.ContentDigest)
	if bytes.Equal(other.Data, pkg.Data) {
		t.Fatal("the bytes are the same")
	}
	return other
}

// inTargetsOf are the outcomes of an extension by its targets.
func inTargetsOf(x results.Extension) map[string]results.Outcome {
	of := map[string]results.Outcome{}
	for _, t := range x.Targets {
		of[t.Name] = t.Outcome
	}
	return of
}

func wantTargets(t *testing.T, x results.Extension, outcome results.Outcome, want map[string]results.Outcome) {
	t.Helper()
	if got := inTargetsOf(x); x.Outcome != outcome || !maps.Equal(got, want) {
		for _, in := range x.Targets {
			t.Logf("%s: %s %q %+v", in.Name, in.Outcome, in.Reason, in.Error)
		}
		t.Fatalf("%s is %s %q in %v, want %s in %v", x.Name, x.Outcome, x.Reason, got, outcome, want)
	}
}

func TestOneExtensionForSeveralTargets(t *testing.T) {
	w, one, two := newFakeWorld(), newMuseum(), newMuseum()
	places := []target.Place{target.Marketplace(w), one.at("one"), two.at("two")}
	var ended []string
	observe := results.ObserverFunc(func(e results.Event) {
		if e.Kind == results.EventEnded || e.Kind == results.EventTargetEnded {
			ended = append(ended, string(e.Kind)+" "+e.Target)
		}
	})
	source := sourceOf(t, "alc", "1.0.0")
	dry := do(t, w, Options{Sources: []config.Source{source}, Targets: places, DryRun: true}).Extensions[0]
	wantTargets(t, dry, results.Planned, map[string]results.Outcome{"marketplace": results.Planned, "one": results.Planned, "two": results.Planned})
	if upload := dry.Targets[1].Stages[0]; upload.Status != results.StageSkipped || dry.Targets[0].Stages[0].Status != results.StagePlanned || dry.Stages[2].Status != results.StagePlanned {
		t.Errorf("the assets lie in one place: %+v", upload)
	}
	x := do(t, w, Options{Sources: []config.Source{source}, Targets: places, Observer: observe}).Extensions[0]
	wantTargets(t, x, results.Released, map[string]results.Outcome{"marketplace": results.Released, "one": results.Released, "two": results.Released})
	slices.Sort(ended[:3])
	if !slices.Equal(ended, []string{"target-ended marketplace", "target-ended one", "target-ended two", "ended "}) {
		t.Errorf("%q", ended)
	}
	market := packageIn(w, "alc@1.0.0")
	if market == nil || !bytes.Equal(market, one.has("alc@1.0.0")) || !bytes.Equal(market, two.has("alc@1.0.0")) {
		t.Error("the packages are not the same bytes")
	}
	if !x.AsAsked || x.Reason != "" || x.Package == nil || x.Targets[0].Review != "open" || x.Targets[1].Review != "" || x.Targets[1].URL != "/srv/one" || !x.Targets[1].AsAsked {
		t.Errorf("%+v", x)
	}
	writes := len(w.writes) + len(one.w.writes) + len(two.w.writes)
	if again := do(t, w, Options{Sources: []config.Source{source}, Targets: places}).Extensions[0]; again.Outcome != results.Exists || len(w.writes)+len(one.w.writes)+len(two.w.writes) != writes {
		t.Errorf("%s %+v", again.Outcome, again.Targets)
	}
}

// A single target is named in results where the project names it, and else all is as it was
// before there were others.
func TestASingleTarget(t *testing.T) {
	source := sourceOf(t, "alc", "1.0.0")
	for _, named := range []bool{false, true} {
		m := newMuseum()
		var targets []string
		x := do(t, m.w, Options{Sources: []config.Source{source}, Targets: []target.Place{m.at("one")}, NamesTargets: named, Observer: results.ObserverFunc(func(e results.Event) {
			if e.Target != "" {
				targets = append(targets, string(e.Kind))
			}
		})}).Extensions[0]
		if x.Outcome != results.Released || (len(x.Targets) == 1) != named || (len(targets) > 0) != named {
			t.Errorf("%v: %s %+v, %q", named, x.Outcome, x.Targets, targets)
		}
	}
}

// A target that has the version gives its bytes to the others, whoever packed them.
func TestTheBytesOfOneAreThoseOfAll(t *testing.T) {
	source := sourceOf(t, "alc", "1.0.0")
	for name, unmarked := range map[string]bool{"with a content digest": false, "by another program": true} {
		t.Run(name, func(t *testing.T) {
			one, two, three := newMuseum(), newMuseum(), newMuseum()
			there := otherBytes(t, packed(t, source))
			two.put(there)
			two.w.versions["alc@1.0.0"].unmarked = unmarked
			x := do(t, one.w, Options{Sources: []config.Source{source}, Targets: []target.Place{one.at("one"), two.at("two"), three.at("three")}}).Extensions[0]
			wantTargets(t, x, results.Released, map[string]results.Outcome{"one": results.Released, "two": results.Exists, "three": results.Released})
			if !bytes.Equal(one.has("alc@1.0.0"), there.Data) || !bytes.Equal(three.has("alc@1.0.0"), there.Data) || x.Package.Digest != there.Digest {
				t.Error("they have other bytes")
			}
			if len(two.w.writes) > 0 {
				t.Errorf("%q", two.w.writes)
			}
		})
	}
	t.Run("the annotation is no proof", func(t *testing.T) {
		one, two := newMuseum(), newMuseum()
		other := sourceOf(t, "alc", "1.0.0")
		write(t, other.Path+"/values.yaml", "global: {a: 1}\n")
		there := packed(t, other)
		there.ContentDigest = packed(t, source).ContentDigest
		one.put(there)
		x := do(t, one.w, Options{Sources: []config.Source{source}, Targets: []target.Place{one.at("one"), two.at("two")}}).Extensions[0]
		wantTargets(t, x, results.Failed, map[string]results.Outcome{"one": results.Exists, "two": results.Failed})
		if !strings.HasPrefix(x.Reason, "two: package: taking the package that one has: it is listed with the content digest of this version, and has other content (values.yaml") {
			t.Errorf("%q", x.Reason)
		}
	})
}

// What the marketplace has goes to others, with the addresses of its pictures in it, and nothing
// is uploaded again.
func TestWhatTheMarketplaceHasGoesToOthers(t *testing.T) {
	w, one := newFakeWorld(), newMuseum()
	source := sourceOf(t, "alc", "1.0.0")
	do(t, w, Options{Sources: []config.Source{source}})
	writes := len(w.writes)
	x := do(t, w, Options{Sources: []config.Source{source}, Targets: []target.Place{target.Marketplace(w), one.at("one")}}).Extensions[0]
	wantTargets(t, x, results.Released, map[string]results.Outcome{"marketplace": results.Exists, "one": results.Released})
	if !bytes.Equal(one.has("alc@1.0.0"), packageIn(w, "alc@1.0.0")) || len(w.writes) != writes {
		t.Errorf("other bytes, or %q", w.writes[writes:])
	}
}

// One that holds its pictures is not what a marketplace takes.
func TestAMarketplaceGetsAddresses(t *testing.T) {
	w, one := newFakeWorld(), newMuseum()
	source := sourceOf(t, "alc", "1.0.0")
	one.put(packed(t, source))
	x := do(t, w, Options{Sources: []config.Source{source}, Targets: []target.Place{target.Marketplace(w), one.at("one")}}).Extensions[0]
	wantTargets(t, x, results.Released, map[string]results.Outcome{"marketplace": results.Released, "one": results.Exists})
	if len(x.Assets) != 1 || !strings.HasPrefix(x.Assets[0].URL, usualBase) {
		t.Errorf("%+v", x.Assets)
	}
}

// Other content in one target keeps the version from the others, unless drift is as asked.
func TestDriftInOneTarget(t *testing.T) {
	for policy, want := range map[config.Drift]results.Outcome{config.FailDrift: results.Blocked, config.WarnDrift: results.Released} {
		one, two := newMuseum(), newMuseum()
		source, other := sourceOf(t, "alc", "1.0.0"), sourceOf(t, "alc", "1.0.0")
		write(t, other.Path+"/values.yaml", "global: {a: 1}\n")
		one.put(packed(t, other))
		source.Settings.Push.Drift = policy
		x := do(t, one.w, Options{Sources: []config.Source{source}, Targets: []target.Place{one.at("one"), two.at("two")}}).Extensions[0]
		wantTargets(t, x, results.Drift, map[string]results.Outcome{"one": results.Drift, "two": want})
		if len(x.Targets[0].Differs) != 1 || !strings.HasPrefix(x.Reason, "one: 1.0.0 is there with other content (values.yaml") || x.AsAsked != (policy == config.WarnDrift) {
			t.Errorf("%q %+v", x.Reason, x.Targets)
		}
		if policy == config.FailDrift && x.Targets[1].Reason != "one has the version with other content, and all are to have the same: bump version in extension.yaml" {
			t.Errorf("%q", x.Targets[1].Reason)
		}
	}
}

// A package whose pictures lie nowhere goes nowhere.
func TestNobodyGetsAPackageWithoutPictures(t *testing.T) {
	for name, prepare := range map[string]func(*fakeWorld) target.Target{
		"the upload fails": func(w *fakeWorld) target.Target {
			w.fault = func(call string) (bool, error) {
				if strings.HasPrefix(call, "upload ") {
					return false, &fakeError{text: "413 too large"}
				}
				return false, nil
			}
			return w
		},
		"it cannot be read": func(w *fakeWorld) target.Target {
			w.fault = func(call string) (bool, error) {
				if strings.HasPrefix(call, "index") {
					return false, &fakeError{text: "502"}
				}
				return false, nil
			}
			return w
		},
		"no key": func(w *fakeWorld) target.Target { return w.withoutKey() },
	} {
		t.Run(name, func(t *testing.T) {
			w, one := newFakeWorld(), newMuseum()
			x := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}, Targets: []target.Place{target.Marketplace(prepare(w)), one.at("one")}}).Extensions[0]
			wantTargets(t, x, results.Failed, map[string]results.Outcome{"marketplace": results.Failed, "one": results.Blocked})
			if x.Targets[1].Reason != "its icon and screenshots were to lie in marketplace, where it is failed" || len(one.w.writes) > 0 || !strings.HasPrefix(x.Reason, "marketplace: ") || !strings.HasPrefix(x.Error.Message, "marketplace: ") {
				t.Errorf("%q, %q, %+v", x.Targets[1].Reason, x.Reason, x.Error)
			}
		})
	}
}

// A target that refuses the key is asked nothing more; the others get all.
func TestOneTargetRefusesTheKey(t *testing.T) {
	w, one := newFakeWorld(), newMuseum()
	w.certain = true
	sources := []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bar", "1.0.0")}
	run := New(Options{Sources: sources, Targets: []target.Place{one.at("one"), {Target: locked{badKey{w}}, Name: "other", Kind: "oci", Noun: "the registry"}}, Parallelism: 4})
	result, err := run.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range result.Extensions {
		wantTargets(t, x, results.Failed, map[string]results.Outcome{"one": results.Released, "other": results.Failed})
		if x.Targets[1].Error.Message != "the registry refused the login: 401 Unauthorized" {
			t.Errorf("%+v", x.Targets[1].Error)
		}
	}
	if run.AuthRefused() == nil || result.AsAsked() {
		t.Error("the refusal is not known")
	}
}

// locked is a target with a key that keeps no assets.
type locked struct{ keyed }

type keyed interface {
	target.Target
	target.KeyHolder
}

// A target is given what it takes; a version that none takes is left out.
func TestATargetThatDoesNotTakeAVersion(t *testing.T) {
	one, two := newMuseum(), newMuseum()
	stable := two.at("two")
	stable.Takes = func(_, version string) bool { return !strings.Contains(version, "-") }
	sources := []config.Source{sourceOf(t, "alc", "1.0.0-rc.1"), sourceOf(t, "bar", "1.0.0", "alc")}
	both := do(t, one.w, Options{Sources: sources, Targets: []target.Place{one.at("one"), stable}, AllowMissing: true})
	wantTargets(t, both.Extensions[0], results.Released, map[string]results.Outcome{"one": results.Released, "two": results.LeftOut})
	wantTargets(t, both.Extensions[1], results.Released, map[string]results.Outcome{"one": results.Released, "two": results.Released})
	x := do(t, one.w, Options{Sources: sources[:1], Targets: []target.Place{stable}, NamesTargets: true})
	wantTargets(t, x.Extensions[0], results.LeftOut, map[string]results.Outcome{"two": results.LeftOut})
	if !x.AsAsked() || x.Totals[results.LeftOut] != 1 || x.Extensions[0].Reason != "it is not for the folder two, by the settings of this target" || len(two.w.writes) != 1 {
		t.Errorf("%+v %q", x.Extensions[0], two.w.writes)
	}
	if _, counted := both.Totals[results.LeftOut]; counted {
		t.Error("what nobody has is counted")
	}
	// What is left out meets no dependency in that target.
	x = do(t, one.w, Options{Sources: []config.Source{sources[0], sourceOf(t, "cee", "1.0.0", "alc")}, Targets: []target.Place{one.at("one"), stable}})
	wantTargets(t, x.Extensions[1], results.Blocked, map[string]results.Outcome{"one": results.Released, "two": results.Blocked})
}

// strictMuseum is a museum that knows of packages that it would refuse.
type strictMuseum struct {
	museum
	asked *atomic.Int64
}

func (c strictMuseum) Fits(_ context.Context, pkg *extension.Package) error {
	c.asked.Add(1)
	if pkg.Version == "2.0.0" {
		return errors.New("it is too large")
	}
	return nil
}

// What a target would refuse fails in the plan, for that target alone, and before anything is sent.
func TestWhatATargetWouldRefuse(t *testing.T) {
	var asked atomic.Int64
	one, two := newMuseum(), newMuseum()
	strict := two.at("two")
	strict.Target = strictMuseum{two, &asked}
	both := []target.Place{one.at("one"), strict}
	sources := []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bar", "2.0.0")}
	for _, options := range []Options{{DryRun: true}, {AllOrNothing: true}} {
		options.Sources, options.Targets = sources, both
		x := do(t, one.w, options).Extensions[1].Targets[1]
		if x.Outcome != results.Failed || x.Error == nil || x.Error.Stage != results.StagePush || x.Error.Message != "it is too large" || len(one.w.writes)+len(two.w.writes) > 0 {
			t.Errorf("%+v, %q, %q", x, one.w.writes, two.w.writes)
		}
	}
	run := do(t, one.w, Options{Sources: sources, Targets: both})
	wantTargets(t, run.Extensions[0], results.Released, map[string]results.Outcome{"one": results.Released, "two": results.Released})
	wantTargets(t, run.Extensions[1], results.Failed, map[string]results.Outcome{"one": results.Released, "two": results.Failed})
	if len(two.w.writes) != 1 {
		t.Errorf("%q", two.w.writes)
	}
	// It is asked for nothing that is there, or that nobody sends.
	before := asked.Load()
	do(t, one.w, Options{Sources: sources[:1], Targets: both})
	do(t, one.w, Options{Sources: []config.Source{sourceOf(t, "cee", "1.0.0")}, Targets: both, Skip: []string{results.StagePush}})
	if asked.Load() != before {
		t.Errorf("asked %d times more", asked.Load()-before)
	}
}

// Dependencies hold in each target by itself.
func TestDependenciesHoldInEachTarget(t *testing.T) {
	one, two := newMuseum(), newMuseum()
	two.w.fault = func(call string) (bool, error) {
		if call == "push alc@1.0.0" {
			return false, &fakeError{text: "507 no space"}
		}
		return false, nil
	}
	result := do(t, one.w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bar", "1.0.0", "alc")}, Targets: []target.Place{one.at("one"), two.at("two")}})
	wantTargets(t, result.Extensions[0], results.Failed, map[string]results.Outcome{"one": results.Released, "two": results.Failed})
	wantTargets(t, result.Extensions[1], results.Blocked, map[string]results.Outcome{"one": results.Released, "two": results.Blocked})
	if got := result.Extensions[1].Reason; got != "two: it depends on alc, which is failed" {
		t.Errorf("%q", got)
	}
	two.w.fault = nil
	for _, x := range do(t, one.w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bar", "1.0.0", "alc")}, Targets: []target.Place{one.at("one"), two.at("two")}}).Extensions {
		wantTargets(t, x, results.Released, map[string]results.Outcome{"one": results.Exists, "two": results.Released})
	}
	for _, key := range []string{"alc@1.0.0", "bar@1.0.0"} {
		if !bytes.Equal(one.has(key), two.has(key)) {
			t.Errorf("%s has other bytes", key)
		}
	}
}

// What was submitted before is waited for, and is what the others get.
func TestWhatIsWaitedForIsWhatTheOthersGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, shown := range []bool{true, false} {
			w, one := newFakeWorld(), newMuseum()
			source := sourceOf(t, "alc", "1.0.0")
			do(t, w, Options{Sources: []config.Source{source}, Skip: []string{results.StageVerify}})
			w.versions["alc@1.0.0"].pkg = otherBytes(t, w.versions["alc@1.0.0"].pkg)
			seen := 0
			w.serve = func(*target.Entry, time.Time) bool { seen++; return shown && seen > 3 }
			writes := len(w.writes)
			x := do(t, w, Options{Sources: []config.Source{source}, Targets: []target.Place{target.Marketplace(w), one.at("one")}}).Extensions[0]
			if shown {
				wantTargets(t, x, results.Released, map[string]results.Outcome{"marketplace": results.Exists, "one": results.Released})
				if !bytes.Equal(one.has("alc@1.0.0"), packageIn(w, "alc@1.0.0")) {
					t.Error("other bytes")
				}
			} else {
				wantTargets(t, x, results.Blocked, map[string]results.Outcome{"marketplace": results.Unverified, "one": results.Blocked})
			}
			if len(w.writes) != writes {
				t.Errorf("%q", w.writes[writes:])
			}
		}
	})
}

// --all-or-nothing looks at all targets.
func TestAllOrNothingInAllTargets(t *testing.T) {
	one, two := newMuseum(), newMuseum()
	bar, other := sourceOf(t, "bar", "1.0.0"), sourceOf(t, "bar", "1.0.0")
	write(t, other.Path+"/values.yaml", "global: {a: 1}\n")
	two.put(packed(t, other))
	result := do(t, one.w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), bar}, Targets: []target.Place{one.at("one"), two.at("two")}, AllOrNothing: true})
	wantTargets(t, result.Extensions[0], results.Blocked, map[string]results.Outcome{"one": results.Blocked, "two": results.Blocked})
	if got := result.Extensions[0].Reason; got != "nothing is sent with --all-or-nothing: two: bar is drift" || len(one.w.writes)+len(two.w.writes) > 0 {
		t.Errorf("%q %q %q", got, one.w.writes, two.w.writes)
	}
}

// An extension takes one slot, however many targets it is sent to, and gives it to others while
// it waits.
func TestTargetsShareASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newMuseum(), newMuseum()
		late := newMuseum()
		late.w.serve = func(_ *target.Entry, at time.Time) bool { return at.Sub(late.w.started) > 2*time.Minute }
		places := []target.Place{one.at("one"), late.at("late"), two.at("two")}
		ctx, done := graceful.With(t.Context(), t.Context())
		defer done()
		result, err := New(Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bar", "1.0.0")}, Targets: places, Parallelism: 1}).Do(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range result.Extensions {
			wantTargets(t, x, results.Released, map[string]results.Outcome{"one": results.Released, "late": results.Released, "two": results.Released})
		}
	})
}

// counting signs, and counts how often.
type counting struct{ signed atomic.Int32 }

func (c *counting) Sign(pkg *extension.Package) (*extension.Package, error) {
	signed := *pkg
	signed.Provenance = fmt.Appendf(nil, "signature %d of %s", c.signed.Add(1), pkg.Digest)
	return &signed, nil
}

// A package is signed once, when its bytes are final, and what is there is not signed again.
func TestSignedOnceForAllTargets(t *testing.T) {
	source := sourceOf(t, "alc", "1.0.0")
	synctest.Test(t, func(t *testing.T) {
		one, two, three := newMuseum(), newMuseum(), newMuseum()
		signer := &counting{}
		options := Options{Sources: []config.Source{source}, Signer: signer, Targets: []target.Place{one.at("one"), two.at("two")}}
		wantTargets(t, do(t, nil, options).Extensions[0], results.Released, map[string]results.Outcome{"one": results.Released, "two": results.Released})
		sent := func(m museum) string { return string(m.w.versions["alc@1.0.0"].pkg.Provenance) }
		want := "signature 1 of " + one.w.versions["alc@1.0.0"].pkg.Digest
		if sent(one) != want || sent(two) != want {
			t.Errorf("%q and %q, want %q", sent(one), sent(two), want)
		}
		if kept, err := os.ReadFile(filepath.Join(source.Settings.Package.Output, "alc-1.0.0.tgz.prov")); string(kept) != want {
			t.Errorf("the output directory has %q, %v", kept, err)
		}
		do(t, nil, options)
		options.Targets = append(options.Targets, three.at("three"))
		dry := options
		dry.DryRun = true
		do(t, nil, dry)
		if n := signer.signed.Load(); n != 1 {
			t.Errorf("what is there, or only planned, is signed: %d", n)
		}
		do(t, nil, options)
		if got := sent(three); got != strings.Replace(want, "1 of", "2 of", 1) || sent(one) != want {
			t.Errorf("%q, and %q", got, sent(one))
		}
	})
}
