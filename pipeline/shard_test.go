package pipeline

import (
	"fmt"
	"maps"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shards"
)

// However many jobs there are, each extension is in one of them, and ends there as it does in a
// run of all: with what it requires, in a cycle, next to its other version.
func TestShardsEndAsTheWhole(t *testing.T) {
	sources := []config.Source{
		sourceOf(t, "alc", "1.0.0"), sourceOf(t, "alc", "1.1.0"),
		sourceOf(t, "bee", "1.0.0", "alc"), sourceOf(t, "cat", "1.0.0", "bee"),
		sourceOf(t, "dog", "1.0.0"),
		sourceOf(t, "elk", "1.0.0", "fox"), sourceOf(t, "fox", "1.0.0", "elk"),
		sourceOf(t, "gnu", "1.0.0", "nowhere"),
		sourceOf(t, "hen", "1.0.0"), sourceOf(t, "ibis", "1.0.0"),
	}
	outcomes := func(r *results.Document) map[string]results.Outcome {
		all := map[string]results.Outcome{}
		for _, x := range r.Extensions {
			all[x.Name+" "+x.Version] = x.Outcome
		}
		return all
	}
	want := outcomes(do(t, newFakeWorld(), Options{Sources: sources}))
	if want["cat 1.0.0"] != results.Released || want["elk 1.0.0"] != results.Failed || want["gnu 1.0.0"] != results.Blocked {
		t.Fatalf("the whole: %v", want)
	}
	for count := 2; count <= 7; count++ {
		w, got, used := newFakeWorld(), map[string]results.Outcome{}, 0
		for index := 1; index <= count; index++ {
			part := outcomes(do(t, w, Options{Sources: sources, Shard: shards.Shard{Index: index, Count: count}}))
			for name, outcome := range part {
				if _, twice := got[name]; twice {
					t.Errorf("%d/%d: %s is in two shards", index, count, name)
				}
				got[name] = outcome
			}
			if len(part) > 0 {
				used++
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("in %d shards: %v, want %v", count, got, want)
		}
		// alc, bee, cat | dog | elk, fox | gnu | hen | ibis
		if used != min(count, 6) {
			t.Errorf("of %d shards %d have something to do", count, used)
		}
	}
}

// The order that is only nice to have does not hold across jobs, and nobody waits for it.
func TestAShardWaitsForNoOther(t *testing.T) {
	alc, bee := sourceOf(t, "alc", "1.0.0"), needing(t, "{name: alc, type: extension, version: '*', required: false}")
	ended := map[string]results.Outcome{}
	for index := 1; index <= 2; index++ {
		result := do(t, newFakeWorld(), Options{Sources: []config.Source{alc, bee}, Shard: shards.Shard{Index: index, Count: 2}})
		if len(result.Extensions) != 1 {
			t.Fatalf("shard %d has %d extensions", index, len(result.Extensions))
		}
		maps.Copy(ended, outcomesOf(result))
	}
	if fmt.Sprint(ended) != "map[alc:released bee:released]" {
		t.Errorf("got %v", ended)
	}
}
