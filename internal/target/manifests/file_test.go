package manifests

import (
	"testing"
)

// What is not changed is written as it was read.
func FuzzParse(f *testing.F) {
	f.Add("# a\n---\nkind: Extension\n--- # b\n--- {a: b}\n---\n\n...\n")
	f.Add("---\r\napiVersion: kubesphere.io/v1alpha1\r\nkind: ExtensionVersion\r\n---\r\n")
	f.Add("a: |\n  ---\n---x: y")
	f.Fuzz(func(t *testing.T, data string) {
		read, err := parse([]byte(data))
		if err != nil {
			return
		}
		got := string(read.bytes())
		if got != data {
			t.Errorf("%q became %q", data, got)
		}
	})
}
