package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

func TestRemarksAreWarningsOfWhatIsReleased(t *testing.T) {
	w := newFakeWorld()
	w.versions["alc@0.7.1"] = &fakeVersion{id: "1", status: target.StatusActive, pkg: &extension.Package{Name: "alc", Version: "0.7.1"}}
	source := sourceOf(t, "alc", "0.7.0")
	for _, dry := range []bool{true, false} {
		x := do(t, w, Options{Sources: []config.Source{source}, DryRun: dry}).Extensions[0]
		found := slices.DeleteFunc(x.Findings, func(f results.Finding) bool { return f.Rule != results.RuleVersions })
		if len(found) != 1 || found[0].Severity != "warning" || found[0].Line != 3 || found[0].File != "alc/extension.yaml" || !x.AsAsked {
			t.Errorf("dry %v: %s %+v", dry, x.Outcome, found)
		}
	}
	// The versions of others are none of its.
	result := do(t, newFakeWorld(), Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bee", "99.0.0"), sourceOf(t, "cee", "0.1.0")}})
	for _, x := range result.Extensions {
		if x.Outcome != results.Released || slices.ContainsFunc(x.Findings, func(f results.Finding) bool { return f.Rule == results.RuleVersions }) {
			t.Errorf("%s %+v", x.Outcome, x.Findings)
		}
	}
	// What is there already is nobody's to decide.
	x := do(t, w, Options{Sources: []config.Source{source}}).Extensions[0]
	if x.Outcome != results.Exists || slices.ContainsFunc(x.Findings, func(f results.Finding) bool { return f.Rule == results.RuleVersions }) {
		t.Errorf("%s %+v", x.Outcome, x.Findings)
	}
}

// TestAWarningIsKnownByItsFingerprint: found once more it replaces the one before, whatever
// its words; events that hold the one before still do.
func TestAWarningIsKnownByItsFingerprint(t *testing.T) {
	r := newRelease(New(Options{}), sourceOf(t, "alc", "1.0.0")).routes[0]
	r.result.Findings = []results.Finding{{Code: "images/unused", Rule: "images", Message: "m", Fingerprint: "f"}}
	for _, w := range [][3]string{
		{"optional-missing", "alc", "it can use alc, which is nowhere"},
		{"optional-missing", "bee", "it can use bee, which is nowhere"},
		{"optional-failed", "alc", "it can use alc, which is failed"},
	} {
		r.warn(results.RuleDependencies, w[0], w[1], w[2], "externalDependencies")
	}
	before := r.result.Findings
	r.warn(results.RuleDependencies, "optional-missing", "alc", "in other words", "externalDependencies")
	var got []string
	for _, f := range r.result.Findings {
		got = append(got, f.Message)
	}
	if want := []string{"m", "in other words", "it can use bee, which is nowhere", "it can use alc, which is failed"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if before[1].Message != "it can use alc, which is nowhere" {
		t.Errorf("what an event holds was changed: %+v", before[1])
	}
}

// needing is an extension bee with these lines of externalDependencies.
func needing(t *testing.T, entries ...string) config.Source {
	t.Helper()
	source := sourceOf(t, "bee", "1.0.0")
	file := filepath.Join(source.Path, "extension.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(text)+"externalDependencies:\n  - "+strings.Join(entries, "\n  - ")+"\n")
	return source
}

func TestWhatIsRequiredHasToBeSomewhere(t *testing.T) {
	required := func(constraint string) string {
		return fmt.Sprintf("{name: alc, type: extension, version: '%s', required: true}", constraint)
	}
	for _, test := range []struct {
		entry     string
		declared  string // the version of alc in the project
		narrowed  bool   // and not part of the run
		published string
		allow     bool
		want      results.Outcome
		reason    string // part of it, or of the warning
	}{
		{entry: required(""), want: results.Blocked, reason: "it requires alc, which is neither in this run nor in the Helm repository"},
		{entry: required("*"), want: results.Blocked, reason: "it requires alc, which"},
		{entry: required(">=1.0.0"), published: "1.0.0", want: results.Released},
		{entry: required(">=1.0.0"), published: "0.9.0 1.1.0-rc.1", want: results.Released},
		{entry: required(">=1.0.0"), published: "0.9.0 0.8.0", want: results.Blocked, reason: "but the Helm repository has only 0."},
		{entry: required(">=1.0.0"), declared: "1.0.0", want: results.Released},
		{entry: required(">=2.0.0"), declared: "1.0.0", want: results.Blocked, reason: "but declared here is only 1.0.0"},
		{entry: required(">=2.0.0"), declared: "1.0.0", published: "2.0.0", want: results.Released},
		{entry: required(">=1.0.0"), declared: "1.0.0", narrowed: true, want: results.Blocked, reason: "(it is declared here, and not part of this run)"},
		{entry: required(">=1.0.0"), declared: "1.0.0", narrowed: true, published: "1.0.0", want: results.Released},
		{entry: required(">=1.0.0"), allow: true, want: results.Released, reason: "it requires alc >=1.0.0, which"},
		{entry: "{name: alc, version: '>=1.0.0', required: true}", want: results.Blocked, reason: "it requires alc >=1.0.0"},
		{entry: "{name: alc, type: operator, version: '>=1.0.0', required: true}", want: results.Released},
		{entry: "{name: alc, type: extension, version: '>=1.0.0', required: false}", want: results.Released, reason: "it can use alc >=1.0.0, which"},
		{entry: "{name: alc, type: extension, version: '>=1.0.0'}", want: results.Released, reason: "it can use alc >=1.0.0, which"},
		{entry: "{name: alc, type: extension}", published: "0.1.0", want: results.Released},
	} {
		for _, dry := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s declared %s published %s dry %v", test.entry, test.declared, test.published, dry), func(t *testing.T) {
				w := newFakeWorld()
				for i, v := range strings.Fields(test.published) {
					w.versions["alc@"+v] = &fakeVersion{id: fmt.Sprint(i), status: target.StatusActive, pkg: &extension.Package{Name: "alc", Version: v, ContentDigest: "sha256:" + strings.Repeat("0e", 32)}}
				}
				bee := needing(t, test.entry)
				bee.Settings.Lint.Rules = map[string]config.Severity{"external-dependencies": config.Off}
				options := Options{Sources: []config.Source{bee}, DryRun: dry, AllowMissing: test.allow}
				if test.declared != "" {
					alc := sourceOf(t, "alc", test.declared)
					alc.Settings.Push.Drift = config.WarnDrift
					options.Sources = append(options.Sources, alc)
				}
				if test.narrowed {
					options.Only = []string{"bee"}
				}
				result := do(t, w, options)
				x := result.Extensions[len(result.Extensions)-1]
				want := test.want
				if dry && want == results.Released {
					want = results.Planned
				}
				said := x.Reason
				for _, f := range x.Findings {
					if f.Rule == results.RuleDependencies {
						said += f.Message
					}
				}
				if x.Name != "bee" || x.Outcome != want || !strings.Contains(said, test.reason) || test.reason == "" && said != "" {
					t.Errorf("%s is %s: %q", x.Name, x.Outcome, said)
				}
				if want == results.Blocked && slices.ContainsFunc(w.writes, func(w string) bool { return strings.Contains(w, "bee") }) {
					t.Errorf("blocked, and sent: %q", w.writes)
				}
				// lint and package look at each extension by itself.
				for through, outcome := range map[string]results.Outcome{results.StageLint: results.Linted, results.StagePackage: results.Packed} {
					options.Through, options.DryRun = through, false
					result := do(t, newFakeWorld(), options)
					if x := result.Extensions[len(result.Extensions)-1]; x.Outcome != outcome {
						t.Errorf("through %s: %s %q", through, x.Outcome, x.Reason)
					}
				}
			})
		}
	}
}

