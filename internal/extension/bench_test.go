package extension

import (
	"path/filepath"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/trees"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
	"github.com/ksrelease/ksrelease/internal/yamledit"
)

// forCorpus runs a benchmark on each package of the corpus as a source tree.
func forCorpus(b *testing.B, run func(b *testing.B, dir string, e *Extension)) {
	for _, archive := range corpusPackages(b) {
		dir := trees.Unpack(b, archive, true)
		e := mustLoad(b, dir)
		b.Run(filepath.Base(dir), func(b *testing.B) {
			b.ReportAllocs()
			run(b, dir, e)
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	forCorpus(b, func(b *testing.B, dir string, _ *Extension) {
		for b.Loop() {
			if _, err := Load(dir, Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPack(b *testing.B) {
	forCorpus(b, func(b *testing.B, _ string, e *Extension) {
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
	for _, archive := range corpusPackages(b) {
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
}

func BenchmarkChart(b *testing.B) {
	forCorpus(b, func(b *testing.B, _ string, e *Extension) {
		for b.Loop() {
			if _, err := e.Chart(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRewrite(b *testing.B) {
	forCorpus(b, func(b *testing.B, _ string, e *Extension) {
		edits := e.assetEdits(func(a Asset) string { return "https://files.example/" + a.RemoteName })
		for b.Loop() {
			if _, err := yamledit.Rewrite(e.Document, edits); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	forCorpus(b, func(b *testing.B, _ string, e *Extension) {
		for b.Loop() {
			if _, err := yamldoc.Parse("extension.yaml", e.Document.Source()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
