package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/ksrelease/ksrelease/internal/doctor/checks"
	"github.com/ksrelease/ksrelease/internal/doctor/replay"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/kscloud"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// repository is a Helm repository in memory, without packages.
type repository struct {
	index   string
	mu      sync.Mutex
	fetched []string
	fetch   func(ctx context.Context, entry target.Entry) ([]byte, error)
}

func (r *repository) Listing(context.Context) (*helmrepo.Index, error) {
	return helmrepo.Parse([]byte(r.index))
}

func (r *repository) Fetch(ctx context.Context, entry target.Entry) ([]byte, error) {
	r.mu.Lock()
	r.fetched = append(r.fetched, entry.Name+" "+entry.Version+" "+entry.URLs[0])
	r.mu.Unlock()
	if r.fetch != nil {
		return r.fetch(ctx, entry)
	}
	return []byte("none"), nil
}

// listing is an index of n versions of one extension.
func listing(n int) string {
	text := "apiVersion: v1\nentries:\n  a:\n"
	for i := range n {
		text += fmt.Sprintf("  - name: a\n    version: 1.%d.0\n    urls: [charts/a-1.%d.0.tgz]\n", i, i)
	}
	return text
}

// A repository of which every package is broken is asked for no more than is allowed.
func TestDownloadsAreBounded(t *testing.T) {
	r := &repository{index: listing(50)}
	got, err := Replay(t.Context(), r, Cluster{URL: "https://example.com", Depth: 3, Downloads: 7})
	if err != nil || len(r.fetched) != 7 || got.Downloads != 7 || len(got.NotLookedAt) != 3 || !strings.Contains(got.NotLookedAt[0].Reason, "7 packages were downloaded") {
		t.Errorf("%v, %d fetched, %+v", err, len(r.fetched), got)
	}
	if !strings.HasPrefix(r.fetched[0], "a 1.49.0") && !strings.HasPrefix(r.fetched[1], "a 1.49.0") && !strings.HasPrefix(r.fetched[2], "a 1.49.0") {
		t.Error(r.fetched)
	}
	r = &repository{index: listing(50)}
	if _, err := Replay(t.Context(), r, Cluster{Depth: 3}); err != nil || len(r.fetched) > 0 {
		t.Error(err, r.fetched)
	}
	// What came so far is counted, whatever is in it.
	reading := &reading{source: &repository{fetch: func(context.Context, target.Entry) ([]byte, error) { return make([]byte, 600), nil }}, cluster: Cluster{Depth: 0, Downloads: 50}, into: &Repository{assets: map[string][]string{}}, left: 50, maxBytes: 1000}
	index, err := helmrepo.Parse([]byte(listing(50)))
	if err != nil {
		t.Fatal(err)
	}
	reading.replay = replay.New(index, replay.Options{})
	if err := reading.all(t.Context()); err != nil || reading.into.Downloads > 2+parallelism || len(reading.into.NotLookedAt)+reading.into.Downloads != 50 {
		t.Errorf("%v, %d, %d", err, reading.into.Downloads, len(reading.into.NotLookedAt))
	}
}

// Whatever ends it, what is known by then is in the result.
func TestReplayEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r := &repository{index: listing(3), fetch: func(ctx context.Context, entry target.Entry) ([]byte, error) {
		cancel(errors.New("enough"))
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	got, err := Replay(ctx, r, Cluster{Depth: 3, Downloads: 10})
	if err == nil || err.Error() != "enough" || len(got.Extensions) != 1 || len(got.NotLookedAt) != 3 || got.NotLookedAt[0].Reason != "enough" {
		t.Errorf("%v, %+v", err, got)
	}
}

// A relative address is resolved as the version of KubeSphere does.
func TestRelativeAddresses(t *testing.T) {
	for version, want := range map[string]string{
		"": "charts/a-1.0.0.tgz", "4.1.3": "charts/a-1.0.0.tgz", "v4.2.0": "charts/a-1.0.0.tgz",
		"4.1.2": "https://example.com/stable/charts/a-1.0.0.tgz",
	} {
		r := &repository{index: listing(1)}
		if _, err := Replay(t.Context(), r, Cluster{URL: "https://example.com/stable", KubeSphere: version, Depth: 3, Downloads: 1}); err != nil || r.fetched[0] != "a 1.0.0 "+want {
			t.Errorf("%s: %v, %v", version, err, r.fetched)
		}
	}
}

func TestPasswords(t *testing.T) {
	for address, want := range map[string]int{"https://example.com": 0, "https://user:secret@example.com": 1} {
		got, err := Replay(t.Context(), &repository{index: listing(0)}, Cluster{URL: address})
		if err != nil || len(got.Warnings) != want || strings.Contains(fmt.Sprintf("%+v", got), "secret") {
			t.Errorf("%v, %+v", err, got)
		}
	}
}

// hostile are answers of a repository that somebody made to do harm.
var hostile = map[string]string{
	"deep flow":        "apiVersion: v1\nentries: " + strings.Repeat("[", 100_000),
	"deep block":       "apiVersion: v1\nentries:\n  a:\n  - " + strings.Repeat("a: {", 20_000),
	"aliases":          "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\nentries: {a: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]}\napiVersion: v1\n",
	"no YAML":          "\x00\x01\x02",
	"a number":         "apiVersion: v1\nentries: 4\n",
	"names to obey":    "apiVersion: v1\nentries:\n  \"\\e[31m::error::\":\n  - name: \"\\e[31m::error::\"\n    version: \"1.0.0\\n::error::x\"\n    urls: [\"\\e]0;x\\a\"]\n",
	"many refusals":    "apiVersion: v1\nentries:\n  a:\n" + strings.Repeat("  - {name: a, version: 1.10}\n", 5_000),
	"many of one name": listing(3_000),
}

func TestHostileIndexes(t *testing.T) {
	soak.Long(t)
	for name, body := range hostile {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/index.yaml" {
					_, _ = w.Write([]byte(body))
					return
				}
				http.NotFound(w, r)
			}))
			defer server.Close()
			source, err := kscloud.New(kscloud.Options{RepositoryURL: server.URL, Transport: transport.New(transport.Options{Attempts: 1})})
			if err != nil {
				t.Fatal(err)
			}
			report := New(results.Tool{Name: "ksrelease"})
			if err := report.Run(t.Context(), nil, source, Cluster{URL: server.URL, Depth: 3, Downloads: 5}); err != nil {
				t.Fatal(err)
			}
			report.Count()
			text := report.Text(80).String()
			if !report.IsWrong() || !strings.Contains(text, "error: ") || strings.ContainsAny(text, "\x1b\x07") || regexp.MustCompile(`(?m)^::error`).MatchString(text) {
				t.Errorf("%.2000s", text)
			}
			if lines := strings.Count(text, "\n"); lines > 200 {
				t.Errorf("%d lines", lines)
			}
			if report.Repository.Downloads > 5 {
				t.Error(report.Repository.Downloads)
			}
		})
	}
}