// An optional dependency that fails is a warning; lint and package do not even ask.
func TestAnOptionalDependencyBlocksNothing(t *testing.T) {
	alc := sourceOf(t, "alc", "1.0.0")
	write(t, filepath.Join(alc.Path, "templates", "config.yaml"), "{{ fail \"no\" }}\n")
	for entry, optional := range map[string]bool{"{name: alc, required: false}": true, "{name: alc}": true, "{name: alc, required: true}": false} {
		bee := needing(t, entry)
		sources := []config.Source{bee, alc}
		want := results.Blocked
		if optional {
			want = results.Released
		}
		result := do(t, newFakeWorld(), Options{Sources: sources})
		wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed, "bee": want})
		warned := slices.DeleteFunc(result.Extensions[1].Findings, func(f results.Finding) bool { return f.Rule != results.RuleDependencies })
		if !optional && len(warned) > 0 || optional && (len(warned) != 1 || warned[0].Message != "it can use alc, which is failed") {
			t.Errorf("%s: %+v", entry, warned)
		}
		wantOutcomes(t, do(t, newFakeWorld(), Options{Sources: sources, Through: results.StageLint}), map[string]results.Outcome{"alc": results.Failed, "bee": results.Linted})
		wantOutcomes(t, do(t, newFakeWorld(), Options{Sources: sources, Through: results.StagePackage}), map[string]results.Outcome{"alc": results.Failed, "bee": results.Packed})
	}
}

