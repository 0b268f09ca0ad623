package previewing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/comparing"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/page"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/worker"
)

// shop is a target with one version of each extension, of which a test decides how it answers.
type shop struct {
	target.Target
	archive []byte
	asked   atomic.Int64
	most    atomic.Int64 // fetches at once
	now     atomic.Int64
	index   func(ctx context.Context) error
	fetch   func(ctx context.Context, name string) error
}

func (s *shop) Index(ctx context.Context) (target.Index, error) {
	s.asked.Add(1)
	if s.index != nil {
		if err := s.index(ctx); err != nil {
			return nil, err
		}
	}
	return shelf{}, nil
}

func (s *shop) Fetch(ctx context.Context, entry target.Entry) ([]byte, error) {
	s.asked.Add(1)
	now := s.now.Add(1)
	defer s.now.Add(-1)
	if now > s.most.Load() {
		s.most.Store(now)
	}
	if s.fetch != nil {
		if err := s.fetch(ctx, entry.Name); err != nil {
			return nil, err
		}
	}
	return s.archive, nil
}

func (s *shop) FetchAsset(context.Context, string) ([]byte, error) {
	return nil, errors.New("there are none")
}

type shelf struct{ target.Index }

func (shelf) Versions(context.Context, string) ([]string, error) { return []string{"1.0.0"}, nil }
func (shelf) Lookup(_ context.Context, name, version string) (target.Entry, bool, error) {
	return target.Entry{Name: name, Version: version}, version == "1.0.0", nil
}

// runOf is a result of so many extensions, and what makes its page.
func runOf(t *testing.T, extensions int, outcome results.Outcome, at *shop) (*results.Document, RunPage) {
	t.Helper()
	dir, finished := t.TempDir(), time.Now()
	r := &results.Document{Command: "run", Started: finished, Finished: &finished}
	c := &comparing.Comparison{
		Parallelism: 8, Examiner: worker.InProcess{},
		Resolve: func(_ context.Context, _ string, ext *extension.Extension) (*extension.Extension, error) {
			return ext, nil
		},
	}
	for i := range extensions {
		name := fmt.Sprintf("e%d", i)
		path := filepath.Join(dir, name)
		for file, text := range map[string]string{"extension.yaml": "name: " + name + "\nversion: 1.1.0\n", "values.yaml": "a: 1\n"} {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(path, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		c.Sources = append(c.Sources, config.Source{Path: path, Display: path})
		r.Extensions = append(r.Extensions, results.Extension{Name: name, Version: "1.1.0", Path: path, Outcome: outcome})
	}
	if at.archive == nil {
		at.archive = []byte("no archive")
	}
	a := &app.App{Env: func(string) (string, bool) { return "", false }, Stderr: output.New(io.Discard)}
	a.Redact.Add("s3cr3t-of-an-address")
	return r, RunPage{App: a, Published: at, With: c}
}

func pageOf(t *testing.T, ctx context.Context, r *results.Document, b RunPage) string {
	t.Helper()
	data, err := b.Page(ctx)(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A report is not waited for without end: when its time is over, or the run was interrupted, it has what is
// known, and says what it lacks.
func TestAPageIsNotWaitedFor(t *testing.T) {
	hang := func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }
	for name, at := range map[string]*shop{
		"the index":  {index: hang},
		"an archive": {fetch: func(ctx context.Context, _ string) error { return hang(ctx) }},
	} {
		synctest.Test(t, func(t *testing.T) {
			r, b := runOf(t, 3, results.Released, at)
			began := time.Now()
			html := pageOf(t, t.Context(), r, b)
			if took := time.Since(began); took != compareTime || strings.Count(html, page.NoTimeToCompare) == 0 {
				t.Errorf("%s: after %s there is no word of it", name, took)
			}
			ctx, interrupt := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, interrupt)
			began = time.Now()
			if html := pageOf(t, ctx, r, b); time.Since(began) != time.Second || !strings.Contains(html, page.EndedBeforeComparing) {
				t.Errorf("%s: it goes on for %s after an interrupt", name, time.Since(began))
			}
			asked := at.asked.Load()
			if html := pageOf(t, ctx, r, b); at.asked.Load() != asked || !strings.Contains(html, page.EndedBeforeComparing) {
				t.Errorf("%s: an interrupted run asks what is published", name)
			}
		})
	}
}

// What is there as it is here, and a run that only begins, ask nobody; of too many nothing is compared.
func TestAPageThatAsksNobody(t *testing.T) {
	at := &shop{}
	r, b := runOf(t, 2, results.Exists, at)
	if html := pageOf(t, t.Context(), r, b); !strings.Contains(html, page.SameAsPublished) {
		t.Error("there is no word of what is published")
	}
	r, b = runOf(t, 1, results.NotReached, at)
	r.Finished = nil
	pageOf(t, t.Context(), r, b)
	r, b = runOf(t, mostCompared+1, results.Planned, at)
	if html := pageOf(t, t.Context(), r, b); !strings.Contains(html, page.TooManyToCompare) {
		t.Error("there is no word of too many")
	}
	if n := at.asked.Load(); n > 0 {
		t.Errorf("%d requests were made", n)
	}
}

// What cannot be fetched is said of the extension that it is of, without secrets; the others are compared.
// Few are in memory at once.
func TestAPageOfWhatCannotBeFetched(t *testing.T) {
	at := &shop{archive: []byte("no archive"), fetch: func(_ context.Context, name string) error {
		time.Sleep(5 * time.Millisecond)
		if name == "e3" {
			return errors.New("503 from https://s3cr3t-of-an-address/")
		}
		return nil
	}}
	r, b := runOf(t, 20, results.Planned, at)
	html := pageOf(t, t.Context(), r, b)
	if !strings.Contains(html, "It could not be compared with the published version: ") || strings.Count(html, "503 from https://") == 0 || strings.Contains(html, "s3cr3t") {
		t.Error("the error is not on the page, or not without what is secret")
	}
	if n, most := at.asked.Load(), at.most.Load(); n != 21 || most > compareAtOnce || most < 2 {
		t.Errorf("%d requests, %d at once", n, most)
	}
	at.index = func(context.Context) error { return errors.New("502 Bad Gateway") }
	if html := pageOf(t, t.Context(), r, b); !strings.Contains(html, "What is published could not be asked: 502 Bad Gateway") {
		t.Error("there is no word of an index that cannot be read")
	}
}
