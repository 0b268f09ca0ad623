package lint

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

// corpus loads the real packages.
func corpus(t testing.TB) map[string]*extension.Extension {
	t.Helper()
	loaded := map[string]*extension.Extension{}
	for _, archive := range testshared.Corpus(t) {
		ext, err := extension.Load(archive, extension.Options{Display: filepath.Base(archive)})
		if err != nil {
			t.Fatal(err)
		}
		loaded[ext.Metadata.Name] = ext
	}
	return loaded
}

// TestRealPackagesPass: each of them is in use, so a rule that refuses one by
// default is wrong.
func TestRealPackagesPass(t *testing.T) {
	for name, ext := range corpus(t) {
		for _, f := range Examine(context.Background(), ext, Options{}).Findings {
			if f.Severity == Error {
				t.Errorf("%s: %s:%d: %s: %s", name, f.File, f.Range.Start.Line, f.Rule(), f.Message)
			}
			if f.Message == "" || f.Hint == "" || f.File == "" || f.Rule() == "" {
				t.Errorf("%s: a finding without place, cause or hint: %+v", name, f)
			}
		}
	}
}

// BenchmarkCheckAll measures the real packages side by side, as a run does.
func BenchmarkCheckAll(b *testing.B) {
	packages := corpus(b)
	b.ReportAllocs()
	for b.Loop() {
		var group sync.WaitGroup
		for _, ext := range packages {
			group.Go(func() { Examine(b.Context(), ext, Options{}) })
		}
		group.Wait()
	}
}

// BenchmarkRules measures each rule by itself on what rules share: the chart, its
// renderings and the permissions are made before the clock starts.
func BenchmarkRules(b *testing.B) {
	packages := corpus(b)
	for _, r := range Rules() {
		if r.Run == nil {
			continue
		}
		b.Run(r.Name, func(b *testing.B) {
			var passes []*rule.Pass
			for _, name := range rule.SortedKeys(packages) {
				ext := packages[name]
				m := rule.NewMaterial(b.Context(), ext)
				if _, err := m.Missing(rule.MarkedRendering); err != nil {
					b.Fatal(err)
				}
				pass := &rule.Pass{Ctx: b.Context(), Ext: ext, Material: m, Silences: readIgnores(ext).silences, Rule: r}
				runRule(pass) // which makes what is derived
				passes = append(passes, pass)
			}
			for b.Loop() {
				for _, pass := range passes {
					pass.Findings = nil
					runRule(pass)
				}
			}
		})
	}
}
