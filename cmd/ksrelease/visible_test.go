package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/kscloud"
	"github.com/ksrelease/ksrelease/internal/testutil/memnet"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/transport"
	"github.com/ksrelease/ksrelease/pipeline"
)

// Promise P9: verified means visible. A release is sent into a Helm repository
// that misbehaves by a random schedule. What the repository showed and served
// at any time follows from the schedule alone, and is held against what the
// run said, to the instant.

// schedule says what holds from which time on, counted from the start of the
// run; before the first entry all is as it should be.
type schedule []spell

type spell struct {
	from time.Duration
	what string
}

const right = "right"

func (s schedule) at(t time.Duration) (what string, since time.Duration) {
	what = right
	for _, x := range s {
		if x.from <= t {
			what, since = x.what, x.from
		}
	}
	return what, since
}

func (s schedule) String() string {
	var parts []string
	for _, x := range s {
		parts = append(parts, fmt.Sprintf("%s %s", x.from, x.what))
	}
	return strings.Join(parts, ", ")
}

// What may be wrong with the index as a whole. Those that are tried again, or
// keep a client waiting, end in "…".
var indexFaults = []string{
	"frozen", "empty", "page", "junk", "cut YAML", "no apiVersion", "other shape", "404", "403", "without entries",
	"a text for a list elsewhere", "a number for a version elsewhere", "an unknown field elsewhere",
	"500…", "503 in 20 s…", "429 on a date…", "hang…", "reset…", "cut…",
}

// What may be wrong with the entry of an extension.
var entryFaults = []string{
	"absent", "other version", "wrong digest", "digest of what was sent", "no digest", "digest with algorithm",
	"relative URL", "relative to the repository", "other host", "host that has nothing", "second URL", "no URL", "oci URL", "listed twice", "listed twice, the last wrong",
	"another name of its own",
}

// What may be wrong with what its URL serves.
var archiveFaults = []string{
	"packed anew", "tampered", "other extension", "version before", "half", "junk", "page", "404", "unloadable",
	"500…", "hang…", "reset…",
}

// What may be wrong with asking for the review.
var reviewFaults = []string{"500", "404 page"}

// visit is a release into such a repository.
type visit struct {
	base     string // path of the repository on its host
	etag     bool
	latency  time.Duration // of each answer, which shows what was there when it was asked
	index    schedule
	subjects []subject
	stop     time.Duration // an interrupt; 0 is none
}

// subject is one extension of it.
type subject struct {
	which   int // of the samples
	timeout time.Duration
	active  bool // verify.until
	entry   schedule
	archive schedule
	review  schedule // "right" is submitted; at the end a verdict
}

func (v visit) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  repository at %q, etag %v, latency %s, interrupt after %s\n  index: %s", v.base, v.etag, v.latency, v.stop, v.index)
	for i, s := range v.subjects {
		fmt.Fprintf(&b, "\n  %s, timeout %s, until active %v\n    entry: %s\n    archive: %s\n    review: %s", v.name(i), s.timeout, s.active, s.entry, s.archive, s.review)
	}
	return b.String()
}

func (v visit) name(i int) string { return samples[v.subjects[i].which].name }

// samples are the extensions of all visits; the last one needs the first.
var samples = []struct{ name, needs string }{{name: "alc"}, {name: "bar"}, {name: "cat", needs: "alc"}}

// drawVisit makes a random one.
func drawVisit(random *rand.Rand) visit {
	v := visit{base: []string{"", "/helm"}[random.IntN(2)], etag: random.IntN(2) == 0}
	calm := random.IntN(2) == 0 // nothing that takes time
	if !calm && random.IntN(3) == 0 {
		v.latency = time.Duration(random.IntN(4000)) * time.Millisecond
	}
	if random.IntN(12) == 0 {
		v.stop = time.Duration(1+random.IntN(400)) * time.Second
	}
	v.index = drawSchedule(random, indexFaults, calm, 6)
	for which := range samples {
		if which > 0 && random.IntN(3) > 0 {
			continue
		}
		s := subject{which: which, timeout: []time.Duration{5 * time.Minute, time.Minute, 17 * time.Minute}[random.IntN(3)], active: random.IntN(3) == 0}
		s.entry = drawSchedule(random, entryFaults, calm, 4)
		s.archive = drawSchedule(random, archiveFaults, calm, 3)
		if s.active {
			s.review = drawSchedule(random, reviewFaults, calm, 3)
			verdict := time.Duration(random.IntN(400_000)) * time.Millisecond
			if len(s.review) > 0 {
				verdict += s.review[len(s.review)-1].from
			}
			s.review = append(s.review, spell{verdict, []string{"active", "active", "active", "rejected", "draft", "gone", right}[random.IntN(7)]})
		}
		v.subjects = append(v.subjects, s)
	}
	return v
}

