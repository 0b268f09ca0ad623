package marketplace

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
)

// Two hundred clients at once: each releases a version of its own, all of them fight
// over one version, and all read.
func TestParallelClients(t *testing.T) {
	const clients = 200
	dir := t.TempDir()
	m := open(t, dir, Options{})
	c := serve(t, m)
	c.http.Transport.(*http.Transport).MaxIdleConnsPerHost = clients
	shared := packed("shared", "1.0.0")

	var group sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]int{}
	outcomes := map[int]int{}
	start := make(chan struct{})
	for i := range clients {
		group.Go(func() {
			<-start
			name := fmt.Sprintf("e%d", i%50)
			version := fmt.Sprintf("1.%d.0", i/50)
			dirName := "/files/local/" + name + "/" + version
			if got := c.upload(files(dirName+"/i.svg", version, dirName+"/s.png", name)...); got.status != 200 {
				t.Errorf("upload for %s: %d %s", name, got.status, got.body)
				return
			}
			c.release(name, version)
			var answer struct{ Snapshot wireSnapshot }
			pushed := c.push("shared", shared)
			if pushed.status == 200 {
				pushed.decode(t, &answer)
			}
			mu.Lock()
			defer mu.Unlock()
			outcomes[pushed.status]++
			ids[answer.Snapshot.ID]++
			c.want(200, c.get("/index.yaml"))
			c.want(200, c.get("/charts/"+name+"-"+version+".tgz"))
		})
	}
	close(start)
	group.Wait()
	if outcomes[200] != clients || len(ids) != 1 {
		t.Errorf("pushes of one version: %v by status, %d snapshots; want all to replace one draft", outcomes, len(ids))
	}
	index := c.index()
	if got := len(index.listed()); got != clients {
		t.Errorf("the index lists %d versions, want %d", got, clients)
	}
	seen := map[string]bool{}
	for _, extension := range m.state.All() {
		for _, s := range extension.Snapshots {
			if seen[s.ID] {
				t.Errorf("snapshot ID %s was given twice", s.ID)
			}
			seen[s.ID] = true
		}
	}
	flush(t, m)
	checkStatic(t, dir, index.listed()...)
}

// One submission of a version wins, however many ask at once.
func TestParallelSubmissions(t *testing.T) {
	c := serve(t, open(t, t.TempDir(), Options{}))
	id := c.draft("alc", "1.0.0")
	var group sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[int]int{}
	for range 20 {
		group.Go(func() {
			got := c.step(id, "submit")
			mu.Lock()
			defer mu.Unlock()
			outcomes[got.status]++
		})
	}
	group.Wait()
	if outcomes[200] != 1 || outcomes[409] != 19 {
		t.Errorf("outcomes by status = %v, want one 200 and 19 times 409", outcomes)
	}
}

// Pushing other bytes to one draft at once ends with one of them, whole.
func TestParallelReplacements(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir, Options{})
	c := serve(t, m)
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() { c.draft("alc", "1.0.0", "values.yaml", fmt.Sprintf("n: %d\n", i%3)) })
	}
	group.Wait()
	extension, err := m.state.Find("alc")
	if err != nil || len(extension.Snapshots) != 1 {
		t.Fatalf("extension = %+v, %v", extension, err)
	}
	kept, err := filepath.Glob(filepath.Join(dir, "state", "packages", "*"))
	if err != nil || len(kept) != 1 || filepath.Base(kept[0]) != extension.Snapshots[0].Package.Digest+".tgz" {
		t.Errorf("packages = %v (%v), want the one of the state, %s", kept, err, extension.Snapshots[0].Package.Digest)
	}
}
