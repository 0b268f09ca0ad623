package pipeline

import (
	"path/filepath"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/bench/generate"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// A dry run of a hundred small extensions, in this process: where all exist, and where all are to be
// released. The target is in memory.
func BenchmarkDryRun(b *testing.B) {
	dir := b.TempDir()
	if err := (generate.Monorepo{Seed: 1, Extensions: 100, TreeBytes: 1}).Write(b.Context(), dir); err != nil {
		b.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(dir, "extensions", "*"))
	if err != nil {
		b.Fatal(err)
	}
	all, none := newFakeWorld(), newFakeWorld()
	var sources []config.Source
	for _, folder := range folders {
		ext, err := extension.Load(folder, extension.Options{})
		if err != nil {
			b.Fatal(err)
		}
		name, version := ext.Metadata.Name, ext.Metadata.Version
		all.versions[name+"@"+version] = &fakeVersion{status: target.StatusActive, pkg: extension.Packed(name, version, nil, ext.ContentDigest())}
		sources = append(sources, config.Source{Path: folder, Display: filepath.Base(folder), Settings: config.Default(dir).Defaults})
	}
	for _, tt := range []struct {
		name string
		w    *fakeWorld
		want results.Outcome
	}{{"all exist", all, results.Exists}, {"all are new", none, results.Planned}} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				result, err := New(Options{Sources: sources, Targets: to(tt.w), DryRun: true, Parallelism: 4}).Do(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				for _, x := range result.Extensions {
					if x.Outcome != tt.want {
						b.Fatalf("%s is %s, want %s", x.Name, x.Outcome, tt.want)
					}
				}
			}
		})
	}
}
