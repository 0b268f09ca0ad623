package helmchart

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ksrelease/ksrelease/internal/helmchart/manifest"
	"sigs.k8s.io/yaml"
)

// TestAliasBomb: a short text that would make a large tree is refused before it
// is one.
func TestAliasBomb(t *testing.T) {
	text := "kind: Pod\ncontainers:\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 12; i++ {
		text += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	if _, _, err := podsOf("t", manifest.Document{Text: text}); err == nil {
		t.Error("it was read")
	}
}

func FuzzManifests(f *testing.F) {
	f.Add("apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: x}]}")
	f.Add("---\n---# x\nkind: List\nitems: [{kind: Pod, containers: [{<<: {a: b}}]}]")
	f.Add("a: &a\n  kind: *a\n  containers: *a\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range manifest.Split(text) {
			if !strings.Contains(text, m.Text) || m.Line < 1 || m.Line > strings.Count(text, "\n")+1 {
				t.Errorf("a document that is not in the text: %+v", m)
			}
			found, _, err := podsOf("t", m)
			if err != nil {
				continue
			}
			for _, w := range found {
				if w.Kind == "" || len(w.Pods) == 0 {
					t.Errorf("no workload: %+v", w)
				}
			}
		}
	})
}

// TestMergesAsHelm: what merge keys bring into a manifest is what Helm and Kubernetes
// read.
func TestMergesAsHelm(t *testing.T) {
	const head = "a: &a {k: a, x: a}\nb: &b {k: b, z: b}\n"
	for _, body := range []string{
		"c:\n  <<: *a\n  <<: *b\n", "c:\n  <<: *b\n  <<: *a\n", "c:\n  <<: [*a, *b]\n", "c:\n  <<: [*b, *a]\n",
		"c:\n  k: own\n  <<: *a\n", "c:\n  <<: *a\n  k: own\n", "c:\n  <<: *a\n  k: own\n  <<: *b\n", "c:\n  k: own\n  <<: [*a, *b]\n  z: own\n",
		"c: {<<: {k: 1c}, <<: {k: 2c, l: 3c}}\n", "c:\n  '<<': *a\n", "c: d\nc: e\n",
	} {
		var want any
		if err := yaml.Unmarshal([]byte(head+body), &want); err != nil {
			t.Fatal(err)
		}
		node, err := manifest.Document{Text: head + body}.Parse()
		if err != nil {
			t.Fatal(err)
		}
		got, err := manifest.Decode(node)
		if err != nil {
			t.Fatal(err)
		}
		left, _ := json.Marshal(want)
		right, _ := json.Marshal(got)
		if diff := cmp.Diff(string(left), string(right)); diff != "" {
			t.Errorf("%s%s", body, diff)
		}
	}
}

// What yaml says of a manifest that a template rendered is known by its text.
func TestExplainManifest(t *testing.T) {
	m := manifest.Split("kind: ConfigMap\na: b: c\n")[0]
	_, err := m.Parse()
	if err == nil {
		t.Fatal("it is YAML")
	}
	if line, cause := (InvalidManifest{Manifest: m, Err: err}).Explain(); line != 2 || cause == "" || strings.Contains(cause, "line ") {
		t.Errorf("%v\nexplained as line %d, %q", err, line, cause)
	}
}
