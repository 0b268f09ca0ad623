package dependency

import (
	"bytes"
	"net/url"
	"path"
	"strings"
	"testing"
)

// A package is pulled by the address that an index has: with a tag, a digest or both.
func TestPull(t *testing.T) {
	data := chartPackage(t, "web", "1.0.0")
	s := newRegistrySite(t, map[string]map[string][]byte{
		"team/charts/web": {"1.0.0": data, "1.1.0": chartPackage(t, "web", "1.1.0")},
		"web":             {"1.0.0": data},
	})
	digest := ""
	for file, kept := range s.files {
		if bytes.Equal(kept, s.files["/v2/web/manifests/1.0.0"]) && strings.Contains(file, "sha256:") {
			digest = path.Base(file)
		}
	}
	root := "oci://" + s.host()
	options := write(t, "", nil).guarded(t, "127.0.0.0/8")
	registry := NewRegistry(options)
	for address, want := range map[string]string{
		root + "/team/charts/web:1.0.0":                  "",
		root + "/web:1.0.0":                              "",
		root + "/team/charts/web@" + digest:              "",
		root + "/team/charts/web:1.0.0@" + digest:        "",
		root + "/team/charts/web":                        "names no tag, so KubeSphere cannot download it",
		root + "/team/charts/web:":                       "names no tag",
		root + "/team/charts/:1.0.0":                     "names no tag",
		root:                                             "names no tag",
		root + "/team/charts/web:2.0.0":                  "the registry has no such version",
		root + "/team/charts/web@sha256:" + digest[7:19]: "invalid digest",
		root + "/Team/web:1.0.0":                         "no address of a chart in a registry",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		got, err := registry.Pull(t.Context(), u)
		switch {
		case want == "" && (err != nil || !bytes.Equal(got, data)):
			t.Errorf("%s: %d bytes, %v", address, len(got), err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}