func drawSchedule(random *rand.Rand, faults []string, calm bool, most int) schedule {
	var s schedule
	at := time.Duration(1+random.IntN(3000)) * time.Millisecond // the plan comes first
	for range random.IntN(most) {
		what := faults[random.IntN(len(faults))]
		for calm && strings.HasSuffix(what, "…") {
			what = faults[random.IntN(len(faults))]
		}
		s = append(s, spell{at, what})
		at += time.Duration(random.ExpFloat64() * float64(40*time.Second))
		if random.IntN(3) > 0 {
			s = append(s, spell{at, right})
			at += time.Duration(random.ExpFloat64() * float64(60*time.Second))
		}
	}
	if len(s) > 0 && random.IntN(4) > 0 {
		s = append(s, spell{at, right})
	}
	return s
}

// showcase is the marketplace and the Helm repository of a visit.
type showcase struct {
	visit
	samples *sampleFiles
	start   time.Time

	mu      sync.Mutex
	drafts  map[string]*extension.Package
	sent    map[string]delivery
	answers []showing
}

// delivery is a package that was submitted, and when.
type delivery struct {
	pkg *extension.Package
	at  time.Duration
}

// showing is the record of one answer.
type showing struct {
	name              string // of the extension whose archive it is; empty for the index
	arrived, finished time.Duration
	retried           bool // it says nothing, and is asked for again
}

func (s *showcase) now() time.Duration { return time.Since(s.start) }

// The marketplace.

func (s *showcase) AssetURLs(ctx context.Context, name, version string, assets []extension.Asset) ([]string, bool, error) {
	urls, err := s.UploadAssets(ctx, name, version, assets)
	return urls, false, err
}

func (s *showcase) UploadAssets(_ context.Context, name, version string, assets []extension.Asset) (urls []string, err error) {
	for _, a := range assets {
		urls = append(urls, "http://market.example/files/usr-1/"+name+"/"+version+"/"+a.RemoteName)
	}
	return urls, nil
}

func (s *showcase) Publish(_ context.Context, pkg *extension.Package) (target.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drafts[pkg.Name] = pkg
	return target.Snapshot{ID: pkg.Name, Status: target.StatusDraft}, nil
}

func (s *showcase) Submit(_ context.Context, id, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent[id] = delivery{s.drafts[id], s.now()}
	return nil
}

func (s *showcase) Snapshot(_ context.Context, name, _ string) (target.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.sent[name]; !ok {
		return target.Snapshot{}, nil
	}
	switch what, _ := s.subject(name).review.at(s.now()); what {
	case right:
		return target.Snapshot{ID: name, Status: target.StatusSubmitted}, nil
	case "500", "404 page":
		return target.Snapshot{}, errors.New(what)
	case "gone":
		return target.Snapshot{}, nil
	default:
		return target.Snapshot{ID: name, Status: what}, nil
	}
}

func (s *showcase) subject(name string) subject {
	return s.subjects[slices.IndexFunc(s.subjects, func(x subject) bool { return samples[x.which].name == name })]
}

// The repository.

