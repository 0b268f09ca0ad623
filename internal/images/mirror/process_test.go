package mirror

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/images/presence"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// The variables of a process that copies for a test: images, the mirror, and the folder for locks.
const (
	processImages = "KSRELEASE_TEST_IMAGES"
	processTo     = "KSRELEASE_TEST_TO"
	processLocks  = "KSRELEASE_TEST_LOCKS"
)

// TestProcess is the process that copies, and no test where nobody has started it as one.
func TestProcess(t *testing.T) {
	images := os.Getenv(processImages)
	if images == "" {
		return
	}
	client := registry.New(registry.Options{Transport: transport.New(transport.Options{})})
	m := &Mirror{Registries: client, Asker: &presence.Asker{Registries: client}, Locks: os.Getenv(processLocks), Parallelism: 3}
	for _, r := range copyAll(t.Context(), m, tasks(t, Destination{To: os.Getenv(processTo)}, strings.Fields(images)...)) {
		if r.Err != nil {
			t.Errorf("%s: %v", r.From, r.Err)
		}
	}
}

// process starts a process that copies.
func process(t *testing.T, to, locks string, images ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestProcess$", "-test.count=1")
	cmd.Env = append(os.Environ(), processImages+"="+strings.Join(images, " "), processTo+"="+to, processLocks+"="+locks)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// arrivals is a registry behind a proxy that notes what has arrived there.
type arrivals struct {
	host string
	mu   sync.Mutex
	// blobs counts, for each repository and digest, how often a blob was sent to its end, and tags
	// for each tag how often it was set.
	blobs, tags map[string]int
	arrived     chan struct{}
}

func watch(t *testing.T, to *registrytest.Registry, slow time.Duration) *arrivals {
	t.Helper()
	a := &arrivals{blobs: map[string]int{}, tags: map[string]int{}, arrived: make(chan struct{}, 1000)}
	a.host = registrytest.Proxy(t, to, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPut {
				next.ServeHTTP(w, r)
				return
			}
			time.Sleep(slow)
			next.ServeHTTP(&noting{w, func(status int) {
				if status == http.StatusCreated {
					a.note(r)
				}
			}}, r)
		})
	})
	return a
}

// noting says which status an answer has, before anybody sees it.
type noting struct {
	http.ResponseWriter
	note func(status int)
}

func (n *noting) WriteHeader(status int) {
	n.note(status)
	n.ResponseWriter.WriteHeader(status)
}

// note counts what has arrived.
func (a *arrivals) note(r *http.Request) {
	repository, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/blobs/")
	a.mu.Lock()
	defer a.mu.Unlock()
	if rest == "" {
		a.tags[repository]++
		return
	}
	a.blobs[repository+" "+r.URL.Query().Get("digest")]++
	a.arrived <- struct{}{}
}

// twice are the blobs that were sent more than once.
func (a *arrivals) twice() (names []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, n := range a.blobs {
		if n > 1 {
			names = append(names, fmt.Sprintf("%s: %d", name, n))
		}
	}
	return names
}

// A process that was killed in the middle has left what had arrived, and none of it is sent again.
func TestKilledInTheMiddle(t *testing.T) {
	from := registrytest.Start(t, registrytest.Options{})
	to := watch(t, registrytest.Start(t, registrytest.Options{}), 20*time.Millisecond)
	var images []string
	digests := map[string]string{}
	for i := range 6 {
		image := fmt.Sprintf("%s/x/image-%d:1", from.Host, i)
		digests[image] = registrytest.PushImage(t, newClient(), image, fmt.Sprintf("content %d", i), "linux/amd64", "linux/arm64")
		images = append(images, image)
	}
	locks := t.TempDir()
	for _, until := range []int{4, 11} { // of 30
		cmd := process(t, to.host, locks, images...)
		for range until {
			select {
			case <-to.arrived:
			case <-time.After(20 * time.Second):
				t.Fatal("nothing arrives")
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		time.Sleep(100 * time.Millisecond)
	}
	if err := process(t, to.host, locks, images...).Wait(); err != nil {
		t.Fatal(err)
	}
	if twice := to.twice(); len(twice) > 0 {
		t.Errorf("sent more than once: %q", twice)
	}
	for _, task := range tasks(t, Destination{To: to.host}, images...) {
		isWhole(t, Result{Task: task, Digest: digests[task.From.String()]}, digests[task.From.String()])
	}
}

// Ten processes that copy the same images at once bring each blob once, and set each tag once.
func TestTenProcesses(t *testing.T) {
	from := registrytest.Start(t, registrytest.Options{})
	to := watch(t, registrytest.Start(t, registrytest.Options{}), time.Millisecond)
	var images []string
	for i := range 3 {
		image := fmt.Sprintf("%s/x/image-%d:1", from.Host, i)
		registrytest.PushImage(t, newClient(), image, fmt.Sprintf("content %d", i), "linux/amd64", "linux/arm64")
		images = append(images, image)
	}
	locks := t.TempDir()
	var all []*exec.Cmd
	for range 10 {
		all = append(all, process(t, to.host, locks, images...))
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if twice := to.twice(); len(twice) > 0 {
		t.Errorf("sent more than once: %q", twice)
	}
	for _, image := range images {
		place := strings.TrimPrefix(strings.Replace(image, from.Host, "", 1), "/")
		name := strings.Replace(place, ":", "/manifests/", 1)
		if to.tags[name] != 1 {
			t.Errorf("%s was set %d times", name, to.tags[name])
		}
	}
}

// Registries that ask for a login get it, the one that is read and the one that is written.
func TestLogins(t *testing.T) {
	from, to := registrytest.Start(t, registrytest.Options{Username: "reader", Password: "one"}), registrytest.Start(t, registrytest.Options{Username: "writer", Password: "two"})
	logins := map[string]registry.Login{from.Host: {Username: "reader", Password: "one"}, to.Host: {Username: "writer", Password: "two"}}
	client := registry.New(registry.Options{Transport: transport.New(transport.Options{}), Logins: logins})
	image := from.Host + "/x/a:1"
	digest := registrytest.PushImage(t, client, image, "content", "linux/amd64", "linux/arm64")
	m := &Mirror{Registries: client, Asker: &presence.Asker{Registries: client}}
	r := m.Copy(t.Context(), tasks(t, Destination{To: to.Host}, image)[0], nil)
	if r.State != Copied || r.Digest != digest {
		t.Fatalf("%+v", r)
	}
	delete(logins, to.Host)
	client = registry.New(registry.Options{Transport: transport.New(transport.Options{}), Logins: map[string]registry.Login{from.Host: logins[from.Host]}})
	m = &Mirror{Registries: client, Asker: &presence.Asker{Registries: client}}
	if r := m.Copy(t.Context(), tasks(t, Destination{To: to.Host}, image)[0], nil); r.State != Failed || r.Missing {
		t.Errorf("without a login: %+v", r)
	}
}
