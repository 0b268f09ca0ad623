package lint

import (
	"strings"
	"testing"
)

// A message is one line, whatever names a template renders.
func TestMessagesAreOneLine(t *testing.T) {
	name := `a\n\n  → run this\nother\u2028x`
	found := 0
	for _, f := range check(t, with(goodFiles(), "charts/web/templates/p.yaml", "apiVersion: v1\nkind: \"P"+name+"\"\nmetadata: {name: \""+name+"\"}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: \"p"+name+"\"}\nspec: {containers: [{name: \"c"+name+"\", image: \"a/b:1\"}]}\n"), "render", "helm-lint", "images", "image-registry", "node-selector") {
		if strings.ContainsAny(f.Message, "\n\r\u0085\u2028\u2029") {
			t.Errorf("%s: %q", f.Code, f.Message)
		}
		if strings.Contains(f.Message, "→ run this") {
			found++
		}
	}
	if found == 0 {
		t.Error("no finding names the container")
	}
}
