package extension

import (
	"path/filepath"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/trees"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
	"github.com/ksrelease/ksrelease/internal/yamledit"
)

// forTrees runs a benchmark on each of the examples, and on each package of the corpus as a source
// tree, where that is here.
func forTrees(b *testing.B, run func(b *testing.B, dir string, e *Extension)) {
	each := func(dir string) {
		e := mustLoad(b, dir)
		b.Run(filepath.Base(dir), func(b *testing.B) {
			b.ReportAllocs()
			run(b, dir, e)
		})
	}
	for _, dir := range examples(b) {
		each(dir)
	}
	for _, archive := range corpusPackages(b) {
		each(trees.Unpack(b, archive, true))
	}
}

func BenchmarkLoad(b *testing.B) {
	forTrees(b, func(b *testing.B, dir string, _ *Extension) {
		for b.Loop() {
			if _, err := Load(dir, Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPack(b *testing.B) {
	forTrees(b, func(b *testing.B, _ string, e *Extension) {
		urls := testURLs(e)
		for b.Loop() {
			p, err := e.Pack(urls)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(p.Size), "packed-bytes")
		}
	})
}

func BenchmarkRead(b *testing.B) {
	each := func(archive string) {
		data := trees.ReadFile(b, archive)
		b.Run(filepath.Base(archive), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Read("x.tgz", data, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	each("../../examples/monorepo/packages/maintenance-page-1.2.0.tgz")
	for _, archive := range corpusPackages(b) {
		each(archive)
	}
}

func BenchmarkChart(b *testing.B) {
	forTrees(b, func(b *testing.B, _ string, e *Extension) {
		for b.Loop() {
			if _, err := e.Chart(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRewrite(b *testing.B) {
	forTrees(b, func(b *testing.B, _ string, e *Extension) {
		edits := e.assetEdits(func(a Asset) string { return "https://files.example/" + a.RemoteName })
		for b.Loop() {
			if _, err := yamledit.Rewrite(e.Document, edits); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	forTrees(b, func(b *testing.B, _ string, e *Extension) {
		for b.Loop() {
			if _, err := yamldoc.Parse("extension.yaml", e.Document.Source()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
