package shards

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestReadsAShard(t *testing.T) {
	for text, want := range map[string]Shard{"1/1": {1, 1}, "2/5": {2, 5}, "256/256": {256, 256}} {
		var got Shard
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want || got.String() != text {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "2", "2/", "/5", "0/5", "6/5", "-1/5", "1/0", "1/257", "a/b", "1/5/2", " 1/5"} {
		var got Shard
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestDivides(t *testing.T) {
	for name, c := range map[string]struct {
		members []Member
		count   int
		want    string
	}{
		"nothing":             {nil, 2, "[[] []]"},
		"more shards":         {[]Member{{Name: "a", Weight: 1}}, 3, "[[0] [] []]"},
		"by weight":           {[]Member{{Name: "a", Weight: 5}, {Name: "b", Weight: 3}, {Name: "c", Weight: 3}, {Name: "d", Weight: 1}}, 2, "[[0 3] [1 2]]"},
		"equal, by name":      {[]Member{{Name: "c"}, {Name: "a"}, {Name: "b"}}, 1, "[[1 2 0]]"},
		"together":            {[]Member{{Name: "a", Weight: 1}, {Name: "b", Weight: 9}, {Name: "c", Weight: 1, With: []int{0}}}, 2, "[[1] [0 2]]"},
		"together in a chain": {[]Member{{Name: "a", Weight: 1, With: []int{1}}, {Name: "b", Weight: 1, With: []int{2}}, {Name: "c", Weight: 1}, {Name: "d", Weight: 1}}, 2, "[[0 1 2] [3]]"},
	} {
		if got := fmt.Sprint(Divide(c.members, c.count)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Whatever is divided, each member is in one shard, with those that it has to be with, and no
// shard has more than the heaviest group above the mean.
func TestDividesAnything(t *testing.T) {
	random := rand.New(rand.NewPCG(12, 8))
	for range 2000 {
		members := make([]Member, random.IntN(40))
		for i := range members {
			members[i] = Member{Name: fmt.Sprint("m", random.IntN(1000)), Weight: random.Int64N(100)}
			for range random.IntN(2) {
				members[i].With = append(members[i].With, random.IntN(len(members)))
			}
		}
		count := 1 + random.IntN(8)
		divided := Divide(members, count)
		in := map[int]int{}
		var total, heaviest int64
		for shard, all := range divided {
			for _, m := range all {
				if _, twice := in[m]; twice {
					t.Fatalf("%d is in two shards: %v", m, divided)
				}
				in[m] = shard
				total += members[m].Weight
			}
		}
		for _, g := range groups(members) {
			heaviest = max(heaviest, g.weight)
		}
		for shard, all := range divided {
			var load int64
			for _, m := range all {
				load += members[m].Weight
				for _, other := range members[m].With {
					if in[other] != shard {
						t.Fatalf("%d and %d are apart: %v", m, other, divided)
					}
				}
			}
			if load > total/int64(count)+heaviest {
				t.Fatalf("a shard has %d of %d in %d: %v", load, total, count, divided)
			}
		}
		if len(in) != len(members) || len(divided) != count {
			t.Fatalf("%d of %d members in %d of %d shards", len(in), len(members), len(divided), count)
		}
		// Another job reads the members in another order, and divides in the same way by name.
		if !distinct(members) {
			continue
		}
		order := random.Perm(len(members))
		shuffled := make([]Member, len(members))
		for to, from := range order {
			shuffled[to] = Member{Name: members[from].Name, Weight: members[from].Weight}
			for _, with := range members[from].With {
				shuffled[to].With = append(shuffled[to].With, slices.Index(order, with))
			}
		}
		if a, b := named(members, divided), named(shuffled, Divide(shuffled, count)); a != b {
			t.Fatalf("%s in one job, %s in another", a, b)
		}
	}
}

func distinct(members []Member) bool {
	names := map[string]bool{}
	for _, m := range members {
		names[m.Name] = true
	}
	return len(names) == len(members)
}

func named(members []Member, divided [][]int) string {
	names := make([][]string, len(divided))
	for i, shard := range divided {
		for _, m := range shard {
			names[i] = append(names[i], members[m].Name)
		}
	}
	return fmt.Sprint(names)
}
