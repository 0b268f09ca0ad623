// Package secrets takes the secrets that a command knows out of what it prints and writes:
// messages, diagnostics, and the events of a run. It shows what a config has from variables
// by what the config has written.
//
// How a secret is found in a text, package redact knows.
package secrets

import (
	"cmp"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Redactor takes the secrets of a command out of all that it prints. The client
// of a server redacts what that server repeats; this is for what comes in another
// way: a version in an index that is a password, a key that somebody wrote into a
// config and that an excerpt shows. The zero value knows no secrets. It may be used by
// several goroutines, but for Document and what Observer returns.
type Redactor struct {
	mu      sync.Mutex
	secrets []string
	all     *redact.Redactor  // of secrets
	written *strings.Replacer // what came out of the environment by what the config has for it
	// findings are those that were gone through, by their first one: events
	// carry the same ones again and again.
	findings map[*results.Finding][]results.Finding
}

// leastSecret is the number of bytes that a secret needs to be redacted wherever
// it stands: a shorter one may be a word that somebody has to read.
const leastSecret = 8

const keyPrefix = "kck-"

// apiKey is what API keys look like; no output shows any, whoever's it is.
var apiKey = lazyregexp.New(`\b` + keyPrefix + `[0-9A-Za-z]{4,}(?:-[0-9A-Za-z]{2,})+`)

// FromEnvironment redacts what these variables hold, and passwords of proxies.
func (r *Redactor) FromEnvironment(env func(string) (string, bool), names ...string) {
	for _, name := range names {
		value, _ := env(name)
		r.Add(value)
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		value, _ := env(name)
		if u, err := url.Parse(value); err == nil && u.User != nil {
			password, _ := u.User.Password()
			r.Add(password)
		}
	}
}

// Add redacts a secret from now on.
func (r *Redactor) Add(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(secret) < leastSecret || slices.Contains(r.secrets, secret) {
		return
	}
	r.secrets = append(r.secrets, secret)
	r.all = redact.New(r.secrets...)
}

// Expansions shows from now on what a config has written in place of what variables
// held: its addresses as a whole, and each variable that is long enough to be known
// by its value.
func (r *Redactor) Expansions(all []config.Expansion) {
	shown := map[string]string{}
	for _, x := range all {
		value, written := strings.TrimRight(x.Value, "/"), strings.TrimRight(x.Written, "/")
		if len(value) >= leastSecret {
			shown[value] = written
		}
		if u, err := url.Parse(value); err == nil && u.Host != "" {
			shown[value] = written
			host := written
			if _, after, ok := strings.Cut(written, "://"); ok {
				host, _, _ = strings.Cut(after, "/")
			}
			if strings.Contains(host, "${") {
				shown[u.Host] = host
				if name := u.Hostname(); len(name) >= leastSecret && !loopback(name) {
					shown[name] = strings.TrimSuffix(host, ":"+u.Port())
				}
			}
		}
	}
	values := slices.SortedFunc(maps.Keys(shown), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	var pairs []string
	for _, value := range values {
		pairs = append(pairs, value, shown[value])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written = strings.NewReplacer(pairs...)
}

// Text is a text without secrets.
func (r *Redactor) Text(s string) string {
	r.mu.Lock()
	all, written := r.all, r.written
	r.mu.Unlock()
	if written != nil {
		s = written.Replace(s)
	}
	if s = all.Text(s); !strings.Contains(s, keyPrefix) { // most texts have none, and the pattern looks at each letter
		return s
	}
	return apiKey.ReplaceAllLiteralString(s, redact.Placeholder)
}

// Diagnostic is a diagnostic without secrets.
func (r *Redactor) Diagnostic(p diagnostic.Diagnostic) diagnostic.Diagnostic {
	p.File, p.Message, p.Excerpt, p.Hint = r.Text(p.File), r.Text(p.Message), r.Text(p.Excerpt), r.Text(p.Hint)
	return p
}

// Texts are texts without secrets.
func (r *Redactor) Texts(all []string) []string {
	redacted := slices.Clone(all)
	for i := range redacted {
		redacted[i] = r.Text(redacted[i])
	}
	return redacted
}

// Observer is an observer that passes events on without secrets. Reporters escape texts in ways of
// their own, so secrets are gone before they get them.
func (r *Redactor) Observer(next results.Observer) results.Observer {
	return results.ObserverFunc(func(e results.Event) {
		e.Message = r.Text(e.Message)
		if e.Activity != nil {
			a := *e.Activity
			a.Waiting = r.Text(a.Waiting)
			e.Activity = &a
		}
		if e.Extension != nil {
			x := r.extension(*e.Extension)
			e.Extension = &x
		}
		if e.Result != nil {
			e.Result = r.Document(e.Result)
		}
		next.Observe(e)
	})
}

// Document is a result document without secrets.
func (r *Redactor) Document(d *results.Document) *results.Document {
	result := *d
	result.Warnings = r.Texts(result.Warnings)
	if result.Selection != nil {
		selection := *result.Selection
		selection.Text = r.Text(selection.Text)
		result.Selection = &selection
	}
	result.Announcements = slices.Clone(result.Announcements)
	for i := range result.Announcements {
		result.Announcements[i].Error = r.Text(result.Announcements[i].Error)
	}
	result.Hooks = r.Hooks(result.Hooks)
	result.Extensions = slices.Clone(result.Extensions)
	for i, x := range result.Extensions {
		result.Extensions[i] = r.extension(x)
	}
	return &result
}

// extension goes through what does not come from the extension's own name,
// path and settings.
func (r *Redactor) extension(x results.Extension) results.Extension {
	x.Version, x.Reason, x.SnapshotID = r.Text(x.Version), r.Text(x.Reason), r.Text(x.SnapshotID)
	x.ReviewMessage = r.Text(x.ReviewMessage)
	x.Assets = slices.Clone(x.Assets)
	for i := range x.Assets {
		x.Assets[i].URL = r.Text(x.Assets[i].URL)
	}
	x.Differs = r.differs(x.Differs)
	x.Hooks = r.Hooks(x.Hooks)
	x.Error = r.failed(x.Error)
	x.Targets = slices.Clone(x.Targets)
	for i := range x.Targets {
		t := &x.Targets[i]
		t.URL, t.Reason, t.SnapshotID, t.ReviewMessage = r.Text(t.URL), r.Text(t.Reason), r.Text(t.SnapshotID), r.Text(t.ReviewMessage)
		t.Differs, t.Error = r.differs(t.Differs), r.failed(t.Error)
	}
	x.Findings = r.redacted(x.Findings)
	return x
}

func (r *Redactor) differs(all []results.Difference) []results.Difference {
	redacted := slices.Clone(all)
	for i, d := range redacted {
		redacted[i].File, redacted[i].Detail = r.Text(d.File), r.Text(d.Detail)
	}
	return redacted
}

func (r *Redactor) failed(err *results.Error) *results.Error {
	if err == nil {
		return nil
	}
	return &results.Error{Stage: err.Stage, Message: r.Text(err.Message), Hint: r.Text(err.Hint)}
}

// Hooks are hooks without secrets, in what they run and in what became of them.
func (r *Redactor) Hooks(all []results.Hook) []results.Hook {
	redacted := slices.Clone(all)
	for i := range redacted {
		redacted[i].Run, redacted[i].Message = r.Text(redacted[i].Run), r.Text(redacted[i].Message)
	}
	return redacted
}

// redacted are findings without secrets. Events come one at a time.
func (r *Redactor) redacted(findings []results.Finding) []results.Finding {
	if len(findings) == 0 {
		return findings
	}
	if known := r.findings[&findings[0]]; len(known) == len(findings) {
		return known
	}
	done := slices.Clone(findings)
	for i := range done {
		f := &done[i]
		f.Message, f.Hint, f.Excerpt = r.Text(f.Message), r.Text(f.Hint), r.Text(f.Excerpt)
	}
	if r.findings == nil {
		r.findings = map[*results.Finding][]results.Finding{}
	}
	r.findings[&findings[0]] = done
	return done
}

// loopback says that a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
