package mirror

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/imageref"
	"github.com/ksrelease/ksrelease/internal/images/presence"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

func newClient() *registry.Client {
	return registry.New(registry.Options{Transport: transport.New(transport.Options{FirstWait: time.Millisecond, LongestWait: 10 * time.Millisecond})})
}

func parse(tb testing.TB, image string) imageref.Ref {
	tb.Helper()
	ref, err := imageref.Parse(image)
	if err != nil {
		tb.Fatal(err)
	}
	return ref
}

// counting is a registry behind a proxy that counts requests.
type counting struct {
	host string
	mu   sync.Mutex
	seen []string // METHOD PATH
	// fault may answer a request in place of the registry.
	fault func(w http.ResponseWriter, r *http.Request) bool
	// stored gets the path of each blob whose upload the registry has answered; it may be nil.
	stored chan string
}

func count(tb testing.TB, to *registrytest.Registry) *counting {
	tb.Helper()
	c := &counting{}
	c.host = registrytest.Proxy(tb, to, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.mu.Lock()
			if r.URL.Path != "/v2/" {
				c.seen = append(c.seen, r.Method+" "+r.URL.Path)
			}
			fault := c.fault
			c.mu.Unlock()
			if fault != nil && fault(w, r) {
				return
			}
			next.ServeHTTP(w, r)
			if c.stored != nil && isBlobPut(r) {
				c.stored <- r.URL.Path
			}
		})
	})
	return c
}

func isBlobPut(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/")
}

// take gives what was requested since the last call.
func (c *counting) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = nil
	return seen
}

func heads(seen []string) (n int) {
	for _, request := range seen {
		if strings.HasPrefix(request, "HEAD ") && strings.Contains(request, "/manifests/") {
			n++
		}
	}
	return n
}

