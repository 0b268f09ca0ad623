package reliability

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target/image"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
	"github.com/ksrelease/ksrelease/internal/testutil/museumtest"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// bundleConfig packs what is here: nobody has published it.
const bundleConfig = `version: 1
extensions: [{path: extensions/*}]
targets: [{kind: directory, path: museum}]
package: {output: '${DIST}'}
`

func registryClient(t testing.TB) *registry.Client {
	web := transport.New(transport.Options{})
	t.Cleanup(web.Close)
	return registry.New(registry.Options{Transport: web})
}

// madeBundle makes a bundle of two extensions, each with an image of its own, and ends the registry that it came from. peak is
// the most that this took of memory, in bytes.
func madeBundle(t testing.TB, content string) (file string, repo *monorepo, peak int64) {
	repo = writeMonorepo(t, members(2))
	repo.write(t, ".ksrelease.yaml", bundleConfig)
	outside := registrytest.Start(t, registrytest.Options{})
	client := registryClient(t)
	for _, x := range repo.members {
		name := outside.Host + "/team/" + x.name + ":1"
		registrytest.PushImage(t, client, name, content+x.name, "linux/amd64", "linux/arm64")
		metadata := filepath.Join(repo.dir, "extensions", x.name, "extension.yaml")
		text, err := os.ReadFile(metadata)
		if err != nil {
			t.Fatal(err)
		}
		repo.write(t, "extensions/"+x.name+"/extension.yaml", string(text)+"images: ['"+name+"']\n")
	}
	file = filepath.Join(t.TempDir(), "bundle.tar")
	made := newPlace(t, repo).newProcess(t, "", "bundle", "-o", file, "--from", "tree")
	peak = highWater(made)
	if made.code() != 0 {
		t.Fatal(made.output())
	}
	outside.Kill()
	return file, repo, peak
}

// wholeImages fails unless all images are in a registry, with all that they consist of.
func wholeImages(t testing.TB, repo *monorepo, host, prefix string) {
	t.Helper()
	client := registryClient(t)
	for _, x := range repo.members {
		at := registry.Reference{Host: host, Repository: prefix + "/team/" + x.name, Tag: "1"}
		contents, err := client.Contents(t.Context(), at, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(contents.Manifests) != 3 {
			t.Errorf("%s has %d manifests", at, len(contents.Manifests))
		}
		for _, blob := range contents.Blobs {
			if err := client.Stream(t.Context(), at, blob, func(from io.Reader) error { _, err := io.Copy(io.Discard, from); return err }); err != nil {
				t.Errorf("%s: %v", at, err)
			}
		}
	}
}

// Killed at any write to the registry, unbundle goes on from what is there.
func TestKilledWhileItUnbundles(t *testing.T) {
	file, repo, _ := madeBundle(t, "layer")
	inside := registrytest.Start(t, registrytest.Options{})
	back := proxy(t, inside.URL())
	museum := func(p *place) string { return filepath.Join(p.dir, "museum") }
	unbundle := func(p *place, host, prefix string) *process {
		return p.newProcess(t, "", "unbundle", file, "--to", museum(p), "--images", host+"/"+prefix)
	}
	// killedAt says at how many writes to the registry the process was, which is killed at the
	// one with the number, from 0.
	killedAt := func(p *place, at int64, prefix string) (writes int64) {
		var seen atomic.Int64
		var victim *process
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet && r.Method != http.MethodHead && seen.Add(1) > at {
				victim.signal(os.Kill)
				panic(http.ErrAbortHandler)
			}
			back.ServeHTTP(w, r)
		}))
		defer front.Close()
		victim = unbundle(p, strings.TrimPrefix(front.URL, "http://"), prefix)
		if victim.run() > 0 {
			t.Error(victim.output())
		}
		return seen.Load()
	}
	all := killedAt(newPlace(t, repo), math.MaxInt64, "whole")
	step := int64(soak.Cases(t, 4, 1))
	cases := int((all + step - 1) / step)
	var killed atomic.Int64
	inTurn(cases, 4, func(i int) {
		at, p, prefix := int64(i)*step, newPlace(t, repo), fmt.Sprintf("ks%d", i)
		if killedAt(p, at, prefix) > at {
			killed.Add(1)
		}
		next := unbundle(p, inside.Host, prefix)
		if next.run() != 0 {
			t.Error(next.output())
			return
		}
		held := files(t, filepath.Join(museum(p), "*.tgz"))
		for _, x := range repo.members {
			if packageOf(held[x.name+"-"+theVersion+".tgz"]) != x.name {
				t.Errorf("killed at write %d: %s is not there", at, x.name)
			}
		}
		wholeImages(t, repo, inside.Host, prefix)
	})
	t.Logf("killed at %d writes of %d", killed.Load(), all)
	if killed.Load() < 3 {
		t.Errorf("it was killed at %d writes only", killed.Load())
	}
}