// What ended by itself waits for nothing, and is not warned of anything.
func TestWhatIsThereAsksForNothing(t *testing.T) {
	w := newFakeWorld()
	bee := needing(t, "{name: alc, required: false}", "{name: nowhere, required: true}")
	allowed := Options{Sources: []config.Source{bee}, AllowMissing: true}
	wantOutcomes(t, do(t, w, allowed), map[string]results.Outcome{"bee": results.Released})
	alc := sourceOf(t, "alc", "1.0.0")
	write(t, filepath.Join(alc.Path, "templates", "config.yaml"), "{{ fail \"no\" }}\n")
	check := func(want results.Outcome, options Options) {
		t.Helper()
		options.Sources = []config.Source{bee, alc}
		result := do(t, w, options)
		wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed, "bee": want})
		if x := result.Extensions[1]; want == results.Exists && slices.ContainsFunc(x.Findings, func(f results.Finding) bool { return f.Rule == results.RuleDependencies }) {
			t.Errorf("%+v", x.Findings)
		}
	}
	check(results.Exists, Options{})
	check(results.Exists, Options{DryRun: true})
	// Submitted, and not in the index yet: it is only waited for, whatever it requires.
	synctest.Test(t, func(t *testing.T) {
		w.serve = func(*target.Entry, time.Time) bool { return false }
		check(results.Planned, Options{DryRun: true})
		check(results.Unverified, Options{})
	})
}

// Where several versions may meet a dependency and none gets there, the highest is named.
func TestTheHighestVersionIsToBlame(t *testing.T) {
	for _, test := range []struct {
		fails, want string
		outcome     results.Outcome
	}{
		{"1.9.0", "", results.Released},
		{"1.10.0", "", results.Released},
		{"1.9.0 1.10.0", "it depends on alc, which is unverified", results.Blocked},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newFakeWorld()
			// The lower one is refused, and the higher one is never seen.
			w.fault = func(call string) (bool, error) {
				if call == "push alc@1.9.0" && strings.Contains(test.fails, "1.9.0") {
					return false, &fakeError{text: "422 no"}
				}
				return false, nil
			}
			w.serve = func(e *target.Entry, _ time.Time) bool {
				return e.Version != "1.10.0" || !strings.Contains(test.fails, e.Version)
			}
			bee := needing(t, "{name: alc, version: '>=1.0.0', required: true}")
			result := do(t, w, Options{Sources: []config.Source{bee, sourceOf(t, "alc", "1.10.0"), sourceOf(t, "alc", "1.9.0")}})
			if x := result.Extensions[2]; x.Name != "bee" || x.Outcome != test.outcome || x.Reason != test.want {
				t.Errorf("%s fail: %s %q", test.fails, x.Outcome, x.Reason)
			}
		})
	}
}

