package manifest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	tests := []struct {
		name, text string
		want       []Document
	}{
		{"nothing", "", nil},
		{"blanks and comments", "\n# a: b\n---\n  \n--- # c\n", nil},
		{"one", "a: b\n", []Document{{"a: b\n", 1}}},
		{"a separator at the top", "---\na: b\n", []Document{{"\na: b\n", 1}}},
		{"two", "a: b\n---\nc: d", []Document{{"a: b\n", 1}, {"\nc: d", 2}}},
		{"a comment right behind the hyphens", "a: b\n---# next\nc: d\n", []Document{{"a: b\n", 1}, {"# next\nc: d\n", 2}}},
		{"indented hyphens are text", "a: |\n  ---\n  b\n", []Document{{"a: |\n  ---\n  b\n", 1}}},
		{"carriage returns", "a: b\r\n---\r\nc: d\r\n", []Document{{"a: b\r\n", 1}, {"\r\nc: d\r\n", 2}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Split(test.text)); diff != "" {
				t.Errorf("manifests (-want +got):\n%s", diff)
			}
		})
	}
}
