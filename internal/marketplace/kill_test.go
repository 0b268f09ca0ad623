package marketplace

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/lease"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
)

func sha256Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// victimDir makes the test binary the process that is killed.
const victimDir = "MARKETPLACE_TEST_VICTIM_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		if err := beVictim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// beVictim serves a marketplace until it is killed, and says where.
func beVictim(dir string) error {
	m, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := m.SetAddress(listener.Addr().String()); err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	return NewServer(m).Serve(listener)
}

// startVictim starts the process and returns a client of it.
func startVictim(t *testing.T, dir string) (*client, *exec.Cmd) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the second process did not start: %v", err)
	}
	return &client{t: t, http: &http.Client{Transport: &http.Transport{}}, base: strings.TrimSpace(address), token: testToken, user: DefaultUser}, cmd
}

// promise is what the process acknowledged before it was killed.
type promise struct {
	name, version, snapshot string
	digest                  string
	status                  catalog.Status
	doubt                   catalog.Status // the state it may have moved on to without saying so
}

// A process that is killed at any moment loses nothing it acknowledged, and leaves a
// directory that opens, with an index and charts that fit each other.
func TestKilledProcessLosesNothingItAcknowledged(t *testing.T) {
	rounds, workers := 8, 4
	if testing.Short() {
		rounds = 3
	}
	dir := t.TempDir()
	promises := map[string]*promise{}
	acknowledged := 0
	// A slow machine may acknowledge nothing in so short a time: then it gets more
	// rounds, and longer ones.
	for round := 0; round < rounds || acknowledged == 0 && round < 8*rounds; round++ {
		c, victim := startVictim(t, dir)
		var mu sync.Mutex
		var group sync.WaitGroup
		for worker := range workers {
			group.Go(func() { work(c, fmt.Sprintf("e%d-%d", round, worker), &mu, promises) })
		}
		kill := time.Duration(20+rand.IntN(120)) * time.Millisecond * time.Duration(1+round/rounds)
		timer := time.AfterFunc(kill, func() { victim.Process.Kill() })
		group.Wait()
		timer.Stop()
		victim.Process.Kill()
		victim.Wait()
		for _, p := range promises {
			if p.status != "" {
				acknowledged++
			}
		}
		checkPromises(t, dir, promises)
		if t.Failed() {
			t.Fatalf("in round %d, killed after %s", round, kill)
		}
	}
	if acknowledged == 0 {
		t.Error("nothing was acknowledged before any kill: the test has shown nothing")
	}
}

// work pushes and submits versions until the process does not answer any more, and
// writes down what it was promised.
func work(c *client, name string, mu *sync.Mutex, promises map[string]*promise) {
	for i := range 1000 {
		version := fmt.Sprintf("1.%d.0", i)
		archive := packed(name, version)
		contentType, form := form(field{packagePart, "p.tgz", archive})
		p := &promise{name: name, version: version, doubt: catalog.Draft}
		mu.Lock()
		promises[name+"@"+version] = p
		mu.Unlock()
		answer, err := c.try(c.request("POST", c.packagePath(name), contentType, form))
		if err != nil || answer.status != 200 {
			return
		}
		var pushed struct{ Snapshot wireSnapshot }
		answer.decode(c.t, &pushed)
		mu.Lock()
		p.snapshot, p.digest, p.status, p.doubt = pushed.Snapshot.ID, sha256Hex(archive), catalog.Draft, catalog.Submitted
		mu.Unlock()
		path := "/apis/extension/v1/users/" + c.user + "/snapshots/" + p.snapshot + "/action:submit"
		answer, err = c.try(c.request("POST", path, "application/json", []byte(`{}`)))
		if err != nil || answer.status != 200 {
			return
		}
		mu.Lock()
		p.status, p.doubt = catalog.Submitted, ""
		mu.Unlock()
	}
}

