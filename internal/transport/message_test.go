package transport

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestMessage(t *testing.T) {
	for body, want := range map[string]string{
		"":                                   "",
		`{"message": "no such\nversion"}`:    "no such version",
		`{"error": {"message": "denied"}}`:   "denied",
		`{"error": "denied", "message": 5}`:  "denied",
		`{"code": 5}`:                        `{"code": 5}`,
		"\n\n upstream connect error \nmore": "upstream connect error",
		"<html>\n<head><title>502 Bad\n Gateway</title></head>":                     "502 Bad Gateway",
		"<!DOCTYPE html><html><style>p {}</style><p></p><h1>Sign&nbsp;in</h1> here": "Sign in",
		"<html><title></title><script>x()</script><body>Down</body>":                "Down",
		"<Error><Code>SlowDown</Code></Error>":                                      "SlowDown",
		"\xef\xbb\xbf<html><title>T</title>":                                        "T",
		"\x1b[31mred\x1b[0m\x07":                                                    "[31mred[0m",
		"\x00\x01binary":                                                            "",
		strings.Repeat("界", 400):                                                    strings.Repeat("界", 300) + "…",
	} {
		if got := message([]byte(body), nil); got != want {
			t.Errorf("message(%q) = %q, want %q", body, got, want)
		}
	}
}

func FuzzMessage(f *testing.F) {
	for _, seed := range []string{"", `{"message": "x"}`, "<html><title>x</title>", "\x1b[2J", "line\nline", "<a <b", `{"message": {"message": []}}`, "\xff\xfe"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, text := range []string{message(body, nil), Excerpt(body)} {
			if !utf8.ValidString(text) || utf8.RuneCountInString(text) > messageLength+1 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q of %q", text, body)
			}
		}
	})
}

func TestErrorsByHand(t *testing.T) {
	// Others make such errors in their tests, and decide on them.
	for _, tt := range []struct {
		e                                          Error
		notFound, unauthorized, temporary, inDoubt bool
	}{
		{Error{Method: "GET", Status: 404}, true, false, false, false},
		{Error{Method: "GET", Status: 404, page: true}, false, false, false, false},
		{Error{Method: "POST", Status: 401}, false, true, false, false},
		{Error{Method: "POST", Status: 403}, false, true, false, false},
		{Error{Method: "POST", Status: 409}, false, false, false, true},
		{Error{Method: "POST", Status: 429}, false, false, true, false},
		{Error{Method: "POST", Status: 500}, false, false, true, true},
		{Error{Method: "POST", Status: 501}, false, false, false, true},
		{Error{Method: "POST", Err: errors.New("reset")}, false, false, true, true},
		{Error{Method: "POST", Status: 200, Err: errors.New("no snapshot_id")}, false, false, false, true},
		{Error{Method: "GET", Status: 200, Err: errors.New("junk")}, false, false, false, false},
		{Error{Method: "POST", Status: 413}, false, false, false, false},
	} {
		e := &tt.e
		if e.NotFound() != tt.notFound || e.Unauthorized() != tt.unauthorized || e.Temporary() != tt.temporary || e.InDoubt() != tt.inDoubt {
			t.Errorf("%s %d: not found %v, unauthorized %v, temporary %v, in doubt %v", e.Method, e.Status, e.NotFound(), e.Unauthorized(), e.Temporary(), e.InDoubt())
		}
	}
	unknown := &Error{Op: "asking", Method: "GET", URL: "http://h/", Status: 599, Message: "what"}
	if unknown.Error() != "asking: 599: what (GET http://h/)" || unknown.Summary() != "599" {
		t.Error(unknown)
	}
}
