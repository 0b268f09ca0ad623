package kubesphere

import (
	"strings"
	"testing"
)

func TestAnnotationKey(t *testing.T) {
	for key, ok := range map[string]bool{
		"my key": false, "a": true, "KubeSphere.io/Category": true, "my_prefix.io/x": false, "a/b/c": false,
		"": false, "-a": false, "a_b.c": true, "/a": false, "kubesphere.io/": false,
		strings.Repeat("a", 63): true, strings.Repeat("a", 64): false,
		strings.Repeat("a", 100) + ".io/x": true, "ü": false,
	} {
		if why := AnnotationKey(key); (why == "") != ok {
			t.Errorf("AnnotationKey(%q) = %q", key, why)
		}
	}
}

func TestLabelValue(t *testing.T) {
	for value, ok := range map[string]bool{"": true, "dev-tools": true, "AI_1.0": true, "a b": false, "-a": false, strings.Repeat("a", 64): false} {
		if why := LabelValue(value); (why == "") != ok {
			t.Errorf("LabelValue(%q) = %q", value, why)
		}
	}
}

func TestStored(t *testing.T) {
	icon := []byte("<svg>" + strings.Repeat("x", 3000) + "</svg>")
	e := Extension{Icon: "./static/icon.svg", Screenshots: []string{strings.Repeat("<", 1000)}}
	stored := e.Stored(func(name string) []byte {
		if name == "static/icon.svg" {
			return icon
		}
		return nil
	})
	if want := "data:image/svg+xml;base64,PHN2Zz54"; !strings.HasPrefix(stored.Icon, want) {
		t.Errorf("the icon begins %.40q", stored.Icon)
	}
	card, version := stored.CardSize(), stored.VersionSize(map[string]string{"a": "b"})
	if card < 4000 || card > 5000 {
		t.Errorf("the card has %d bytes", card)
	}
	// A less-than sign has six bytes in JSON as Go writes it.
	if more := version - card; more < 6000 || more > 6400 {
		t.Errorf("the version has %d bytes more", more)
	}
	address := Extension{Icon: "https://example.com/icon.svg"}
	if got := address.Stored(func(string) []byte { return nil }); got.Icon != address.Icon {
		t.Errorf("the icon is %q", got.Icon)
	}
}