func tasks(tb testing.TB, d Destination, images ...string) []Task {
	tb.Helper()
	var refs []imageref.Ref
	for _, image := range images {
		refs = append(refs, parse(tb, image))
	}
	all, err := d.Tasks(refs)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func copyAll(ctx context.Context, m *Mirror, all []Task) []Result {
	results := make([]Result, len(all))
	var wait sync.WaitGroup
	for i, task := range all {
		wait.Go(func() { results[i] = m.Copy(ctx, task, nil) })
	}
	wait.Wait()
	return results
}

func newMirror(tb testing.TB) *Mirror {
	client := newClient()
	return &Mirror{Registries: client, Asker: &presence.Asker{Registries: client, Known: &presence.Known{Dir: filepath.Join(tb.TempDir(), "known")}}, Parallelism: 8}
}

// Of 40 images of which the mirror has 38, two are copied, and each of the others costs one HEAD,
// be it an index or not.
func TestWhatIsThereCostsOneHead(t *testing.T) {
	from, to := count(t, registrytest.Start(t, registrytest.Options{})), count(t, registrytest.Start(t, registrytest.Options{}))
	client := newClient()
	var images []string
	var pushes sync.WaitGroup
	for i := range 40 {
		image := fmt.Sprintf("%s/x/image-%d:1", from.host, i)
		var platforms []string
		if i%2 == 0 {
			platforms = []string{"linux/amd64", "linux/arm64"}
		}
		pushes.Go(func() { registrytest.PushImage(t, client, image, fmt.Sprintf("content %d", i), platforms...) })
		images = append(images, image)
	}
	pushes.Wait()
	if t.Failed() {
		return
	}
	all := tasks(t, Destination{To: to.host + "/mirror"}, images...)
	for _, r := range copyAll(t.Context(), newMirror(t), all[:38]) {
		if r.State != Copied || r.Err != nil || r.Sent == 0 {
			t.Fatalf("%s: %s, %d sent (%v)", r.From, r.State, r.Sent, r.Err)
		}
	}
	from.take()
	to.take()

	results := copyAll(t.Context(), newMirror(t), all)
	states := map[State]int{}
	for _, r := range results {
		states[r.State]++
	}
	if states[Copied] != 2 || states[There] != 38 {
		t.Fatalf("states are %v", states)
	}
	asked, sent := from.take(), to.take()
	ofNew := func(request string) bool {
		return strings.Contains(request, "/image-38/") || strings.Contains(request, "/image-39/")
	}
	if others := slices.DeleteFunc(slices.Clone(asked), ofNew); len(others) > 0 {
		t.Errorf("where images come from, those that are there were asked for: %q", others)
	}
	others := slices.DeleteFunc(slices.Clone(sent), ofNew)
	if len(others) != 38 || heads(others) != 38 {
		t.Errorf("38 images that are there cost %d requests, %d of them HEADs of manifests: %q", len(others), heads(others), others)
	}

	// All are there: 40 HEADs, and nothing else.
	for _, r := range copyAll(t.Context(), newMirror(t), all) {
		if r.State != There {
			t.Errorf("%s: %s", r.From, r.State)
		}
	}
	if asked, sent := from.take(), to.take(); len(asked) != 0 || len(sent) != 40 || heads(sent) != 40 {
		t.Errorf("40 images that are there cost %q and %q", asked, sent)
	}
}

// Narrowed to a platform, what is there costs one HEAD too, once the platforms of its digest are known.
func TestWhatIsThereForPlatforms(t *testing.T) {
	from, to := count(t, registrytest.Start(t, registrytest.Options{})), count(t, registrytest.Start(t, registrytest.Options{}))
	client := newClient()
	both, one := from.host+"/x/both:1", from.host+"/x/one:1"
	registrytest.PushImage(t, client, both, "both", "linux/amd64", "linux/arm64")
	registrytest.PushImage(t, client, one, "one")
	m := newMirror(t)
	known := m.Asker.Known
	again := func(platforms ...string) []Result {
		client := newClient()
		m := &Mirror{Registries: client, Asker: &presence.Asker{Registries: client, Known: known}}
		from.take()
		to.take()
		return copyAll(t.Context(), m, tasks(t, Destination{To: to.host, Platforms: platforms}, both, one))
	}
	platformsOf := func(image string) string {
		t.Helper()
		all, _, err := newClient().Platforms(t.Context(), registry.OfImage(parse(t, image)))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, p := range all {
			names = append(names, p.Name)
		}
		return strings.Join(names, " ")
	}
	for _, r := range again("linux/amd64") {
		if r.State != Copied {
			t.Fatalf("%s: %s (%v)", r.From, r.State, r.Err)
		}
	}
	if got := platformsOf(to.host + "/x/both:1"); got != "linux/amd64" {
		t.Errorf("narrowed to linux/amd64 it is for %s", got)
	}
	again("linux/amd64") // the platform of the one without an index is not known yet
	for _, r := range again("linux/amd64") {
		if r.State != There {
			t.Errorf("%s: %s", r.From, r.State)
		}
	}
	if asked, sent := from.take(), to.take(); len(asked) != 0 || len(sent) != 2 || heads(sent) != 2 {
		t.Errorf("what is there costs %q and %q", asked, sent)
	}
	// A platform more: the one that has it is replaced, the other one has none where it comes from.
	results := again("linux/amd64", "linux/arm64")
	if results[0].State != Replaced || results[0].Was == "" || results[1].State != There || !slices.Equal(results[1].Lacks, []string{"linux/arm64"}) {
		t.Errorf("with another platform: %+v", results)
	}
	if got := platformsOf(to.host + "/x/both:1"); got != "linux/amd64 linux/arm64" {
		t.Errorf("now it is for %s", got)
	}
}

// A digest is kept, whatever platforms are asked for, and so is a tag beside it that is another image's.
func TestDigestsAreKept(t *testing.T) {
	from, to := registrytest.Start(t, registrytest.Options{}), registrytest.Start(t, registrytest.Options{})
	client := newClient()
	old := registrytest.PushImage(t, client, from.Host+"/x/a:1", "old", "linux/amd64", "linux/arm64")
	copyAll(t.Context(), newMirror(t), tasks(t, Destination{To: to.Host}, from.Host+"/x/a:1"))
	moved := registrytest.PushImage(t, client, from.Host+"/x/a:1", "new", "linux/amd64", "linux/arm64")
	pinned := from.Host + "/x/a:1@" + moved
	for _, want := range []State{Copied, There} {
		r := copyAll(t.Context(), newMirror(t), tasks(t, Destination{To: to.Host, Platforms: []string{"linux/amd64"}}, pinned))[0]
		if r.State != want || r.Digest != moved {
			t.Fatalf("%s, want %s: %+v", r.State, want, r)
		}
	}
	resolve := func(which string) string {
		found, ok, err := client.Resolve(t.Context(), registry.OfImage(parse(t, to.Host+"/x/a"+which)))
		if err != nil || !ok {
			t.Fatalf("%s: %v", which, err)
		}
		return found.Digest.String()
	}
	if resolve("@"+moved) != moved || resolve(":1") != old {
		t.Errorf("the tag of the mirror is %s, want %s", resolve(":1"), old)
	}
	// A tag that has moved is left, and with Update it is moved.
	tag := tasks(t, Destination{To: to.Host}, from.Host+"/x/a:1")
	if r := newMirror(t).Look(t.Context(), tag[0]); r.State != There {
		t.Errorf("without Update it is %s", r.State)
	}
	m := newMirror(t)
	m.Update = true
	if r := m.Look(t.Context(), tag[0]); r.State != Replaced || r.Was != old || r.Digest != moved {
		t.Errorf("with Update it would be %+v", r)
	}
	if resolve(":1") != old {
		t.Error("a look moved the tag")
	}
	if r := m.Copy(t.Context(), tag[0], nil); r.State != Replaced || resolve(":1") != moved {
		t.Errorf("with Update it is %s", resolve(":1"))
	}
	m = newMirror(t)
	m.Update = true
	if r := m.Copy(t.Context(), tag[0], nil); r.State != There {
		t.Errorf("with Update, once more, it is %s", r.State)
	}
}

// What is not to be had is said, and copies nothing; a registry that cannot be asked is not called
// empty.
func TestWhatCannotBeCopied(t *testing.T) {
	from, to := registrytest.Start(t, registrytest.Options{}), count(t, registrytest.Start(t, registrytest.Options{}))
	private := registrytest.Start(t, registrytest.Options{Username: "u", Password: "p"})
	registrytest.PushImage(t, newClient(), from.Host+"/x/a:1", "a", "linux/amd64")
	d := Destination{To: to.host, Platforms: []string{"linux/arm64"}}
	for image, want := range map[string]struct {
		missing bool
		text    string
	}{
		from.Host + "/x/none:1":  {true, "is not there"},
		from.Host + "/x/a:1":     {false, "is not for linux/arm64, but for linux/amd64"},
		private.Host + "/x/y:1":  {false, "401"},
		"127.0.0.1:1/x/nobody:1": {false, "connection refused"},
	} {
		r := copyAll(t.Context(), newMirror(t), tasks(t, d, image))[0]
		if r.State != Failed || r.Missing != want.missing || r.Err == nil || !strings.Contains(r.Err.Error(), want.text) {
			t.Errorf("%s: %s, missing %t: %v; want %+v", image, r.State, r.Missing, r.Err, want)
		}
		if private := strings.HasPrefix(image, private.Host); private && !strings.Contains(failure.Hint(r.Err), "docker login") {
			t.Errorf("the hint is %q", failure.Hint(r.Err))
		}
	}
	for _, request := range to.take() {
		if !strings.HasPrefix(request, "HEAD ") {
			t.Errorf("something was sent: %s", request)
		}
	}
}

// Faults on the way cost time, and nothing else: too many requests, broken servers, blobs that are cut
// off or have other bytes.
func TestFaults(t *testing.T) {
	from, to := count(t, registrytest.Start(t, registrytest.Options{})), count(t, registrytest.Start(t, registrytest.Options{}))
	image := from.host + "/x/a:1"
	digest := registrytest.PushImage(t, newClient(), image, strings.Repeat("content ", 1000), "linux/amd64", "linux/arm64")
	seldom := func(fault func(w http.ResponseWriter, r *http.Request)) func(w http.ResponseWriter, r *http.Request) bool {
		var mu sync.Mutex
		seen := map[string]bool{}
		return func(w http.ResponseWriter, r *http.Request) bool {
			mu.Lock()
			what := r.Method + r.URL.Path
			if upload := strings.Index(what, "/uploads/"); upload > 0 {
				what = what[:upload] // each has a name of its own
			}
			first := !seen[what] && r.URL.Path != "/v2/"
			seen[what] = true
			mu.Unlock()
			if first {
				fault(w, r)
			}
			return first
		}
	}
	status := func(code int) func(w http.ResponseWriter, r *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	faults := map[string]func(w http.ResponseWriter, r *http.Request){
		"429": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"503": status(503),
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("too little"))
			panic(http.ErrAbortHandler)
		},
	}
	for name, fault := range faults {
		for side, c := range map[string]*counting{"from": from, "to": to} {
			t.Run(name+" "+side, func(t *testing.T) {
				c.mu.Lock()
				c.fault = seldom(fault)
				c.mu.Unlock()
				defer func() { c.mu.Lock(); c.fault = nil; c.mu.Unlock() }()
				d := Destination{To: to.host + "/" + name + "-" + side}
				r := copyAll(t.Context(), newMirror(t), tasks(t, d, image))[0]
				if r.State != Copied || r.Err != nil {
					t.Fatalf("%s: %v (%s)", r.State, r.Err, failure.Hint(r.Err))
				}
				c.mu.Lock()
				c.fault = nil
				c.mu.Unlock()
				isWhole(t, r, digest)
			})
		}
	}
	t.Run("other bytes", func(t *testing.T) {
		from.mu.Lock()
		from.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/blobs/") && r.Method == http.MethodGet {
				_, _ = w.Write([]byte("something else"))
				return true
			}
			return false
		}
		from.mu.Unlock()
		defer func() { from.mu.Lock(); from.fault = nil; from.mu.Unlock() }()
		d := Destination{To: to.host + "/wrong"}
		task := tasks(t, d, image)[0]
		r := newMirror(t).Copy(t.Context(), task, nil)
		if r.State != Failed {
			t.Fatalf("bytes that are others were copied: %+v", r)
		}
		if _, there, err := newClient().Resolve(t.Context(), task.To); there || err != nil {
			t.Errorf("the image is there all the same (%v)", err)
		}
	})
}