// What is in this run goes before what needs it, also where another version is needed
// or it is only of use; and what closes a circle with that gives way.
func TestOrderOfWhatIsOnlyOfUse(t *testing.T) {
	for _, test := range []struct {
		name, entry, back string
		want              []string
	}{
		{"of use", "{name: zed, required: false}", "", []string{"push zed@1.0.0", "push bee@1.0.0"}},
		{"another version", "{name: zed, version: '>=2.0.0', required: false}", "", []string{"push zed@1.0.0", "push bee@1.0.0"}},
		{"in a circle", "{name: zed, required: false}", "bee", []string{"push bee@1.0.0", "push zed@1.0.0"}},
		{"in a circle, and of use", "{name: zed, required: false}\n  - {name: yak, required: false}", "bee", []string{"push yak@1.0.0", "push bee@1.0.0", "push zed@1.0.0"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newFakeWorld()
			zed := sourceOf(t, "zed", "1.0.0")
			if test.back != "" {
				zed = sourceOf(t, "zed", "1.0.0", test.back)
			}
			// The circle is no matter of what is outside of it.
			last := sourceOf(t, "able", "1.0.0")
			text, err := os.ReadFile(filepath.Join(last.Path, "extension.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(last.Path, "extension.yaml"), string(text)+"externalDependencies:\n  - {name: bee, required: false}\n  - {name: zed, required: false}\n")
			sources, want := []config.Source{last, needing(t, test.entry), zed}, map[string]results.Outcome{"able": results.Released, "bee": results.Released, "zed": results.Released}
			if strings.Contains(test.entry, "yak") {
				sources, want["yak"] = append(sources, sourceOf(t, "yak", "1.0.0")), results.Released
				w.serve = func(e *target.Entry, at time.Time) bool { return e.Name != "yak" || at.Sub(w.started) > time.Minute }
			}
			wantOutcomes(t, do(t, w, Options{Sources: sources}), want)
			if waited := w.versions["bee@1.0.0"].submitted.Sub(w.started); w.serve != nil && waited < time.Minute {
				t.Errorf("%s: sent after %s", test.name, waited)
			}
			pushes := slices.DeleteFunc(slices.Clone(w.writes), func(call string) bool { return !strings.HasPrefix(call, "push") })
			if want := append(slices.Clone(test.want), "push able@1.0.0"); !slices.Equal(pushes, want) {
				t.Errorf("%s: %q, want %q", test.name, pushes, want)
			}
		})
	}
}

// titles are the extensions of a result with version and outcome.
func titles(r *results.Document) (all []string) {
	for _, x := range r.Extensions {
		all = append(all, fmt.Sprintf("%s %s %s", x.Name, x.Version, x.Outcome))
	}
	return all
}

func TestSeveralVersionsOfOneExtension(t *testing.T) {
	versions := []string{"1.10.0", "1.2.0", "2.0.0-rc.1", "1.9.0"}
	var sources []config.Source
	for _, v := range versions {
		sources = append(sources, sourceOf(t, "alc", v))
	}
	late := func(name string) func(*testing.T, *fakeWorld) { // one of them fails
		return func(t *testing.T, w *fakeWorld) {
			w.fault = func(call string) (bool, error) {
				if call == "push alc@"+name {
					return false, &fakeError{text: "422 no"}
				}
				return false, nil
			}
		}
	}
	need := func(constraint string) config.Source {
		return needing(t, fmt.Sprintf("{name: alc, version: '%s', required: true}", constraint))
	}
	for _, test := range []struct {
		name   string
		bee    config.Source
		fault  func(*testing.T, *fakeWorld)
		pushed []string
		want   []string
	}{
		{
			name: "in order", bee: need(">=1.0.0"),
			pushed: []string{"alc@1.2.0", "alc@1.9.0", "alc@1.10.0", "alc@2.0.0-rc.1", "bee@1.0.0"},
			want:   []string{"alc 1.2.0 released", "alc 1.9.0 released", "alc 1.10.0 released", "alc 2.0.0-rc.1 released", "bee 1.0.0 released"},
		},
		{
			name: "one that fails keeps no other back", bee: need(">=1.0.0"), fault: late("1.9.0"),
			pushed: []string{"alc@1.2.0", "alc@1.9.0", "alc@1.10.0", "alc@2.0.0-rc.1", "bee@1.0.0"},
			want:   []string{"alc 1.2.0 released", "alc 1.9.0 failed", "alc 1.10.0 released", "alc 2.0.0-rc.1 released", "bee 1.0.0 released"},
		},
		{
			name: "but what requires that very version", bee: need("~1.9.0"), fault: late("1.9.0"),
			pushed: []string{"alc@1.2.0", "alc@1.9.0", "alc@1.10.0", "alc@2.0.0-rc.1"},
			want:   []string{"alc 1.2.0 released", "alc 1.9.0 failed", "alc 1.10.0 released", "alc 2.0.0-rc.1 released", "bee 1.0.0 blocked"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFakeWorld()
				if test.fault != nil {
					test.fault(t, w)
				}
				result := do(t, w, Options{Sources: append([]config.Source{test.bee}, sources...)})
				if got := titles(result); !slices.Equal(got, test.want) {
					t.Errorf("%q", got)
				}
				var pushed []string
				for _, call := range w.writes {
					if key, ok := strings.CutPrefix(call, "push "); ok {
						pushed = append(pushed, key)
					}
				}
				if !slices.Equal(pushed, test.pushed) {
					t.Errorf("pushed %q", pushed)
				}
			})
		})
	}
	w := newFakeWorld()
	twice := append(slices.Clone(sources), sourceOf(t, "alc", "1.9.0"))
	if _, err := New(Options{Sources: twice, Targets: to(w)}).Do(t.Context()); err == nil || !strings.Contains(err.Error(), `version 1.9.0 of the extension "alc" is also in`) {
		t.Errorf("one version twice: %v", err)
	}
	result := do(t, w, Options{Sources: append(slices.Clone(sources), sourceOf(t, "bee", "1.0.0")), Only: []string{"alc"}, DryRun: true})
	if got := titles(result); !slices.Equal(got, []string{"alc 1.2.0 planned", "alc 1.9.0 planned", "alc 1.10.0 planned", "alc 2.0.0-rc.1 planned"}) {
		t.Errorf("with --only: %q", got)
	}
}