func (s *showcase) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived := s.now()
	what, name, body := s.answer(r, arrived)
	if s.latency > 0 && !graceful.Sleep(r.Context(), s.latency) {
		return
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.answers = append(s.answers, showing{name, arrived, s.now(), strings.HasSuffix(what, "…")})
	}()
	switch what {
	case right, "frozen":
		s.write(w, r, body)
	case "404", "403", "500…":
		code := map[string]int{"404": 404, "403": 403, "500…": 500}[what]
		w.WriteHeader(code)
	case "503 in 20 s…":
		w.Header().Set("Retry-After", "20")
		w.WriteHeader(503)
	case "429 on a date…":
		w.Header().Set("Retry-After", time.Now().Add(20*time.Second).UTC().Format(http.TimeFormat))
		w.WriteHeader(429)
	case "hang…":
		<-r.Context().Done()
	case "reset…":
		panic(http.ErrAbortHandler)
	case "cut…":
		w.Header().Set("Content-Length", fmt.Sprint(len(body)+1))
		_, _ = w.Write(body)
	case "page":
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Please log in</title>")
	case "empty":
	case "junk":
		_, _ = io.WriteString(w, "\x1f\x8b what is this?\n\t[")
	case "cut YAML":
		_, _ = w.Write(body[:bytes.IndexByte(body, '}')]) // within the first entry
	case "no apiVersion":
		_, _ = w.Write(bytes.TrimPrefix(body, []byte("apiVersion: v1\n")))
	case "other shape":
		_, _ = io.WriteString(w, `{"apiVersion": "v1", "entries": ["alc"]}`)
	case "without entries":
		_, _ = io.WriteString(w, "apiVersion: v1\nentries: {}\n")
	case "a text for a list elsewhere":
		_, _ = w.Write(append(body, "  zoo:\n  - {name: zoo, version: 1.0.0, keywords: db}\n"...))
	case "a number for a version elsewhere":
		_, _ = w.Write(append(body, "  zoo:\n  - name: zoo\n    version: 1.10\n"...))
	case "an unknown field elsewhere":
		_, _ = w.Write(append(body, "  zoo:\n  - {name: zoo, version: 1.0.0, wheels: 4}\n"...))
	default:
		_, _ = w.Write(body)
	}
}