// The table folds at the width of a terminal.
func TestText(t *testing.T) {
	r := &repository{index: "apiVersion: v1\nentries:\n  a-rather-long-name-of-an-extension:\n" +
		"  - {name: a-rather-long-name-of-an-extension, version: 1.0.0-beta.1, urls: [x]}\n" +
		"  - {name: a-rather-long-name-of-an-extension, version: 1.0.0-beta.2, urls: [x]}\n" +
		"  - {name: a-rather-long-name-of-an-extension, version: 1.0.0-beta.3, urls: [x]}\n" +
		"  - {name: a-rather-long-name-of-an-extension, version: 0.9.0, urls: [x]}\n"}
	report := New(results.Tool{})
	report.Checks = append(report.Checks, checks.Check{Name: checks.NameServer, Status: checks.Failed, Message: strings.Repeat("word ", 30), Hint: "do this"})
	var err error
	if report.Repository, err = Replay(t.Context(), r, Cluster{URL: "https://example.com", Depth: 3}); err != nil {
		t.Fatal(err)
	}
	report.Count()
	for _, columns := range []int{60, 80, 100, 120} {
		for line := range strings.SplitSeq(report.Text(columns).String(), "\n") {
			if len([]rune(line)) > columns {
				t.Errorf("%d columns: %s", columns, line)
			}
		}
	}
	text := strings.Join(strings.Fields(report.Text(0).String()), " ")
	for _, want := range []string{
		"a-rather-long-name-of-an-extension 1.0.0-beta.3, 1.0.0-beta.2, 1.0.0-beta.1 1.0.0-beta.3 1 beyond the depth; 3 not looked at; a pre-release is recommended; no stable version shown",
		"server failed word", "→ do this", "not looked at: 3 packages", "1 extension with 4 versions: 3 shown; 1 failed check, 2 warnings",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("without %q:\n%s", want, text)
		}
	}
	if !report.IsWrong() || report.Totals.NotLookedAt != 3 {
		t.Errorf("%+v", report.Totals)
	}
}

// Blank lines stand between parts, one at a time, whatever parts there are.
func TestBlankLines(t *testing.T) {
	for _, index := range []string{
		"apiVersion: v1\nentries: {}\n",
		"apiVersion: v1\nentries:\n  a:\n  - {name: a, version: 1.0.0, urls: [x], wheels: 4}\n",
		"apiVersion: v1\nentries:\n  a:\n  - {name: a, version: 1.10, urls: [x]}\n",
	} {
		report := New(results.Tool{})
		report.Checks = append(report.Checks, checks.Check{Name: "x", Message: "y"})
		var err error
		if report.Repository, err = Replay(t.Context(), &repository{index: index}, Cluster{URL: "https://example.com", Depth: 3}); err != nil {
			t.Fatal(err)
		}
		report.Count()
		if text := report.Text(0).String(); strings.Contains(text, "\n\n\n") || !strings.Contains(text, "\n\n") {
			t.Errorf("%s", text)
		}
	}
}

// No text of servers or files is printed as it is.
func TestRedact(t *testing.T) {
	r := &repository{index: "apiVersion: v1\nentries:\n  secret:\n  - {name: secret, version: 1.0.0, urls: [secret]}\n  - {name: other, version: 1.0.0-secret}\n", fetch: func(context.Context, target.Entry) ([]byte, error) {
		return nil, errors.New("secret")
	}}
	report := New(results.Tool{})
	report.Checks = append(report.Checks, checks.Check{Name: "x", Message: "secret", Hint: "secret"})
	var err error
	if report.Repository, err = Replay(t.Context(), r, Cluster{URL: "https://example.com/secret", Depth: 3, Downloads: 1}); err != nil {
		t.Fatal(err)
	}
	report.Repository.Error = &Failure{"secret", "secret"}
	report.Repository.Warnings = append(report.Repository.Warnings, "secret")
	report.Repository.NotLookedAt = append(report.Repository.NotLookedAt, NotLookedAt{"secret", "secret", "secret"})
	report.Redact(func(s string) string { return strings.ReplaceAll(s, "secret", "xxxxx") })
	report.Repository.assets = nil
	if text := fmt.Sprintf("%+v %+v %+v %s", report.Checks, *report.Repository, *report.Repository.Error, report.Text(0)); strings.Contains(text, "secret") {
		t.Error(text)
	}
}