// isWhole checks that all of an image is in the mirror.
func isWhole(t *testing.T, r Result, digest string) {
	t.Helper()
	client := newClient()
	contents, err := client.Contents(t.Context(), r.To, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := contents.Root().Digest.String(); got != digest || r.Digest != digest {
		t.Errorf("the digest is %s and %s, want %s", got, r.Digest, digest)
	}
	for _, blob := range contents.Blobs {
		if _, err := client.Blob(t.Context(), r.To, blob, 1<<20); err != nil {
			t.Errorf("%s: %v", blob.Digest, err)
		}
	}
}

// Several who copy the same at once send each blob once: within a process, and with locks also across
// processes.
func TestNothingIsCopiedTwice(t *testing.T) {
	from, to := registrytest.Start(t, registrytest.Options{}), count(t, registrytest.Start(t, registrytest.Options{}))
	image := from.Host + "/x/a:1"
	registrytest.PushImage(t, newClient(), image, "content", "linux/amd64", "linux/arm64")
	locks := filepath.Join(t.TempDir(), "locks")
	all := tasks(t, Destination{To: to.host}, image)
	var wait sync.WaitGroup
	for range 10 {
		m := newMirror(t)
		m.Locks = locks
		wait.Go(func() {
			for _, r := range copyAll(t.Context(), m, []Task{all[0], all[0]}) {
				if r.Err != nil {
					t.Errorf("%s: %v", r.From, r.Err)
				}
			}
		})
	}
	wait.Wait()
	sent := map[string]int{}
	for _, request := range to.take() {
		if strings.HasPrefix(request, "POST ") {
			sent["uploads"]++
		}
		if strings.HasPrefix(request, "PUT ") && strings.Contains(request, "/manifests/1") {
			sent["tags"]++
		}
	}
	if sent["uploads"] != 5 || sent["tags"] != 1 { // two configurations, a common layer, and one for each platform
		t.Errorf("sent were %v", sent)
	}
	if files, err := os.ReadDir(locks); err != nil || len(files) != 1 {
		t.Errorf("%d locks (%v)", len(files), err)
	}
}

// Who is cut off goes on from the blobs that have arrived.
func TestGoesOn(t *testing.T) {
	from, to := registrytest.Start(t, registrytest.Options{}), count(t, registrytest.Start(t, registrytest.Options{}))
	image := from.Host + "/x/a:1"
	digest := registrytest.PushImage(t, newClient(), image, "content", "linux/amd64", "linux/arm64")
	ctx, cancel := context.WithCancelCause(t.Context())
	puts := 0
	to.stored = make(chan string, 10)
	to.fault = func(w http.ResponseWriter, r *http.Request) bool {
		to.mu.Lock()
		if isBlobPut(r) {
			puts++
		}
		nth := puts
		to.mu.Unlock()
		switch {
		case nth < 3:
			return false
		case nth == 3 && isBlobPut(r):
			<-to.stored // two have arrived before all is cut off
			<-to.stored
			cancel(errors.New("cut off"))
		}
		<-ctx.Done()
		panic(http.ErrAbortHandler)
	}
	all := tasks(t, Destination{To: to.host}, image)
	if r := newMirror(t).Copy(ctx, all[0], nil); r.State != Failed {
		t.Fatalf("%+v", r)
	}
	to.mu.Lock()
	to.fault = nil
	to.mu.Unlock()
	to.take()
	r := newMirror(t).Copy(t.Context(), all[0], nil)
	if r.State != Copied {
		t.Fatalf("%s: %v", r.State, r.Err)
	}
	uploads := 0
	for _, request := range to.take() {
		if strings.HasPrefix(request, "PUT ") && strings.Contains(request, "/blobs/") {
			uploads++
		}
	}
	if uploads > 3 {
		t.Errorf("%d of five blobs were sent again, of which two had arrived", uploads)
	}
	isWhole(t, r, digest)
}

// Images may be read elsewhere, and the mirror itself is asked all the same.
func TestReadsElsewhere(t *testing.T) {
	from, to := registrytest.Start(t, registrytest.Options{}), registrytest.Start(t, registrytest.Options{})
	digest := registrytest.PushImage(t, newClient(), from.Host+"/hub/x/a:1", "content", "linux/amd64", "linux/arm64")
	client := registry.New(registry.Options{
		Transport: transport.New(transport.Options{FirstWait: time.Millisecond, Attempts: 1}),
		Mirrors:   []registry.Mirror{{From: "nowhere.invalid", To: from.Host + "/hub"}, {From: to.Host, To: from.Host + "/hub"}},
	})
	m := &Mirror{Registries: client, Direct: client.Direct(), Asker: &presence.Asker{Registries: client}}
	r := m.Copy(t.Context(), tasks(t, Destination{To: to.Host}, "nowhere.invalid/x/a:1")[0], nil)
	if r.State != Copied {
		t.Fatalf("%s: %v", r.State, r.Err)
	}
	isWhole(t, r, digest)
}
