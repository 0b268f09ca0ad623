package target

import "testing"

func TestAddressOfPackages(t *testing.T) {
	for _, c := range []struct{ base, url, want string }{
		{"https://charts.example.com", "charts/alc-1.0.0.tgz", "https://charts.example.com/charts/alc-1.0.0.tgz"},
		{"https://charts.example.com/", "/charts/alc-1.0.0.tgz", "https://charts.example.com/charts/alc-1.0.0.tgz"},
		{"https://charts.example.com", "a%20b-1.0.0.tgz", "https://charts.example.com/a%20b-1.0.0.tgz"},
		{"https://charts.example.com", "https://me:secret@cdn.example.com/alc.tgz?signature=secret#x", "https://cdn.example.com/alc.tgz"},
		{"", "oci://registry.example.com/ks/alc:1.0.0", "oci://registry.example.com/ks/alc:1.0.0"},
		{"museum", "alc-1.0.0.tgz", "museum/alc-1.0.0.tgz"},
		{"/srv/museum/", "a%20b-1.0.0.tgz", "/srv/museum/a b-1.0.0.tgz"},
		{"museum", "/charts/alc-1.0.0.tgz", ""},
		{"", "alc-1.0.0.tgz", ""},
		{"museum", "mailto:somebody", ""},
		{"museum", "", ""},
		{"museum", "%zz", ""},
	} {
		if got := (Place{Base: c.base}).Address(&Entry{URLs: []string{c.url}}); got != c.want {
			t.Errorf("%q at %q: %q, want %q", c.url, c.base, got, c.want)
		}
	}
	if got := (Place{Base: "museum"}).Address(nil); got != "" {
		t.Errorf("no entry: %q", got)
	}
}
