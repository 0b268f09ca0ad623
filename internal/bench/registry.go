package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
)

const (
	// pushes is how many packages are pushed to a registry that is so far away: the time
	// of a request and its answer on the way.
	pushes    = 100
	roundTrip = 50 * time.Millisecond
	// leastFaster is how many times as fast as a loop of helm push a release has to be.
	leastFaster = 6.0
)

// compareRegistry pushes the same packages to a registry that is far away: with ksrelease run,
// which looks before it pushes and verifies what it has pushed, and with a loop of helm push.
func compareRegistry(ctx context.Context, rounds int, ksrelease, helm, scratch string) error {
	registry, err := registrytest.Run(ctx, filepath.Join(scratch, "registry"), registrytest.Options{})
	if errors.Is(err, registrytest.ErrMissing) {
		progress("a release to a registry is left out: " + err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	defer registry.Kill()
	far, err := newFarAway(registry.Host, roundTrip)
	if err != nil {
		return err
	}
	defer far.close()
	packages, err := makePackages(ctx, ksrelease, filepath.Join(scratch, "packages"))
	if err != nil {
		return err
	}
	progress(fmt.Sprintf("pushing %d packages to a registry that is %s away", pushes, roundTrip))
	var ours, theirs series
	ours.name, theirs.name = "ksrelease run", "helm push, in a loop"
	for n := range rounds {
		// Each round has a folder of its own in the registry, or all would be there.
		run := tool{
			name: ours.name, dir: filepath.Dir(filepath.Dir(packages[0])),
			commands: [][]string{{ksrelease, "run", "-f", "push.yaml"}},
			env:      []string{fmt.Sprintf("FOLDER=%s/ours%d", far.host, n)},
		}
		loop := tool{name: theirs.name}
		for _, file := range packages {
			loop.commands = append(loop.commands, []string{helm, "push", file, fmt.Sprintf("oci://%s/theirs%d", far.host, n), "--plain-http"})
		}
		for _, turn := range []struct {
			tool
			into *series
		}{{run, &ours}, {loop, &theirs}} {
			r, err := turn.once(ctx)
			if err != nil {
				return err
			}
			turn.into.rounds = append(turn.into.rounds, r)
		}
	}
	faster := ratios(theirs, ours)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nTOOL, %d PACKAGES, %s AWAY\tMEDIAN\tFASTEST\tSLOWEST\tCPU, MEDIAN\tPEAK MEMORY\n", pushes, roundTrip)
	for _, s := range []series{ours, theirs} {
		walls := s.walls()
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", s.name, milliseconds(median(walls)), milliseconds(slices.Min(walls)), milliseconds(slices.Max(walls)), milliseconds(median(s.cpus())), memory(s.peak()))
	}
	fmt.Fprintf(t, "\nTARGET\tAT LEAST\tIS\t\n")
	row(t, "times as fast as "+theirs.name, fmt.Sprintf("%.1f", leastFaster), fmt.Sprintf("%.1f", median(faster)), median(faster) >= leastFaster)
	return t.Flush()
}

// makePackages packs small extensions, and writes a config that releases the packages.
func makePackages(ctx context.Context, ksrelease, dir string) ([]string, error) {
	for i := range pushes {
		name := fmt.Sprintf("e%03d", i)
		folder := filepath.Join(dir, "extensions", name)
		if err := os.MkdirAll(filepath.Join(folder, "templates"), 0o755); err != nil {
			return nil, err
		}
		for file, text := range map[string]string{
			"extension.yaml": fmt.Sprintf("apiVersion: kubesphere.io/v1alpha1\nname: %s\nversion: 1.0.0\ndisplayName: {en: %[1]s}\ndescription: {en: An extension}\n"+
				"category: computing\nprovider: {en: {name: Example}}\nicon: https://example.com/icon.svg\n", name),
			"values.yaml":           "name: " + name + "\n",
			"README.md":             "# " + name + "\n",
			"CHANGELOG.md":          "## 1.0.0\n",
			"templates/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {level: info}\n",
		} {
			if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644); err != nil {
				return nil, err
			}
		}
	}
	for file, text := range map[string]string{
		".ksrelease.yaml": "version: 1\nextensions: [{path: extensions/*}]\npackage: {output: dist}\n",
		"push.yaml":       "version: 1\nextensions: [{path: 'dist/*.tgz'}]\ntargets: [{kind: oci, url: 'oci://${FOLDER}'}]\npackage: {output: out}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, ksrelease, "package")
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("packing %d extensions: %w\n%s", pushes, err, output)
	}
	packages, err := filepath.Glob(filepath.Join(dir, "dist", "*.tgz"))
	if err == nil && len(packages) != pushes {
		err = fmt.Errorf("%d packages for %d extensions", len(packages), pushes)
	}
	return packages, err
}

// farAway makes a server on this machine one at a distance: what is sent arrives half a round
// trip later, in both directions, and a connection needs one to come about.
type farAway struct {
	host     string
	to       string
	delay    time.Duration // one way
	listener net.Listener
}

func newFarAway(host string, roundTrip time.Duration) (*farAway, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &farAway{host: listener.Addr().String(), to: host, delay: roundTrip / 2, listener: listener}
	go f.serve()
	return f, nil
}

func (f *farAway) close() { _ = f.listener.Close() }

func (f *farAway) serve() {
	for {
		near, err := f.listener.Accept()
		if err != nil {
			return // closed
		}
		go f.connect(near)
	}
}

func (f *farAway) connect(near net.Conn) {
	time.Sleep(2 * f.delay)
	far, err := net.Dial("tcp", f.to)
	if err != nil {
		_ = near.Close()
		return
	}
	go f.carry(far, near)
	go f.carry(near, far)
}

// parcel is what is on its way.
type parcel struct {
	data   []byte
	arrive time.Time
}

// carry brings what comes from one side to the other, later.
func (f *farAway) carry(to, from net.Conn) {
	way := make(chan parcel, 1024)
	go func() {
		defer close(way)
		for {
			data := make([]byte, 64<<10)
			n, err := from.Read(data)
			if n > 0 {
				way <- parcel{data[:n], time.Now().Add(f.delay)}
			}
			if err != nil {
				return // io.EOF, or the other side has closed
			}
		}
	}()
	for p := range way {
		time.Sleep(time.Until(p.arrive))
		if _, err := to.Write(p.data); err != nil {
			_, _ = io.Copy(io.Discard, from) // nobody takes it any more
			break
		}
	}
	_ = to.Close()
}