// However large its layers are, a bundle is written and delivered with little memory.
func TestMemoryOfBundles(t *testing.T) {
	soak.Long(t)
	const most = 200 << 20
	file, repo, made := madeBundle(t, strings.Repeat("x", soak.Cases(t, 48, 160)<<20))
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	inside := registrytest.Start(t, registrytest.Options{})
	p := newPlace(t, repo)
	delivered := p.newProcess(t, "", "unbundle", file, "--to", filepath.Join(p.dir, "museum"), "--images", inside.Host+"/ks")
	peak := highWater(delivered)
	if delivered.code() != 0 {
		t.Fatal(delivered.output())
	}
	for name, peak := range map[string]int64{"bundle": made, "unbundle": peak} {
		t.Logf("%s of %d MiB: %d MiB of memory at most", name, info.Size()>>20, peak>>20)
		if peak > most || peak == 0 {
			t.Errorf("%s had %d MiB in memory", name, peak>>20)
		}
	}
}

// highWater runs a process, and gives the most that it had in memory, in bytes. What wait(2) says begins with what this
// process had when it started that one.
func highWater(run *process) (peak int64) {
	run.start()
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", run.cmd.Process.Pid))
		if _, after, ok := strings.Cut(string(text), "VmHWM:"); err == nil && ok {
			var kilobytes int64
			if _, err := fmt.Sscanf(after, "%d kB", &kilobytes); err == nil {
				peak = max(peak, kilobytes<<10)
			}
		}
		select {
		case <-run.ended:
			return peak
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// closedVariable names, in the environment, the folder of what is carried into a network without routes.
const closedVariable = "KSRELEASE_TEST_CLOSED"

// TestClosedNetwork makes a bundle here, and has a process in a network namespace without routes bring it to a
// registry and a museum there, from which a stock helm and a client of registries pull.
func TestClosedNetwork(t *testing.T) {
	helm := helmtest.Binary(t)
	file, repo, _ := madeBundle(t, "layer")
	binary, err := program()
	if err != nil {
		t.Fatal(err)
	}
	inside := exec.Command(os.Args[0], "-test.run=^TestInsideAClosedNetwork$", "-test.v")
	inside.Env = append(os.Environ(), closedVariable+"="+repo.dir, "KSRELEASE_TEST_BUNDLE="+file, "KSRELEASE_TEST_PROGRAM="+binary, "KSRELEASE_TEST_HELM="+helm)
	inside.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		inside.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		inside.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		inside.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := inside.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		t.Skipf("no network namespace can be made: %v", err)
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestInsideAClosedNetwork")) {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestInsideAClosedNetwork is the part of TestClosedNetwork within the namespace.
func TestInsideAClosedNetwork(t *testing.T) {
	dir := os.Getenv(closedVariable)
	if dir == "" {
		return
	}
	loopbackUp(t)
	if _, err := net.DialTimeout("tcp", "192.0.2.1:443", time.Second); !errors.Is(err, syscall.ENETUNREACH) {
		t.Fatalf("there is a way out: %v", err)
	}
	file, binary := os.Getenv("KSRELEASE_TEST_BUNDLE"), os.Getenv("KSRELEASE_TEST_PROGRAM")
	repo := &monorepo{dir: dir, members: members(2)}
	inside := registrytest.Start(t, registrytest.Options{})
	museum := httptest.NewServer(museumtest.New(museumtest.Options{}))
	defer museum.Close()
	home := t.TempDir()
	environment := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home}
	folder := filepath.Join(home, "museum")
	unbundle := exec.Command(binary, "unbundle", file, "--to", museum.URL, "--to", folder, "--to", "oci://"+inside.Host+"/charts", "--images", inside.Host+"/ks")
	unbundle.Dir, unbundle.Env = home, environment
	if out, err := unbundle.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wholeImages(t, repo, inside.Host, "ks")

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	serve := exec.Command(binary, "marketplace", "serve", "--bundle", file, "--addr", address)
	serve.Dir, serve.Env = home, environment
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = serve.Process.Kill(); _ = serve.Wait() }()
	answers(t, "http://"+address+"/v2/")
	all := registryClient(t)
	for _, x := range repo.members {
		contents, err := all.Contents(t.Context(), registry.Reference{Host: address, Repository: "team/" + x.name, Tag: "1"}, nil)
		if err != nil || len(contents.Manifests) != 3 {
			t.Errorf("the image of %s is not served: %v", x.name, err)
		}
	}

	held := files(t, filepath.Join(folder, "*.tgz"))
	for i, from := range []string{museum.URL, "http://" + address, "oci://" + inside.Host + "/charts"} {
		for _, x := range repo.members {
			to := filepath.Join(home, fmt.Sprint("pulled", i))
			words := []string{"pull", x.name, "--repo", from, "--version", theVersion, "--destination", to}
			if strings.HasPrefix(from, "oci:") {
				words = []string{"pull", from + "/" + x.name, "--plain-http", "--version", theVersion, "--destination", to}
			}
			if err := os.MkdirAll(to, 0o755); err != nil {
				t.Fatal(err)
			}
			helm := exec.Command(os.Getenv("KSRELEASE_TEST_HELM"), words...)
			helm.Env = environment
			if out, err := helm.CombinedOutput(); err != nil {
				t.Fatalf("helm pull from %s: %v\n%s", from, err, out)
			}
			name := x.name + "-" + theVersion + ".tgz"
			if got := files(t, filepath.Join(to, "*.tgz"))[name]; len(got) == 0 || !bytes.Equal(got, held[name]) {
				t.Errorf("%s came from %s as other bytes", name, from)
			}
		}
	}
}

// loopbackUp switches the loopback interface of a new namespace on.
func loopbackUp(t *testing.T) {
	t.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	lo, err := unix.NewIfreq("lo")
	if err == nil {
		err = unix.IoctlIfreq(socket, unix.SIOCGIFFLAGS, lo)
	}
	if err == nil {
		lo.SetUint16(lo.Uint16() | unix.IFF_UP)
		err = unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, lo)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// answers waits until a server answers.
func answers(t *testing.T, address string) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		answer, err := http.Get(address)
		if err == nil {
			_ = answer.Body.Close()
			return
		}
		if time.Since(began) > 30*time.Second {
			t.Fatal(err)
		}
	}
}

