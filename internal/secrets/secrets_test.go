package secrets

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/results"
)

const secret = "hunter22-in-the-text"

func TestText(t *testing.T) {
	environment := map[string]string{
		"KEY": secret, "SHORT": "hunter2", "EMPTY": "",
		"HTTPS_PROXY": "http://me:proxypassword@proxy:3128", "http_proxy": "http://me:otherpassword@proxy:3128", "HTTP_PROXY": "::",
	}
	var r Redactor
	r.FromEnvironment(func(name string) (string, bool) { value, ok := environment[name]; return value, ok }, "KEY", "SHORT", "EMPTY", "UNSET")
	r.Add("another secret")
	for text, want := range map[string]string{
		"the key " + secret + " is":    "the key xxxxx is",
		"hunter2 is too short":         "hunter2 is too short",
		"proxypassword, otherpassword": "xxxxx, xxxxx",
		"proxy:3128":                   "proxy:3128",
		"another secret":               "xxxxx",
		"of somebody: kck-abcd1234-ef": "of somebody: xxxxx",
		"kck-ab":                       "kck-ab",
		"":                             "",
	} {
		if got := r.Text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	var none Redactor
	if got := none.Text(secret); got != secret {
		t.Errorf("without secrets: %q", got)
	}
}

// What variables held is shown as the config has it.
func TestExpansions(t *testing.T) {
	var r Redactor
	r.Expansions([]config.Expansion{
		{Written: "${SERVER}/", Value: "https://market.example.com:8443/"},
		{Written: "https://${HOST}:81/charts", Value: "https://charts.example.com:81/charts"},
		{Written: "http://${LOCAL}", Value: "http://localhost:9090"},
		{Written: "${LONG}", Value: "a-long-value"},
		{Written: "${SHORT}", Value: "short"},
		{Written: "https://plain.example.com/${PATH}", Value: "https://plain.example.com/path"},
	})
	for text, want := range map[string]string{
		"GET https://market.example.com:8443/apis": "GET ${SERVER}/apis",
		"https://charts.example.com:81/charts/a":   "https://${HOST}:81/charts/a",
		"dial charts.example.com:81":               "dial ${HOST}:81",
		"lookup charts.example.com":                "lookup ${HOST}",
		"dial localhost:9090, not localhost":       "dial ${LOCAL}, not localhost",
		"a-long-value and short":                   "${LONG} and short",
		"https://plain.example.com/path":           "https://plain.example.com/${PATH}",
		"lookup plain.example.com":                 "lookup plain.example.com",
	} {
		if got := r.Text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestDiagnostic(t *testing.T) {
	var r Redactor
	r.Add(secret)
	got := r.Diagnostic(diagnostic.Diagnostic{File: secret, Range: diagnostic.At(3, 2), Message: secret, Hint: secret, Excerpt: secret})
	if text := fmt.Sprintf("%+v", got); strings.Contains(text, secret) || strings.Count(text, redact.Placeholder) != 4 || got.Range != diagnostic.At(3, 2) {
		t.Errorf("%s", text)
	}
}

// Events have no secret in what servers and libraries say. What they were made of stays
// as it is: the run works with it.
func TestObserver(t *testing.T) {
	one := results.Extension{
		Name: "alc", Version: secret, Reason: secret, SnapshotID: secret, ReviewMessage: secret,
		Assets:   []results.Asset{{URL: "https://" + secret}},
		Differs:  []results.Difference{{File: secret, Kind: "changed", Detail: secret}},
		Error:    &results.Error{Stage: "push", Message: secret, Hint: secret},
		Findings: []results.Finding{{Rule: "r", Message: secret, Hint: secret, Excerpt: secret}},
	}
	var r Redactor
	r.Add(secret)
	var seen []results.Event
	observer := r.Observer(results.ObserverFunc(func(e results.Event) { seen = append(seen, e) }))
	whole := results.Document{Warnings: []string{secret}, Extensions: []results.Extension{one}}
	observer.Observe(results.Event{Message: secret, Extension: &one})
	observer.Observe(results.Event{Result: &whole})
	if one.Findings[0].Message != secret || one.Assets[0].URL != "https://"+secret || one.Error.Message != secret || whole.Warnings[0] != secret || whole.Extensions[0].Reason != secret {
		t.Errorf("the event was changed: %+v, %+v", one, whole)
	}
	first := *seen[0].Extension
	for name, text := range map[string]string{
		"event": seen[0].Message, "extension": fmt.Sprintf("%+v %+v", first, *first.Error), "warnings": fmt.Sprint(seen[1].Result.Warnings),
		"result": fmt.Sprintf("%+v %+v", seen[1].Result.Extensions, *seen[1].Result.Extensions[0].Error),
	} {
		if strings.Contains(text, secret) || !strings.Contains(text, redact.Placeholder) {
			t.Errorf("%s: %s", name, text)
		}
	}
	if first.Name != "alc" || first.Error.Stage != "push" || first.Findings[0].Rule != "r" {
		t.Errorf("%+v", first)
	}
}

// BenchmarkText is a text without secrets, which most are.
func BenchmarkText(b *testing.B) {
	var r Redactor
	r.Add(secret)
	text := strings.Repeat("charts/base/templates/deployment.yaml: the container has no limits for memory\n", 4)
	for b.Loop() {
		r.Text(text)
	}
}
