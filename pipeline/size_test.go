package pipeline

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/results"
)

// noise is text that hardly compresses.
func noise(r *rand.Rand, length int) string {
	text := make([]byte, length)
	for i := range text {
		text[i] = byte('!' + r.IntN('~'-'!'))
	}
	return string(text)
}

func hostName(r *rand.Rand, length int) string {
	name := make([]byte, length)
	for i := range name {
		name[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[r.IntN(36)]
	}
	return string(name)
}

// sourceOfSize is an extension with shots screenshots besides the icon, and a
// file of about size bytes that nobody reads.
func sourceOfSize(t *testing.T, r *rand.Rand, shots, size int) config.Source {
	t.Helper()
	source := sourceOf(t, "alc", "1.0.0")
	yaml := "apiVersion: kubesphere.io/v1alpha1\nname: alc\nversion: 1.0.0\ndisplayName: {en: ALC}\ndescription: {en: An extension}\n" +
		"category: computing\nprovider: {en: {name: Example}}\nicon: ./static/icon.svg\nstaticFileDirectory: static\n"
	for i := range shots {
		if i == 0 {
			yaml += "screenshots:\n"
		}
		yaml += fmt.Sprintf("  - static/shot %d.svg\n", i)
		write(t, filepath.Join(source.Path, "static", fmt.Sprintf("shot %d.svg", i)), fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="8" height="%d"/>`, i+1))
	}
	write(t, filepath.Join(source.Path, "extension.yaml"), yaml)
	write(t, filepath.Join(source.Path, "docs", "book.txt"), noise(r, size))
	return source
}

// The forecast is exact where the addresses come true, and within what the plan
// says where they do not; after the upload the size is that of what was pushed.
func TestForecastOfTheSize(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		source := sourceOfSize(t, r, r.IntN(9), 1<<(6+r.IntN(13)))
		w := newFakeWorld()
		switch seed % 4 {
		case 0: // as expected
		case 1:
			w.assetBase = "http://a.cn/f"
		case 2:
			w.assetBase = "https://" + hostName(r, 20) + ".oss.example/files/usr-" + hostName(r, 12)
		case 3:
			w.assetBase = "https://" + hostName(r, 24) + "/" + hostName(r, 31)
		}
		options := Options{Sources: []config.Source{source}}
		dry := options
		dry.DryRun = true
		planned := do(t, w, dry).Extensions[0].Package
		if planned.SizeWithin != forecastWithin {
			t.Errorf("the forecast is said to be within %d bytes", planned.SizeWithin)
		}
		x := do(t, w, options).Extensions[0]
		if x.Outcome != results.Released {
			t.Fatalf("seed %d: %s %s", seed, x.Outcome, x.Reason)
		}
		sent := w.versions["alc@1.0.0"].pkg
		if x.Package.Size != sent.Size || x.Package.SizeWithin != 0 {
			t.Errorf("seed %d: %d bytes (± %d) are told, %d were sent", seed, x.Package.Size, x.Package.SizeWithin, sent.Size)
		}
		off := max(sent.Size-planned.Size, planned.Size-sent.Size)
		if off > planned.SizeWithin || w.assetBase == "" && off > 0 {
			t.Errorf("seed %d: forecast %d, sent %d with assets below %q", seed, planned.Size, sent.Size, w.assetBase)
		}
	}
}

// Without assets, or with the host known for certain, there is nothing to doubt.
func TestForecastsThatAreExact(t *testing.T) {
	source := sourceOf(t, "alc", "1.0.0")
	options := Options{Sources: []config.Source{source}, DryRun: true}
	certain := newFakeWorld()
	certain.certain = true
	if within := do(t, certain, options).Extensions[0].Package.SizeWithin; within != 0 {
		t.Errorf("with a host that is sure, the forecast is within %d", within)
	}
	without := sourceOf(t, "bee", "1.0.0")
	write(t, filepath.Join(without.Path, "extension.yaml"), "apiVersion: v1\nname: bee\nversion: 1.0.0\ndisplayName: {en: B}\ndescription: {en: B}\n"+
		"category: computing\nprovider: {en: {name: B}}\nicon: https://example.com/icon.svg\n")
	options = Options{Sources: []config.Source{without}, DryRun: true}
	if within := do(t, newFakeWorld(), options).Extensions[0].Package.SizeWithin; within != 0 {
		t.Errorf("without assets, the forecast is within %d", within)
	}
}

// A marketplace that gives addresses far longer than its own name pushes the
// package over the limit: the size is held against it before the push.
// Without an API key the folder is not known, however sure the host is.
func TestForecastWithoutAKeyIsNotExact(t *testing.T) {
	for _, asked := range []bool{false, true} {
		w := newFakeWorld()
		w.certain = true
		options := Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}, Targets: to(w.withoutKey()), DryRun: true}
		want := int64(forecastWithin)
		if asked {
			options.Targets, want = to(w), 0
		}
		result, err := New(options).Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if x := result.Extensions[0]; x.Outcome != results.Planned || x.Package.SizeWithin != want {
			t.Errorf("asked %v: %s, within %d, want %d", asked, x.Outcome, x.Package.SizeWithin, want)
		}
	}
}

func TestLongAddressesPushThePackageOverTheLimit(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	source := sourceOfSize(t, r, 8, 20<<10)
	w := newFakeWorld()
	dry := do(t, w, Options{Sources: []config.Source{source}, DryRun: true})
	source.Settings.Size.Limit = dry.Extensions[0].Package.Size + 100
	w.assetBase = "https://cdn.example/" + noise(r, 0) + hostName(r, 600)
	result := do(t, w, Options{Sources: []config.Source{source}})
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed})
	x := result.Extensions[0]
	if got := strings.Join(w.writes, ", "); got != "upload alc@1.0.0" {
		t.Errorf("written: %s", got)
	}
	if x.Error.Stage != results.StageSize || !strings.Contains(x.Error.Message, "over the limit of") || !strings.Contains(x.Error.Hint, "leave docs/ (1 file) out with .helmignore") {
		t.Errorf("error %+v", x.Error)
	}
	if p := x.Package; p.SizeWithin != 0 || p.Size <= p.Limit || len(p.Contributors) == 0 || p.Contributors[0].File != "docs/book.txt" {
		t.Errorf("package %+v", p)
	}
	for _, f := range x.Findings {
		if f.Rule == results.RuleSize {
			t.Errorf("what the plan said of the size is still there: %+v", f)
		}
	}
}

// A forecast over the limit by less than it may be wrong is no verdict.
func TestWhatMayFitIsTried(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	source := sourceOfSize(t, r, 2, 20<<10)
	w := newFakeWorld()
	expected := do(t, w, Options{Sources: []config.Source{source}, DryRun: true}).Extensions[0].Package.Size
	source.Settings.Size.Limit = expected - 5
	planned := do(t, w, Options{Sources: []config.Source{source}, DryRun: true})
	wantOutcomes(t, planned, map[string]results.Outcome{"alc": results.Planned})
	finding := planned.Extensions[0].Findings[len(planned.Extensions[0].Findings)-1]
	if finding.Rule != results.RuleSize || !strings.Contains(finding.Message, "by 5 B, if the assets get the addresses that were expected") {
		t.Errorf("finding %+v", finding)
	}
	w.assetBase = "http://a.cn"
	result := do(t, w, Options{Sources: []config.Source{source}})
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Released})

	certain := newFakeWorld()
	certain.certain = true
	sure := do(t, certain, Options{Sources: []config.Source{source}, DryRun: true})
	wantOutcomes(t, sure, map[string]results.Outcome{"alc": results.Failed})
}

// ofSize are the findings of the size, without those of lint.
func ofSize(x results.Extension) []results.Finding {
	return slices.DeleteFunc(slices.Clone(x.Findings), func(f results.Finding) bool { return f.Rule != results.RuleSize })
}

func TestNearTheLimitIsAFindingAndNoFailure(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	source := sourceOfSize(t, r, 0, 20<<10)
	w := newFakeWorld()
	size := do(t, w, Options{Sources: []config.Source{source}, DryRun: true}).Extensions[0].Package.Size
	source.Settings.Size.Limit = size * 10 / 9 // just below 90 %
	for _, x := range do(t, w, Options{Sources: []config.Source{source}, DryRun: true}).Extensions {
		if len(x.Package.Contributors) != 0 || len(ofSize(x)) != 0 {
			t.Errorf("%d of %d is told as near the limit: %+v", size, source.Settings.Size.Limit, x)
		}
	}
	source.Settings.Size.Limit = size * 100 / 95
	result := do(t, w, Options{Sources: []config.Source{source}})
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Released})
	x := result.Extensions[0]
	if !result.AsAsked() || len(ofSize(x)) != 1 {
		t.Fatalf("%+v", x)
	}
	f := ofSize(x)[0]
	if f.Severity != "warning" || f.File != "alc/extension.yaml" ||
		!strings.Contains(f.Message, ", 95 % of the limit of") || !strings.Contains(f.Hint, "leave docs/ (1 file) out") {
		t.Errorf("finding %+v", f)
	}
	if p := x.Package; len(p.Contributors) == 0 || len(p.Contributors) > 10 || len(p.Advice) != 1 || p.AdvisedSize >= p.Size || p.Files == 0 {
		t.Errorf("package %+v", p)
	}
}
