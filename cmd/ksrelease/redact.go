package main

import (
	"cmp"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/credentials"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/results"
)

// redactor takes the secrets of this command out of all that it prints. The client
// of a server redacts what that server repeats; this is for what comes in another
// way: a version in an index that is a password, a key that somebody wrote into a
// config and that an excerpt shows. The zero value knows no secrets.
type redactor struct {
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

// apiKey is what API keys look like; no output shows any, whoever's it is.
var apiKey = regexp.MustCompile(`\bkck-[0-9A-Za-z]{4,}(?:-[0-9A-Za-z]{2,})+`)

// fromEnvironment takes the secrets that the environment holds.
func (c *redactor) fromEnvironment(env func(string) (string, bool)) {
	for _, name := range []string{credentials.Variable, repositoryPassword} {
		value, _ := env(name)
		c.add(value)
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		value, _ := env(name)
		if u, err := url.Parse(value); err == nil && u.User != nil {
			password, _ := u.User.Password()
			c.add(password)
		}
	}
}

// add redacts a secret from now on.
func (c *redactor) add(secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(secret) < leastSecret || slices.Contains(c.secrets, secret) {
		return
	}
	c.secrets = append(c.secrets, secret)
	c.all = redact.New(c.secrets...)
}

// expansions shows from now on what a config has written in place of what variables
// held: its addresses as a whole, and each variable that is long enough to be known
// by its value.
func (c *redactor) expansions(all []config.Expansion) {
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
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written = strings.NewReplacer(pairs...)
}

// text is a text without secrets.
func (c *redactor) text(s string) string {
	c.mu.Lock()
	m, written := c.all, c.written
	c.mu.Unlock()
	if written != nil {
		s = written.Replace(s)
	}
	return apiKey.ReplaceAllLiteralString(m.Text(s), redact.Placeholder)
}

// problem is a problem without secrets.
func (c *redactor) problem(p diagnostic.Diagnostic) diagnostic.Diagnostic {
	p.File, p.Message, p.Excerpt, p.Hint = c.text(p.File), c.text(p.Message), c.text(p.Excerpt), c.text(p.Hint)
	return p
}

func (c *redactor) texts(all []string) []string {
	redacted := slices.Clone(all)
	for i := range redacted {
		redacted[i] = c.text(redacted[i])
	}
	return redacted
}

// observer passes events on without secrets. Reporters escape texts in ways of
// their own, so secrets are gone before they get them.
func (c *redactor) observer(next results.Observer) results.Observer {
	return results.ObserverFunc(func(e results.Event) {
		e.Message = c.text(e.Message)
		if e.Extension != nil {
			x := c.extension(*e.Extension)
			e.Extension = &x
		}
		if e.Result != nil {
			result := *e.Result
			result.Warnings = c.texts(result.Warnings)
			result.Extensions = slices.Clone(result.Extensions)
			for i, x := range result.Extensions {
				result.Extensions[i] = c.extension(x)
			}
			e.Result = &result
		}
		next.Observe(e)
	})
}

// extension goes through what does not come from the extension's own name,
// path and settings.
func (c *redactor) extension(x results.Extension) results.Extension {
	x.Version, x.Reason, x.SnapshotID = c.text(x.Version), c.text(x.Reason), c.text(x.SnapshotID)
	x.ReviewMessage = c.text(x.ReviewMessage)
	x.Assets = slices.Clone(x.Assets)
	for i := range x.Assets {
		x.Assets[i].URL = c.text(x.Assets[i].URL)
	}
	if x.Error != nil {
		x.Error = &results.Error{Stage: x.Error.Stage, Message: c.text(x.Error.Message), Hint: c.text(x.Error.Hint)}
	}
	x.Findings = c.redacted(x.Findings)
	return x
}

// redacted are findings without secrets. Events come one at a time.
func (c *redactor) redacted(findings []results.Finding) []results.Finding {
	if len(findings) == 0 {
		return findings
	}
	if known := c.findings[&findings[0]]; len(known) == len(findings) {
		return known
	}
	done := slices.Clone(findings)
	for i := range done {
		f := &done[i]
		f.Message, f.Hint, f.Excerpt = c.text(f.Message), c.text(f.Hint), c.text(f.Excerpt)
	}
	if c.findings == nil {
		c.findings = map[*results.Finding][]results.Finding{}
	}
	c.findings[&findings[0]] = done
	return done
}