// What is released in the same run counts as published before.
func TestRemarksGoByTheRunAsWell(t *testing.T) {
	run := Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "alc", "9.0.0"), sourceOf(t, "bar", "9.0.0")}, DryRun: true}
	for _, x := range do(t, newFakeWorld(), run).Extensions {
		var codes []string
		for _, f := range x.Findings {
			if f.Rule == results.RuleVersions {
				codes = append(codes, f.Code)
			}
		}
		if jumps := x.Name == "alc" && x.Version == "9.0.0"; jumps != slices.Equal(codes, []string{"versions/jumps"}) {
			t.Errorf("%s %s: %q", x.Name, x.Version, codes)
		}
	}
}

// A cycle is a failure of lint and package, too, which release nothing.
func TestACycleFailsWhateverIsAskedFor(t *testing.T) {
	for _, through := range []string{results.StageLint, results.StagePackage, results.StageVerify} {
		options := Options{Through: through, Sources: []config.Source{sourceOf(t, "alc", "1.0.0", "bar"), sourceOf(t, "bar", "1.0.0", "alc")}}
		result := do(t, newFakeWorld(), options)
		wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed, "bar": results.Failed})
		if x := result.Extensions[0]; x.Error.Stage != "plan" || x.Stages[0].Status != results.StageOK || !strings.Contains(x.Reason, "alc → bar → alc") {
			t.Errorf("%s: %+v %+v", through, x.Error, x.Stages)
		}
	}
}

// TestWhatWasBefore: rules that compare get what is known, and a run that releases leaves to
// drift, and to the remarks on the Helm repository, what these say.
func TestWhatWasBefore(t *testing.T) {
	source := sourceOf(t, "alc", "0.7.0")
	changed := map[string]*lint.Earlier{source.Path: {Of: "main", Version: "0.7.0", Differs: []string{"README.md"}}}
	higher := map[string]*lint.Earlier{source.Path: {Of: "main", Version: "0.7.1", Differs: []string{"README.md"}}}
	w := newFakeWorld()
	w.versions["alc@0.7.1"] = &fakeVersion{id: "1", status: target.StatusActive, pkg: &extension.Package{Name: "alc", Version: "0.7.1"}}
	for _, test := range []struct {
		what    string
		options Options
		outcome results.Outcome
		codes   []string
	}{
		{"lint", Options{Earlier: changed, Through: results.StageLint}, results.Failed, []string{"version-bump/not-bumped"}},
		{"lint, of others", Options{Earlier: map[string]*lint.Earlier{"x": changed[source.Path]}, Through: results.StageLint}, results.Linted, nil},
		{"a run", Options{Earlier: changed, DryRun: true}, results.Planned, []string{"versions/goes-back"}},
		{"a run that goes back", Options{Earlier: higher, DryRun: true}, results.Planned, []string{"version-bump/backwards"}},
	} {
		test.options.Sources = []config.Source{source}
		x := do(t, w, test.options).Extensions[0]
		var codes []string
		for _, f := range x.Findings {
			if f.Rule == results.RuleVersions || f.Rule == "version-bump" {
				codes = append(codes, f.Code)
			}
		}
		if x.Outcome != test.outcome || !slices.Equal(codes, test.codes) {
			t.Errorf("%s: %s, %q, want %s, %q", test.what, x.Outcome, codes, test.outcome, test.codes)
		}
	}
}
