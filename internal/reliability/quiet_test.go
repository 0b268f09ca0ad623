package reliability

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/cloud"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Promise P5: quiet when there is nothing to do. The real binary, without any
// key, meets a repository in which all is there: it asks for the index once, and
// that is all.
func TestQuietWhenAllIsThere(t *testing.T) {
	repo := writeMonorepo(t, members(soak.Cases(t, 100, 1000)))
	m := openMarket(t)
	m.publish(repo)
	place := newPlace(t, repo)
	address := m.listen("quiet")
	for _, args := range [][]string{{"run"}, {"run", "--dry-run"}, {"run", "--output", "json"}} {
		before := len(m.record())
		run := place.newProcess(t, address, append(args, "--report", place.file("quiet.json"))...)
		run.cmd.Env = slices.DeleteFunc(run.cmd.Env, func(v string) bool { return strings.HasPrefix(v, "KSRELEASE_TOKEN=") })
		forgetPeak()
		began := time.Now()
		if code := run.run(); code != 0 {
			t.Fatalf("%v: exit code %d\n%s", args, code, run.output())
		}
		wall, state := time.Since(began), run.cmd.ProcessState
		cpu, memory := state.UserTime()+state.SystemTime(), peakMemory(state)
		t.Logf("%v of %d extensions: %s, %s of processor time, %d MiB at most", args, len(repo.members), wall.Round(time.Millisecond), cpu.Round(time.Millisecond), memory>>20)
		if asked := m.record()[before:]; len(asked) != 1 || asked[0].method != "GET" || asked[0].path != "/index.yaml" {
			t.Errorf("%v: asked for %v", args, asked)
		}
		if there := place.document(t, "quiet.json").Totals[results.Exists]; there != len(repo.members) {
			t.Errorf("%v: %d of %d exist", args, there, len(repo.members))
		}
		if limit := int64(quietMemory + len(repo.members)*quietMemoryEach); memory > limit {
			t.Errorf("%v: %d MiB of memory, more than %d MiB", args, memory>>20, limit>>20)
		}
	}
}

// What a run with nothing to do may have in memory. What lives is 25 KiB for each
// of these small extensions; the collector lets five times as much come together.
const (
	quietMemory     = 160 << 20
	quietMemoryEach = 200 << 10
)

// publish puts all extensions into the marketplace, as a release would have
// left them.
func (m *market) publish(repo *monorepo) {
	m.t.Helper()
	web := transport.New(transport.Options{})
	defer web.Close()
	client, err := cloud.New(cloud.Options{Server: m.listen("publisher"), Token: token, Transport: web})
	if err != nil {
		m.t.Fatal(err)
	}
	var group errgroup.Group
	group.SetLimit(8)
	for _, x := range repo.members {
		group.Go(func() error {
			ext, err := extension.Load(repo.dir+"/extensions/"+x.name, extension.Options{})
			if err != nil {
				return err
			}
			urls := extension.URLs{}
			for _, a := range ext.Assets {
				urls[a.File] = "http://files.example.org/files/local/" + x.name + "/" + a.RemoteName
			}
			pkg, err := ext.Pack(urls)
			if err != nil {
				return err
			}
			draft, err := client.PushPackage(m.t.Context(), "local", x.name, pkg.Filename, pkg.Data)
			if err != nil {
				return err
			}
			return client.Submit(m.t.Context(), "local", draft.ID, "before")
		})
	}
	if err := group.Wait(); err != nil {
		m.t.Fatal(err)
	}
}
