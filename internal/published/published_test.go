package published

import (
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
)

// Another archive than was sent is looked at in the same way.
func TestServedArchiveIsDecodedAsKubeSphereDoes(t *testing.T) {
	for source, want := range map[string]string{
		"":               "its archive has no extension.yaml",
		"name: alc\n":    "finds no version, no category",
		"version: [1]":   "version is a list, and has to be a text",
		"# x\n---\na: 1": "it reads only what stands before line 2",
		"name: alc\nversion: 1.0.1\ncategory: x\n": "KubeSphere reads version 1.0.1",
		"name: alc\nversion: 1.0.0\ncategory: x\n": "",
	} {
		files := []*loader.BufferedFile{{Name: "Chart.yaml"}}
		if source != "" {
			files = append(files, &loader.BufferedFile{Name: "extension.yaml", Data: []byte(source)})
		}
		// That of a subchart is none.
		files = append([]*loader.BufferedFile{{Name: "charts/sub/extension.yaml", Data: []byte("name: sub\nversion: 1.0.0\ncategory: x\n")}}, files...)
		if got := LeftOut("1.0.0", files); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%q: %q", source, got)
		}
	}
}
