package sourceindex

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// fill gives a value and all in it something that is not zero; at times nil, or an empty list.
func fill(random *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString([]string{"", "a", "名", "\xff", strings.Repeat("long ", 60)}[random.IntN(5)])
	case reflect.Bool:
		v.SetBool(random.IntN(2) == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(random.Int64() - random.Int64())
	case reflect.Uint8:
		v.SetUint(random.Uint64() % 256)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(random, v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(random, v.Elem())
	case reflect.Slice:
		if n := random.IntN(4) - 1; n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(random, v.Index(i))
			}
		}
	case reflect.Map:
		if n := random.IntN(4) - 1; n >= 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				fill(random, key)
				fill(random, value)
				v.SetMapIndex(key, value)
			}
		}
	case reflect.Interface:
		if random.IntN(3) > 0 {
			v.Set(reflect.ValueOf(map[string]any{"child": "a", "parent": []any{"b", nil, true, 1.5}}))
		}
	}
}

// All that a summary has is unpacked as it was packed, also what a field of tomorrow has.
func TestPacksAllOfASummary(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 1))
		s := new(extension.Summary)
		fill(random, reflect.ValueOf(s).Elem())
		packed, ok := pack(s)
		if !ok {
			t.Fatalf("seed %d: not packed: %+v", seed, s)
		}
		if again := unpack(packed); !reflect.DeepEqual(again, s) {
			t.Fatalf("seed %d:\n%+v\nis not\n%+v", seed, again, s)
		}
		if unpack(packed[:random.IntN(len(packed))]) != nil {
			t.Fatalf("seed %d: a part of it is read", seed)
		}
		damaged := bytes.Clone(packed)
		damaged[random.IntN(len(damaged))] ^= byte(1 + random.IntN(255))
		unpack(damaged) // what is changed is for the store to see; here nothing may break
	}
}

// What would be unpacked as something else is not packed.
func TestPacksNothingElse(t *testing.T) {
	var s extension.Summary
	fill(rand.New(rand.NewPCG(3, 1)), reflect.ValueOf(&s).Elem())
	for len(s.Metadata.Dependencies) == 0 {
		fill(rand.New(rand.NewPCG(rand.Uint64(), 1)), reflect.ValueOf(&s).Elem())
	}
	s.Metadata.Dependencies[0].ImportValues = []any{1} // JSON has no whole numbers
	if _, ok := pack(&s); ok {
		t.Error("packed a number that is of another type afterwards")
	}
}

// Entries are read as they were noted, whatever the paths have in common.
func TestEntriesAreReadAsNoted(t *testing.T) {
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 2))
		real := "/source"
		rec := &recorder{real: real}
		var want, got []string
		for range random.IntN(30) {
			path := real
			for range random.IntN(5) {
				path = filepath.Join(path, []string{"a", "ab", "abc", "b", "ü"}[random.IntN(5)])
			}
			kind := []byte{kindFile, kindLink}[random.IntN(2)]
			rec.note(kind, path)
			want = append(want, fmt.Sprintf("%c %s", kind, path))
		}
		whole := eachEntry(real, rec.entries, func(kind byte, path string) bool {
			got = append(got, fmt.Sprintf("%c %s", kind, path))
			return true
		})
		if !whole || !reflect.DeepEqual(got, want) || rec.unsure {
			t.Fatalf("seed %d: %q, want %q", seed, got, want)
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	ext, err := extension.Load(demoTree(b), extension.Options{})
	if err != nil {
		b.Fatal(err)
	}
	packed, ok := pack(full(ext))
	if !ok {
		b.Fatal("not packed")
	}
	b.ReportMetric(float64(len(packed)), "bytes/summary")
	b.ReportAllocs()
	for b.Loop() {
		unpack(packed)
	}
}

// A summary that is set aside is as it was, and takes no more memory where the index has it.
func TestPackSharesWhatTheIndexHas(t *testing.T) {
	dir := demoTree(t)
	rest()
	x := quick(&shelf{is: map[string][]byte{}})
	known := learn(t, x, dir)
	shared, own := x.Pack(dir, known), (*Index)(nil).Pack(dir, known)
	if &shared[0] != &x.records[dir].summary[0] {
		t.Error("not shared")
	}
	other := *known
	other.Size++
	for name, c := range map[string]struct {
		packed Packed
		want   *extension.Summary
	}{"shared": {shared, known}, "without an index": {own, known}, "of other content": {x.Pack(dir, &other), &other}} {
		if got := c.packed.Unpack(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
