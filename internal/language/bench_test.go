package language

import "testing"

// BenchmarkText is what a finding costs that is shown in Chinese, when the catalog has been read.
func BenchmarkText(b *testing.B) {
	c := newCatalog(chinese[:])
	c.text("reading a: b c d")
	for b.Loop() {
		c.reading().translate(`ClusterRole has 2 rules with the wildcard *: for verbs of clusterissuers; for verbs and resources in extensions.kubesphere.io (least-privilege/wildcard)`, 0)
	}
}

// BenchmarkCatalog is what it costs to read the catalog, once for a command.
func BenchmarkCatalog(b *testing.B) {
	for b.Loop() {
		newCatalog(chinese[:]).text("reading a: b c d")
	}
}
