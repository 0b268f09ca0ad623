package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/canary"
)

func TestHides(t *testing.T) {
	m := New(canary.Token, canary.Password, "abcd", "xyz")
	half := canary.Token[:20]
	for text, want := range map[string]string{
		"":                                    "",
		"nothing to hide":                     "nothing to hide",
		"bad key " + canary.Token + "!":       "bad key xxxxx!",
		canary.Token + canary.Token:           "xxxxx",
		canary.Token + " and " + canary.Token: "xxxxx and xxxxx",
		"cut: " + half + "…":                  "cut: xxxxx…",
		"a beginning " + canary.Token[:11]:    "a beginning " + canary.Token[:11],
		"folded " + half + "\n  " + canary.Token[20:] + " on": "folded xxxxx on",
		"│ " + half + " │\n│ " + canary.Token[20:] + " │":     "│ xxxxx │",
		"short abcd, but not xyz":                             "short xxxxx, but not xyz",
		"ü " + canary.Password + " ü":                         "ü xxxxx ü",
	} {
		if got := m.Text(text); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	var none *Redactor
	if none.Text("x") != "x" || New("").Text("x y") != "x y" {
		t.Error("an empty mask hides something")
	}
}

// Whatever a text does to a secret, none of it is left in the forms that
// internal/testutil/canary knows, and what stands around it is as it was.
func TestNothingIsLeft(t *testing.T) {
	marshal := func(v any) string { data, _ := json.Marshal(v); return string(data) }
	deeds := map[string]func(string) string{
		"plain":        func(s string) string { return s },
		"%q":           func(s string) string { return fmt.Sprintf("%q", s) },
		"JSON":         func(s string) string { return marshal(s) },
		"JSON in JSON": func(s string) string { return marshal(marshal(s)) },
		"HTML":         html.EscapeString,
		"query":        url.QueryEscape,
		"path":         url.PathEscape,
		"userinfo": func(s string) string {
			return (&url.URL{Scheme: "http", Host: "h", User: url.UserPassword("u", s)}).String()
		},
		"hex":         func(s string) string { return hex.EncodeToString([]byte(s)) },
		"HEX":         func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
		"basic":       func(s string) string { return canary.Basic("u", s) },
		"first half":  func(s string) string { return s[:len(s)/2] },
		"second half": func(s string) string { return s[len(s)/2:] },
		"folded":      func(s string) string { return s[:7] + "\r\n\t" + s[7:15] + "\u200b" + s[15:] },
		"spaced":      func(s string) string { return strings.Join(strings.Split(s, ""), " ") },
	}
	for before := range 4 {
		for after := range 3 {
			deeds[fmt.Sprintf("base64 %d %d", before, after)] = func(s string) string {
				return base64.StdEncoding.EncodeToString([]byte("usr:"[:before] + s + "~~"[:after]))
			}
			deeds[fmt.Sprintf("base64 for URLs %d %d", before, after)] = func(s string) string {
				return base64.RawURLEncoding.EncodeToString([]byte("usr:"[:before] + s + "~~"[:after]))
			}
		}
	}
	watch := canary.New()
	for _, secret := range []string{canary.Token, canary.Password, canary.ProxyPassword} {
		m := New(secret)
		for name, deed := range deeds {
			got := m.Text("BEFORE " + deed(secret) + " AFTER")
			if leaks := watch.Scan(name, []byte(got)); leaks != nil {
				t.Errorf("%v in %q", leaks, got)
			}
			if !strings.HasPrefix(got, "BEFORE ") || !strings.HasSuffix(got, " AFTER") || !strings.Contains(got, Placeholder) {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
}

// A text without secrets comes back as it is, whatever is in it.
func TestLeavesTheRest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	m := New(canary.Token, canary.Password)
	for range 2000 {
		text := make([]byte, random.IntN(200))
		for i := range text {
			text[i] = byte(random.IntN(256))
		}
		if got := m.Text(string(text)); got != string(text) {
			t.Fatalf("%q became %q", text, got)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("secret-secret", "a secret-secret b")
	f.Add("ü|\n", "x ü y")
	f.Add("aaaaaaaaaaaaaaaaaaaa", strings.Repeat("a ", 40))
	f.Fuzz(func(t *testing.T, secret, text string) {
		m := New(secret)
		got := m.Text(text + secret)
		if squeezed := squeeze(secret); squeezed != "" && !strings.Contains(Placeholder, squeezed) && len(squeezed) >= fragment && strings.Contains(squeeze(got), squeezed) {
			t.Errorf("%q is left in %q", secret, got)
		}
	})
}

func BenchmarkText(b *testing.B) {
	m := New(canary.Token, canary.Password, canary.ProxyPassword)
	text := strings.Repeat("reading the index of the Helm repository: 503 Service Unavailable ", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		m.Text(text)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New(canary.Token)
	}
}
