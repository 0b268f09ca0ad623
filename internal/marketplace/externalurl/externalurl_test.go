package externalurl

import (
	"strings"
	"testing"
)

func TestCheckExternalURL(t *testing.T) {
	for _, good := range []string{"", "http://h", "https://h:1/", "http://127.0.0.1:8790", "http://[::1]:8790/x", "HTTP://H/Y", "http://h/a/b/", "http://h/%20x"} {
		if err := Check(good); err != nil {
			t.Errorf("%q is refused: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"h/market": "give an address like", "//h": "give an address like", "ftp://h": "give an address like", "http:h": "give an address like", "http:///x": "give an address like", "http://:80": "has no host",
		"http://u@h": "has a user", "http://u:secret@h": "has a user", "http://h?": "nothing may follow", "http://h/?a=b": "nothing may follow", "http://h#": "nothing may follow",
		"http://h:": "port is empty", "http://h:0": "is no port", "http://h:65536": "is no port", "http://h:x": "give an address like",
		"http://0.0.0.0": "stands for all", "http://[::]:80": "stands for all", "http://ü.example": "xn--", "http://h/a//b": "not plain", "http://h/../b": "not plain",
		"http://h/a/.": "not plain", "http://h/a%2fb": "not plain", `http://h/a\b`: "not plain", "http://h/\n": "give an address like", " http://h": "give an address like", "http://h h": "give an address like", "http://h//": "",
	} {
		err := Check(bad)
		if want == "" {
			if err != nil {
				t.Errorf("%q is refused: %v", bad, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "give an address like") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %s", bad, err, want)
		}
	}
}

func TestLocalURL(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8790": "http://127.0.0.1:8790", ":8790": "http://127.0.0.1:8790", "0.0.0.0:80": "http://127.0.0.1:80",
		"[::]:8790": "http://127.0.0.1:8790", "[::1]:8790": "http://[::1]:8790", "market.example.org:8790": "http://market.example.org:8790",
		"https://market.example.org/": "https://market.example.org",
	} {
		if got := LocalURL(addr); got != want {
			t.Errorf("LocalURL(%s) = %s, want %s", addr, got, want)
		}
	}
}
