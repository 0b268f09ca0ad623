package engine

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

func stockYAML(t *testing.T, value any) string {
	t.Helper()
	data, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(data), "\n")
}

// What is written here is what the library writes, to the byte.
func TestPlainYAML(t *testing.T) {
	words := []any{
		nil, true, false, 0, 1, -5, int64(8080), 80.0, -3.0, 0.5, math.Copysign(0, -1), 1e14, 1e15, 1e21, 1e-7,
		"", "a", "web", "nginx", "app.kubernetes.io/name", "100m", "128Mi", "1Gi", "1G", "10k", "1e3", "1_0", "0x1F", "0o7", "017", "1.5", "1M1", "2001-01-01", "12:30",
		"y", "N", "Yes", "no", "On", "off", "TRUE", "false", "null", "Null", "~", "NaN", "Inf", ".inf", ".nan", "-", "--", "a-", "a/", "a.", "a_", "_a", "-a", "/a", ".a",
		"a b", " a", "a ", "a: b", "a:", "a:b", "a #b", "a#b", "#a", "&a", "*a", "!a", "{a", "[a", "a,b", "a]", "'a'", `"a"`, "a\nb", "a\tb", "é", "a\u2028b", "<<", "=", "?", "|", ">", "@", "`", "%",
		strings.Repeat("a", 99), strings.Repeat("a", 101), strings.Repeat("word ", 40), "0m", "00m", "m", "5Pi", "5 m",
		map[string]any(nil), map[string]any{}, []any(nil), []any{}, chartutil.Values{}, chartutil.Values{"a": 1}, map[string]string{"a": "b"}, []string{"a"},
	}
	keys := []string{
		"a", "b", "ab", "a1", "a2", "a10", "a-b", "a.b", "a_b", "a/b", "A", "B", "aB", "app", "app.kubernetes.io/name", "app.kubernetes.io/instance", "helm.sh/chart",
		"y", "n", "on", "1", "1a", "", "a b", "é", "true", "null", strings.Repeat("k", 99), strings.Repeat("k", 101), strings.Repeat("k", 130), "a0", "a00", "z9", "z-", "zz",
	}
	random := rand.New(rand.NewPCG(1, 2))
	var make func(depth int) any
	make = func(depth int) any {
		switch n := random.IntN(6); {
		case depth == 0 || n < 3:
			return words[random.IntN(len(words))]
		case n < 5:
			m := map[string]any{}
			for range random.IntN(5) {
				m[keys[random.IntN(len(keys))]] = make(depth - 1)
			}
			return m
		default:
			var l []any
			for range random.IntN(4) {
				l = append(l, make(depth-1))
			}
			return l
		}
	}
	written := 0
	check := func(value any) {
		if got, ok := plainYAML(value); ok {
			written++
			if want := stockYAML(t, value); got != want {
				t.Fatalf("%#v\n%s\nand the library has\n%s", value, got, want)
			}
		}
	}
	for _, word := range words {
		check(word)
	}
	for _, a := range keys {
		for _, b := range keys {
			check(map[string]any{a: 1, b: "c"})
		}
	}
	for range soak.Cases(t, 20_000, 500_000) {
		check(make(4))
	}
	if written < 3000 {
		t.Errorf("%d values were written", written)
	}
	for range soak.Cases(t, 20_000, 500_000) {
		var text strings.Builder
		for range 1 + random.IntN(12) {
			text.WriteByte("abnoyNO019:=,+@*&!/-._ %~#'{}[]|>?"[random.IntN(34)])
		}
		check(map[string]any{"a": text.String()})
		check("--" + text.String())
		check("/" + text.String())
	}
	loop := map[string]any{}
	loop["loop"] = loop
	if _, ok := plainYAML(loop); ok {
		t.Error("what contains itself is written")
	}
}

// BenchmarkToYAML is what a template writes for a container, here and by the library.
func BenchmarkToYAML(b *testing.B) {
	value := map[string]any{
		"limits":   map[string]any{"cpu": "100m", "memory": "128Mi"},
		"requests": map[string]any{"cpu": "10m", "memory": "32Mi"},
		"labels":   map[string]any{"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "web"},
		"ports":    []any{map[string]any{"name": "http", "containerPort": 80.0}},
		"probe":    map[string]any{"path": "/healthz", "image": "docker.io/library/nginx:1.27"},
	}
	b.Run("here", func(b *testing.B) {
		for b.Loop() {
			if _, ok := plainYAML(value); !ok {
				b.Fatal("it is not written")
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			_, _ = yaml.Marshal(value)
		}
	})
}
