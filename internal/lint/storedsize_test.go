package lint

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestStoredSize(t *testing.T) {
	svg := func(size int) string {
		return `<svg xmlns="http://www.w3.org/2000/svg">` + strings.Repeat(" ", size) + "</svg>"
	}
	icon := func(address string) string {
		return strings.Replace(goodMetadata, "icon: static/icon.svg", "icon: "+address, 1)
	}
	shots := func(addresses ...string) string {
		return strings.Replace(goodMetadata, "screenshots:\n  - static/one.png\n", "screenshots: ['"+strings.Join(addresses, "', '")+"']\n", 1)
	}
	embedded := func(size int) string {
		return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg(size)))
	}
	const (
		card    = "error stored-size ext/extension.yaml:8:7: the Extension and the ExtensionVersion, in which KubeSphere stores this version, would have "
		version = "error stored-size ext/extension.yaml:9:14: the ExtensionVersion, in which KubeSphere stores this version, would have "
	)
	for _, tt := range []struct {
		name string
		with []string
		want string
	}{
		{"an icon of 1.5 MiB", []string{"extension.yaml", icon(embedded(1500 << 10))}, card + "2,048,869 bytes as JSON (icon 2,048,092), and a cluster takes 1,568,768: the extension never appears, and each try"},
		{"an icon that grows as JSON", []string{"extension.yaml", icon("'data:image/svg+xml;utf8,<svg>" + strings.Repeat("<g/>", 120_000) + "</svg>'")}, card},
		{"one that does not", []string{"extension.yaml", icon("'data:image/svg+xml;utf8,<svg>" + strings.Repeat("xxxx", 120_000) + "</svg>'")}, ""},
		{"line breaks", []string{"extension.yaml", goodMetadata + "docs: \"" + strings.Repeat(`\n`, 790_000) + "\"\n"}, "error stored-size ext/extension.yaml:16:7: the ExtensionVersion"},
		{"an icon that is a file", []string{"static/icon.svg", svg(2 << 20)}, ""},
		{"screenshots", []string{"extension.yaml", shots(embedded(600<<10), embedded(600<<10))}, version},
		{"one screenshot twice by an alias", []string{"extension.yaml", strings.Replace(goodMetadata, "  - static/one.png\n", "  - &one "+embedded(600<<10)+"\n  - *one\n", 1)}, "error stored-size ext/extension.yaml:10:3: the ExtensionVersion"},
		{"a field that KubeSphere does not have", []string{"extension.yaml", goodMetadata + "x-notes: " + strings.Repeat("x", 2<<20) + "\n"}, ""},
		{"annotations", []string{"extension.yaml", icon(embedded(1000<<10)) + "annotations:\n  a: \"" + strings.Repeat("<", 250_000) + "\"\n"}, "error stored-size ext/extension.yaml:17:3: the ExtensionVersion"},
	} {
		got := told(check(t, with(goodFiles(), tt.with...), "stored-size"))
		if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tt.want)) {
			t.Errorf("%s: %.400q, want %q", tt.name, got, tt.want)
		}
	}
}
