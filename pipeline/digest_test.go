package pipeline

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// A version that was published with a content digest of the first format is compared
// rightly: the same tree by the digest, time stamps and other content by the archive.
func TestDigestOfTheFirstFormat(t *testing.T) {
	lock := func(second int, version string) string {
		return fmt.Sprintf("dependencies:\n- name: x\n  repository: \"\"\n  version: %s\ndigest: sha256:01\ngenerated: \"2026-11-29T10:00:%02dZ\"\n", version, second)
	}
	for _, test := range []struct {
		name   string
		digest string // of the first format; empty is one of another tree
		change func(dir string)
		want   results.Outcome
		says   string
		reads  bool // its archive
	}{
		{"the same tree", "same", nil, results.Exists, "", false},
		{"other time stamps", "", func(dir string) { write(t, dir+"/Chart.lock", lock(2, "1.0.0")) }, results.Exists, "", true},
		{"another dependency", "", func(dir string) { write(t, dir+"/Chart.lock", lock(2, "1.0.1")) }, results.Drift, "Chart.lock differs", true},
		{"other values", "", func(dir string) { write(t, dir+"/values.yaml", "global: {a: b}\n") }, results.Drift, "values.yaml differs", true},
		{"another comment", "", func(dir string) {
			metadata, err := os.ReadFile(dir + "/extension.yaml")
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir+"/extension.yaml", string(metadata)+"# more\n")
		}, results.Drift, "extension.yaml differs", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newFakeWorld()
			source := sourceOf(t, "alc", "1.0.0")
			write(t, source.Path+"/Chart.lock", lock(1, "1.0.0"))
			wantOutcomes(t, do(t, w, Options{Sources: []config.Source{source}}), map[string]results.Outcome{"alc": results.Released})
			if test.change != nil {
				test.change(source.Path)
			}
			mark := "sha256:" + strings.Repeat("0e", 32)
			if test.digest == "same" {
				mark = "sha256:5484edeb14c97875506e85253d061714ebc48a16dd6ef85aa6884fdeb3853d5c"
			}
			w.serve = func(e *target.Entry, _ time.Time) bool { e.ContentDigest = mark; return true }
			w.reads = nil
			x := do(t, w, Options{Sources: []config.Source{source}}).Extensions[0]
			if x.Outcome != test.want || !strings.Contains(x.Reason, test.says) {
				t.Errorf("%s: %s, %+v, want %s, %q", x.Outcome, x.Reason, x.Error, test.want, test.says)
			}
			if read := slices.ContainsFunc(w.reads, func(r string) bool { return strings.HasPrefix(r, "fetch") }); read != test.reads {
				t.Errorf("the archive was read: %v, want %v (%v)", read, test.reads, w.reads)
			}
		})
	}
}
