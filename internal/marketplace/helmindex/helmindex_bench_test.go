package helmindex

import (
	"fmt"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
)

// The index after one change among a thousand extensions of three versions: entries are
// rendered once for each package, so a change costs little more than copying them.
func BenchmarkIndexAfterAChange(b *testing.B) {
	catalogue := map[string]*catalog.Extension{}
	for i := range 1000 {
		name := fmt.Sprintf("extension-%d", i)
		record := &catalog.Extension{Name: name}
		for v := range 3 {
			version := fmt.Sprintf("1.%d.0", v)
			p := &catalog.Package{Filename: name + "-" + version + ".tgz", Digest: strings.Repeat("0", 64), Chart: &chart.Metadata{
				APIVersion: "v2", Name: name, Version: version, Description: strings.Repeat("What it is for. ", 10), Keywords: []string{"one", "two"},
			}}
			record.Snapshots = append(record.Snapshots, catalog.Snapshot{Version: version, Status: catalog.Active, Package: p})
		}
		catalogue[name] = record
	}
	before, err := Make(catalogue, 1, "", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		made, err := Make(catalogue, 1, "", before)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(made.Index)))
	}
}
