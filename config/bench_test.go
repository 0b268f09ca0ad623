package config

import "testing"

// Every command reads its config before all else.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load("testdata/good/everything.yaml", environment); err != nil {
			b.Fatal(err)
		}
	}
}