// checkPromises opens the directory and compares.
func checkPromises(t *testing.T, dir string, promises map[string]*promise) {
	t.Helper()
	m, err := Open(dir, Options{})
	if err != nil {
		t.Fatalf("the directory does not open after the kill: %v", err)
	}
	var listed []string
	for _, extension := range m.state.All() {
		for i := range extension.Snapshots {
			s := &extension.Snapshots[i]
			p := promises[extension.Name+"@"+s.Version]
			if p == nil {
				t.Errorf("%s %s was never pushed", extension.Name, s.Version)
				continue
			}
			if s.Status.Listed() {
				listed = append(listed, p.name+"@"+p.version)
			}
			if got := sha256Hex(readFile(t, m.state.Store.Path(store.PackageFile(s.Package.Digest)))); got != s.Package.Digest {
				t.Errorf("the package of %s %s has digest %s, the state says %s", p.name, p.version, got, s.Package.Digest)
			}
		}
	}
	for _, p := range promises {
		checkPromise(t, m, p)
	}
	index := readStatic(t, dir).listed()
	if len(index) != len(listed) {
		t.Errorf("index.yaml lists %d versions, the state %d", len(index), len(listed))
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	checkStatic(t, dir, index...)
}

func checkPromise(t *testing.T, m *Marketplace, p *promise) {
	t.Helper()
	var found *catalog.Snapshot
	if extension, err := m.state.Find(p.name); err == nil {
		found, _ = extension.Version(p.version)
	}
	switch {
	case found == nil && p.status == "":
		// never acknowledged, not kept
	case found == nil:
		t.Errorf("%s %s was acknowledged as %s and is gone", p.name, p.version, p.status)
	case p.status == "" && found.Status != p.doubt:
		t.Errorf("%s %s is %s, can only be %s", p.name, p.version, found.Status, p.doubt)
	case p.status != "" && found.Status != p.status && found.Status != p.doubt:
		t.Errorf("%s %s is %s, was acknowledged as %s", p.name, p.version, found.Status, p.status)
	case p.status != "" && (found.ID != p.snapshot || found.Package.Digest != p.digest):
		t.Errorf("%s %s is snapshot %s with digest %s, was acknowledged as %s with %s", p.name, p.version, found.ID, found.Package.Digest, p.snapshot, p.digest)
	}
}

// The address that a killed process left behind does not count when the next one opens
// the directory, and one that lives is found by others.
func TestSecondRealProcess(t *testing.T) {
	dir := t.TempDir()
	c, victim := startVictim(t, dir)
	_, err := Open(dir, Options{})
	if locked, ok := err.(*lease.LockedError); !ok || locked.Address != c.base {
		t.Errorf("error = %v, want a LockedError with %s", err, c.base)
	}
	c.release("alc", "1.0.0")
	approve := lease.Verdict{Name: "alc", Version: "1.0.0", Approve: true}
	if err := ReviewIn(t.Context(), dir, approve, nil); err != nil {
		t.Error(err)
	}
	if got := c.state("alc", "1.0.0"); got != catalog.Active {
		t.Errorf("after the approval: %s", got)
	}
	c.release("web", "1.0.0")
	victim.Process.Kill()
	victim.Wait()
	if _, err := lease.Connect(t.Context(), dir); !errors.Is(err, lease.ErrNotServed) {
		t.Errorf("error = %v", err)
	}
	// The address is still there, and does not count.
	if _, err := os.Stat(filepath.Join(dir, store.ServingFile)); err != nil {
		t.Error(err)
	}
	if err := ReviewIn(t.Context(), dir, lease.Verdict{Name: "web", Version: "1.0.0", Message: "no"}, nil); err != nil {
		t.Error(err)
	}
	m := open(t, dir, Options{})
	if extension, err := m.state.Find("alc"); err != nil || extension.Status() != catalog.Ready {
		t.Errorf("after the kill: %+v, %v", extension, err)
	}
	if extension, err := m.state.Find("web"); err != nil || extension.Snapshots[0].Status != catalog.Rejected {
		t.Errorf("after the rejection: %+v, %v", extension, err)
	}
	if _, err := os.Stat(filepath.Join(dir, store.ServingFile)); err == nil {
		t.Error("the address of the killed process is still there")
	}
}