// write answers with an index or archive, with 304 where that is asked for.
func (s *showcase) write(w http.ResponseWriter, r *http.Request, body []byte) {
	if sum := sha256.Sum256(body); s.etag {
		tag := fmt.Sprintf("%q", hex.EncodeToString(sum[:8]))
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	_, _ = w.Write(body)
}

// answer is what the repository has for a request: what is wrong with it, for
// which extension, and the body.
func (s *showcase) answer(r *http.Request, now time.Duration) (what, name string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Host == "repo.example" && r.URL.Path == s.base+"/index.yaml" {
		what, since := s.index.at(now)
		if what == "frozen" {
			return what, "", s.list(since)
		}
		return what, "", s.list(now)
	}
	name, ok := strings.CutSuffix(filepath.Base(r.URL.Path), ".tgz")
	served := r.Host == "repo.example" && (r.URL.Path == "/charts/"+name+".tgz" || r.URL.Path == s.base+"/pkgs/"+name+".tgz") ||
		r.Host == "elsewhere.example" && r.URL.Path == "/x/"+name+".tgz"
	d, there := s.sent[name]
	if !ok || !served || !there {
		return "404", name, nil
	}
	what, _ = s.subject(name).archive.at(now)
	return what, name, s.samples.archive(d.pkg, what)
}

// list writes the index as it is at a time.
func (s *showcase) list(at time.Duration) []byte {
	var b bytes.Buffer
	b.WriteString("apiVersion: v1\nentries:\n  other:\n  - {name: other, version: 1.0.0, urls: [charts/other.tgz]}\n")
	for _, subject := range s.subjects {
		name := samples[subject.which].name
		d, ok := s.sent[name]
		what, _ := subject.entry.at(at)
		if !ok || d.at > at || what == "absent" {
			continue
		}
		archive, _ := subject.archive.at(at)
		served := s.samples.digest(d.pkg, archive)
		entry := func(version, digest string, urls ...string) {
			fmt.Fprintf(&b, "  - name: %s\n    version: %q\n    digest: %q\n    annotations: {%s: %q}\n    urls: [%s]\n",
				name, version, digest, extension.ContentDigestAnnotation, d.pkg.ContentDigest, strings.Join(urls, ", "))
		}
		url := "http://repo.example/charts/" + name + ".tgz"
		fmt.Fprintf(&b, "  %s:\n", name)
		switch what {
		case "other version":
			entry("1.0.1", served, url)
			entry("v1.0.0", served, url)
			entry("1.0", served, url)
		case "wrong digest":
			entry("1.0.0", strings.Repeat("0", 64), url)
		case "digest of what was sent":
			entry("1.0.0", s.samples.digest(d.pkg, right), url)
		case "no digest":
			entry("1.0.0", "", url)
		case "digest with algorithm":
			entry("1.0.0", "sha256:"+served, url)
		case "relative URL":
			entry("1.0.0", served, "charts/"+name+".tgz")
		case "relative to the repository":
			entry("1.0.0", served, "pkgs/"+name+".tgz")
		case "other host":
			entry("1.0.0", served, "http://elsewhere.example/x/"+name+".tgz")
		case "host that has nothing":
			entry("1.0.0", served, "http://nowhere.example/x/"+name+".tgz", url)
		case "second URL":
			entry("1.0.0", served, "http://repo.example/none/"+name+".tgz", url)
		case "no URL":
			entry("1.0.0", served)
		case "oci URL":
			entry("1.0.0", served, "oci://repo.example/charts/"+name)
		case "listed twice":
			entry("1.0.0", strings.Repeat("0", 64), url)
			entry("1.0.0", served, url)
		case "listed twice, the last wrong":
			entry("1.0.0", served, url)
			entry("1.0.0", strings.Repeat("0", 64), url)
		case "another name of its own":
			entry("1.0.0", served, url)
			text := bytes.ReplaceAll(b.Bytes(), []byte("- name: "+name+"\n"), []byte("- name: another\n"))
			b.Reset()
			b.Write(text)
		default:
			entry("1.0.0", served, url)
		}
	}
	return b.Bytes()
}

// visible is the truth: the index as it is at one time shows the version, and
// its URL serves at another the very content that was sent. KubeSphere takes
// the last entry of a version and its first URL, and a relative one from the root
// of the host, whatever the path of the repository; and all of an index or nothing.
func (s *showcase) visible(name string, index, archive time.Duration) bool {
	whole, since := s.index.at(index)
	switch whole {
	case right, "an unknown field elsewhere": // which KubeSphere passes over
	case "frozen":
		index = since
	default:
		return false
	}
	d, sent := s.sent[name]
	if !sent || d.at > index {
		return false
	}
	subject := s.subject(name)
	served, _ := subject.archive.at(archive)
	if served != right && served != "packed anew" {
		return false
	}
	then, _ := subject.archive.at(index)
	asListed := s.samples.digest(d.pkg, then) == s.samples.digest(d.pkg, served)
	switch what, _ := subject.entry.at(index); what {
	case right, "digest with algorithm", "relative URL", "other host", "listed twice":
		return asListed
	case "relative to the repository":
		return asListed && s.base == ""
	case "digest of what was sent":
		return served == right
	case "no digest":
		return true
	}
	return false
}

// sampleFiles are the extensions on disk, and the forms of their packages.
type sampleFiles struct {
	t       *testing.T
	sources []config.Source

	mu      sync.Mutex
	forms   map[string][]byte // by digest of the package and what is wrong
	digests map[string]string
}

func writeSamples(t *testing.T) *sampleFiles {
	dir := memoryDir(t)
	f := &sampleFiles{t: t, forms: map[string][]byte{}, digests: map[string]string{}}
	defaults := config.Default(dir).Defaults
	defaults.Lint.Rules = map[string]config.Severity{}
	for _, rule := range lint.Rules() {
		if rule.Name != "chart" {
			defaults.Lint.Rules[rule.Name] = config.Off // they have no part in this
		}
	}
	for _, sample := range samples {
		yaml := "apiVersion: kubesphere.io/v1alpha1\nname: " + sample.name + "\nversion: 1.0.0\ncategory: x\nicon: icon.svg\n"
		if sample.needs != "" {
			yaml += "externalDependencies: [{name: " + sample.needs + ", type: extension, version: '*', required: true}]\n"
		}
		path := filepath.Join(dir, sample.name)
		for name, text := range map[string]string{"extension.yaml": yaml, "icon.svg": "<svg/>", "values.yaml": "{}\n"} {
			if err := errors.Join(os.MkdirAll(path, 0o755), os.WriteFile(filepath.Join(path, name), []byte(text), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		f.sources = append(f.sources, config.Source{Path: path, Display: sample.name, Settings: defaults})
	}
	return f
}

// archive is what is served in place of a package.
func (f *sampleFiles) archive(pkg *extension.Package, what string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := pkg.Digest + " " + what
	if f.forms[key] == nil {
		f.forms[key] = f.make(pkg, what)
	}
	return f.forms[key]
}

func (f *sampleFiles) make(pkg *extension.Package, what string) []byte {
	change := func(file string, edit func([]byte) []byte) []byte {
		return rewrite(f.t, pkg.Data, func(name string, data []byte) []byte {
			if _, base, _ := strings.Cut(name, "/"); base == file {
				return edit(data)
			}
			return data
		})
	}
	swap := func(old, new string) func([]byte) []byte {
		return func(data []byte) []byte { return bytes.ReplaceAll(data, []byte(old), []byte(new)) }
	}
	switch what {
	case "packed anew":
		unzipped, err := gzip.NewReader(bytes.NewReader(pkg.Data))
		if err != nil {
			f.t.Fatal(err)
		}
		var b bytes.Buffer
		zipped, _ := gzip.NewWriterLevel(&b, gzip.NoCompression)
		if _, err := io.Copy(zipped, unzipped); err != nil {
			f.t.Fatal(err)
		}
		if err := zipped.Close(); err != nil {
			f.t.Fatal(err)
		}
		return b.Bytes()
	case "tampered":
		return change("values.yaml", func([]byte) []byte { return []byte("image: evil\n") })
	case "other extension":
		return change("Chart.yaml", swap("name: "+pkg.Name, "name: other"))
	case "version before":
		return change("Chart.yaml", swap("1.0.0", "0.9.0"))
	case "unloadable":
		return change("Chart.yaml", func([]byte) []byte { return []byte("name: [\n") })
	case "half":
		return pkg.Data[:len(pkg.Data)/2]
	}
	return pkg.Data // or nothing of it is served
}

func (f *sampleFiles) digest(pkg *extension.Package, what string) string {
	data := f.archive(pkg, what)
	f.mu.Lock()
	defer f.mu.Unlock()
	key := pkg.Digest + " " + what
	if f.digests[key] == "" {
		sum := sha256.Sum256(data)
		f.digests[key] = hex.EncodeToString(sum[:])
	}
	return f.digests[key]
}

// The trial.

// ending is what a run said of an extension, and when.
type ending struct {
	outcome  results.Outcome
	reason   string
	verified time.Duration // when verify began
	at       time.Duration
}

// tried makes the visit in a bubble of fake time.
func (v visit) tried(t *testing.T, files *sampleFiles) (endings map[string]ending, err error) {
	synctest.Test(t, func(t *testing.T) { endings, err = v.try(t, files) })
	return endings, err
}

func (v visit) try(t *testing.T, files *sampleFiles) (map[string]ending, error) {
	s := &showcase{visit: v, samples: files, start: time.Now(), drafts: map[string]*extension.Package{}, sent: map[string]delivery{}}
	web := transport.New(transport.Options{Dial: memnet.Serve(t, s).Dial, Proxy: noProxy})
	defer web.Close()
	repo, err := kscloud.New(kscloud.Options{RepositoryURL: "http://repo.example" + v.base, Transport: web})
	if err != nil {
		return nil, err
	}
	stop, interrupt := context.WithCancelCause(t.Context())
	defer interrupt(nil)
	if v.stop > 0 {
		time.AfterFunc(v.stop, func() { interrupt(errors.New("interrupted")) })
	}
	endings := map[string]ending{}
	options := pipeline.Options{
		Targets: []target.Place{target.Marketplace(shown{s, repo})}, Parallelism: 8,
		Observer: results.ObserverFunc(func(e results.Event) {
			switch {
			case e.Kind == results.EventStageStarted && e.Stage == results.StageVerify && !e.Planning:
				endings[e.Extension.Name] = ending{verified: s.now()}
			case e.Kind == results.EventEnded:
				endings[e.Extension.Name] = ending{e.Extension.Outcome, e.Extension.Reason, endings[e.Extension.Name].verified, s.now()}
			}
		}),
	}
	for _, x := range v.subjects {
		source := files.sources[x.which]
		source.Settings.Verify.Timeout = x.timeout
		if x.active {
			source.Settings.Verify.Until = config.UntilActive
		}
		options.Sources = append(options.Sources, source)
	}
	ctx, done := graceful.With(stop, t.Context())
	defer done()
	if _, err := pipeline.New(options).Do(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range v.subjects {
		if err := s.judge(v.name(i), endings); err != nil {
			return nil, fmt.Errorf("%s: %w", v.name(i), err)
		}
	}
	return endings, nil
}

// shown is the marketplace of a showcase with the Helm repository as the program reads it.
type shown struct {
	*showcase
	repo *kscloud.Target
}

func (s shown) Index(ctx context.Context) (target.Index, error) { return s.repo.Index(ctx) }

func (s shown) Fetch(ctx context.Context, e target.Entry) ([]byte, error) {
	return s.repo.Fetch(ctx, e)
}

func (s shown) FetchAsset(ctx context.Context, address string) ([]byte, error) {
	return s.repo.FetchAsset(ctx, address)
}

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

// isCalm says that nothing in the visit takes time but the schedules.
func (v visit) isCalm() bool { return v.latency == 0 && !strings.Contains(v.String(), "…") }

// judge holds what was said of an extension against the truth.
func (s *showcase) judge(name string, endings map[string]ending) error {
	subject, said := s.subject(name), endings[name]
	review, _ := subject.review.at(said.at)
	interrupted := s.stop > 0 && said.at >= s.stop
	if needs := samples[subject.which].needs; needs != "" && !slices.Contains([]results.Outcome{results.Released, results.Drift}, endings[needs].outcome) {
		if said.outcome != results.Blocked && !(interrupted && said.outcome == results.NotReached) {
			return fmt.Errorf("%s, though %s is %s", said.outcome, needs, endings[needs].outcome)
		}
		return nil
	}
	due := said.verified + subject.timeout
	if s.stop > 0 {
		due = min(due, max(s.stop, said.verified))
	}
	switch said.outcome {
	case results.Released:
		if said.at > due {
			return fmt.Errorf("released at %s, after its time was up at %s", said.at, due)
		}
		if subject.active && review != "active" {
			return fmt.Errorf("released at %s, while the review says %s", said.at, review)
		}
		return s.wasVisible(name, said.at)
	case results.Drift: // at the last look, all fitted together but the content
		found := false
		for i, x := range subject.archive {
			gone := i+1 < len(subject.archive) && subject.archive[i+1].from < said.at-16*time.Second
			found = found || x.what == "tampered" && !(gone && s.isCalm())
		}
		if !found {
			return fmt.Errorf("drift at %s, while the archive is that of %s", said.at, subject.archive)
		}
		if said.at != due || interrupted {
			return fmt.Errorf("drift at %s, and due at %s (%s)", said.at, due, said.reason)
		}
		return s.wasHidden(name, said)
	case results.Unverified:
		if said.at != due {
			return fmt.Errorf("unverified at %s, and due at %s (%s)", said.at, due, said.reason)
		}
		return s.wasHidden(name, said)
	case results.Failed:
		if !subject.active || !slices.Contains([]string{"rejected", "draft", "gone"}, review) {
			return fmt.Errorf("failed at %s: %s", said.at, said.reason)
		}
		return nil
	case results.NotReached:
		if _, sent := s.sent[name]; !interrupted || sent {
			return fmt.Errorf("not reached at %s: %s", said.at, said.reason)
		}
		return nil
	}
	return fmt.Errorf("%s: %s", said.outcome, said.reason)
}

// wasVisible says that a release that was told at a time was one. Where nothing
// takes time the truth of that very moment counts. Otherwise it is that of the
// archive when it was asked for, and of an index that is no more than 15 s old,
// against which no newer one speaks.
func (s *showcase) wasVisible(name string, told time.Duration) error {
	if s.isCalm() {
		if !s.visible(name, told, told) {
			return fmt.Errorf("released at %s, when it was not visible", told)
		}
		return nil
	}
	var archive time.Duration
	for _, a := range s.answers {
		if a.name == name && a.finished <= told {
			archive = max(archive, a.arrived)
		}
	}
	found := false
	for _, a := range s.answers {
		if a.name != "" || a.retried || a.finished > told || a.arrived < told-15*time.Second {
			continue
		}
		showed := s.visible(name, a.arrived, archive)
		found = found || showed
		if a.finished < told {
			found = showed // what came before is outdated
		}
	}
	if !found {
		return fmt.Errorf("released at %s, when it was not visible: archive asked for at %s", told, archive)
	}
	return nil
}

// wasHidden says that one that was not seen could not have been seen: at no
// time was it visible for so long that somebody who looks every 15 s must meet
// it, and one whose request hangs for 30 s before it is tried again.
func (s *showcase) wasHidden(name string, said ending) error {
	long := 16 * time.Second
	if !s.isCalm() {
		long = 75*time.Second + 4*s.latency
	}
	subject := s.subject(name)
	bounds := []time.Duration{said.verified, said.at}
	for _, schedule := range []schedule{s.index, subject.entry, subject.archive, subject.review} {
		for _, x := range schedule {
			if x.from > said.verified && x.from < said.at {
				bounds = append(bounds, x.from)
			}
		}
	}
	slices.Sort(bounds)
	since := said.verified
	for i, at := range bounds {
		review, _ := subject.review.at(at)
		if i == len(bounds)-1 || !s.visible(name, at, at) || subject.active && review != "active" {
			if at-since >= long {
				return fmt.Errorf("unverified at %s, but visible from %s to %s (%s)", said.at, since, at, said.reason)
			}
			if i+1 < len(bounds) {
				since = bounds[i+1]
			}
		}
	}
	return nil
}

// smaller are the visits with one thing less.
func (v visit) smaller() []visit {
	var all []visit
	add := func(change func(*visit)) {
		s := v
		s.subjects = slices.Clone(v.subjects)
		change(&s)
		all = append(all, s)
	}
	without := func(s schedule, at int) schedule { return slices.Delete(slices.Clone(s), at, at+1) }
	for i, x := range v.subjects {
		if i > 0 {
			add(func(s *visit) { s.subjects = slices.Delete(s.subjects, i, i+1) })
		}
		for j := range x.entry {
			add(func(s *visit) { s.subjects[i].entry = without(x.entry, j) })
		}
		for j := range x.archive {
			add(func(s *visit) { s.subjects[i].archive = without(x.archive, j) })
		}
		for j := range x.review {
			add(func(s *visit) { s.subjects[i].review = without(x.review, j) })
		}
		if x.active {
			add(func(s *visit) { s.subjects[i].active, s.subjects[i].review = false, nil })
		}
	}
	for j := range v.index {
		add(func(s *visit) { s.index = without(v.index, j) })
	}
	if v.stop > 0 {
		add(func(s *visit) { s.stop = 0 })
	}
	if v.latency > 0 {
		add(func(s *visit) { s.latency = 0 })
	}
	if v.etag || v.base != "" {
		add(func(s *visit) { s.etag, s.base = false, "" })
	}
	return all
}

func TestReleasedMeansVisible(t *testing.T) {
	short := 300
	if testing.Short() {
		short = 60
	}
	cases := soak.Cases(t, short, 10_000)
	files := writeSamples(t)
	outcomes := map[results.Outcome]int{}
	calm := 0
	for i := range cases {
		v := drawVisit(rand.New(rand.NewPCG(9, uint64(i))))
		endings, err := v.tried(t, files)
		if err != nil {
			fails := func(v visit) bool { _, err := v.tried(t, files); return err != nil }
			for at := 0; at >= 0; {
				if at = slices.IndexFunc(v.smaller(), fails); at >= 0 {
					v = v.smaller()[at]
				}
			}
			_, err = v.tried(t, files)
			t.Fatalf("visit %d, made smaller: %v\n%s", i, err, v)
		}
		for _, e := range endings {
			outcomes[e.outcome]++
		}
		if v.isCalm() {
			calm++
		}
	}
	t.Logf("%d runs, %d of them judged to the instant; outcomes %v", cases, calm, outcomes)
	for _, o := range []results.Outcome{results.Released, results.Drift, results.Unverified, results.Failed, results.Blocked} {
		if outcomes[o] == 0 {
			t.Errorf("no run has led to %s", o)
		}
	}
}