// staticProgram is ksrelease without libraries, as an image without a base needs it.
func staticProgram(t *testing.T) string {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	opened, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	for _, p := range opened.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		file = filepath.Join(t.TempDir(), "ksrelease")
		build := exec.Command("go", "build", "-o", file, "github.com/ksrelease/ksrelease/cmd/ksrelease")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return file
}

// An image without a base is unpacked as a container runtime does, and what it runs serves its packages.
func TestImageFromNothingRuns(t *testing.T) {
	home := registrytest.Start(t, registrytest.Options{})
	at := registry.Reference{Host: home.Host, Repository: "museum", Tag: "latest"}
	file := staticProgram(t)
	client := registryClient(t)
	to, err := image.New(image.Options{
		Registry: client, Images: []registry.Reference{at}, Platforms: []string{"linux/amd64"}, Settle: time.Millisecond,
		Binary: func(string) ([]byte, error) { return os.ReadFile(file) },
	})
	if err != nil {
		t.Fatal(err)
	}
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	if _, err := to.Publish(t.Context(), pkg); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	entrypoint := unpackImage(t, client, at, root)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	if last := len(entrypoint) - 1; entrypoint[last] != "0.0.0.0:8080" {
		t.Fatalf("it runs %q", entrypoint)
	} else {
		entrypoint[last] = address // nothing says that 8080 is free on this machine
	}
	run := &exec.Cmd{Path: entrypoint[0], Args: entrypoint, Dir: "/", Env: []string{}, SysProcAttr: &syscall.SysProcAttr{Chroot: root}}
	if os.Getuid() != 0 {
		run.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		run.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		run.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if err := run.Start(); err != nil {
		if errors.Is(err, syscall.EPERM) {
			t.Skipf("no root directory can be changed: %v", err)
		}
		t.Fatal(err)
	}
	defer func() { _ = run.Process.Kill(); _ = run.Wait() }()
	answers(t, "http://"+address+"/index.yaml")
	answer, err := http.Get("http://" + address + "/charts/" + pkg.Filename)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || !bytes.Equal(body, pkg.Data) {
		t.Errorf("%s: %d bytes, %v", answer.Status, len(body), err)
	}
}

// unpackImage unpacks an image into a folder, and gives what it runs.
func unpackImage(t *testing.T, client *registry.Client, at registry.Reference, root string) []string {
	t.Helper()
	contents, err := client.Contents(t.Context(), at, []string{"linux/amd64"})
	if err != nil {
		t.Fatal(err)
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(contents.Manifests[0].Data, &m); err != nil {
		t.Fatal(err)
	}
	text, err := client.Blob(t.Context(), at, m.Config, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var config ocispec.Image
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	for _, l := range m.Layers {
		data, err := client.Blob(t.Context(), at, l, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		archive := tar.NewReader(plain)
		for {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(root, filepath.Clean("/"+header.Name))
			if header.Typeflag == tar.TypeDir {
				err = os.MkdirAll(path, 0o755)
			} else {
				var content []byte
				if content, err = io.ReadAll(archive); err == nil {
					err = os.WriteFile(path, content, os.FileMode(header.Mode))
				}
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return config.Config.Entrypoint
}
