package discover

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/ksrelease/ksrelease/config"
)

// Extensions are chosen by their own path or a folder above, which may be the root.
func TestNarrowByPath(t *testing.T) {
	root, err := filepath.Abs(string(filepath.Separator))
	if err != nil {
		t.Fatal(err)
	}
	b, bc := filepath.Join(root, "a", "b"), filepath.Join(root, "a", "bc")
	sources := []config.Source{{Path: b}, {Path: bc}}
	for path, want := range map[string][]string{
		root: {b, bc}, filepath.Join(root, "a"): {b, bc}, b: {b}, bc: {bc}, b + string(filepath.Separator): {b},
		filepath.Join(root, "a", "b", "c"): nil, filepath.Join(root, "b"): nil, filepath.Join(root, "..b"): nil,
	} {
		kept, err := Narrow(sources, []string{path})
		var got []string
		for _, s := range kept {
			got = append(got, s.Path)
		}
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
}
