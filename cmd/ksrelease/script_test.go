package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/cloud"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/testutil/canary"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/worker"
)

func TestMain(m *testing.M) {
	if worker.Asked() {
		serveWorker(onlyRulesOfScripts)
	}
	if os.Getenv("KSRELEASE_TEST_MAIN") != "" {
		refuseSharedCache()
		main() // a test started this binary as ksrelease
	}
	if file := os.Getenv(peakFile); file != "" {
		refuseSharedCache()
		mainWithPeak(file)
	}
	if dir, err := os.UserCacheDir(); err == nil {
		_ = os.Setenv(cacheOfTests, dir)
	}
	testscript.Main(m, map[string]func(){"ksrelease": func() { os.Exit(realMain(impatient)) }})
}

// cacheOfTests is a variable with the cache folder of whom the tests run for.
const cacheOfTests = "KSRELEASE_TEST_USER_CACHE"

// refuseSharedCache ends a process that a test has started as ksrelease, if what others have kept would
// be seen by it: a test that passes because of that may fail elsewhere, and the other way round.
func refuseSharedCache() {
	dir, err := os.UserCacheDir()
	if err == nil && dir == os.Getenv(cacheOfTests) {
		fmt.Fprintln(os.Stderr, "this test has no cache folder of its own: add ownFolders to the environment of the process")
		os.Exit(70)
	}
}

// ownFolders are variables of the environment, for a process of ksrelease that a test starts: what it
// reads and keeps for the user lies in a folder of the test, and it speaks English.
func ownFolders(dir string) []string {
	return []string{
		"HOME=" + dir, "XDG_CONFIG_HOME=" + filepath.Join(dir, ".config"), "XDG_CACHE_HOME=" + filepath.Join(dir, ".cache"),
		language.Variable + "=en", "KSRELEASE_CACHE_DIR=", "KSRELEASE_CACHE_LIMIT=", "KSRELEASE_CACHE_REMOTE=", "KSRELEASE_CACHE_REMOTE_MODE=",
	}
}

// impatient has ksrelease in scripts try again at once. How long it waits has tests in fake time.
func impatient(a *app.App) {
	a.RetryWait, a.ReviewWait = 10*time.Millisecond, 50*time.Millisecond
}

// TestScript runs the scenarios that a user could type. Each script says in
// its first line what it stands for.
//
// Besides the usual commands, scripts have:
//
//	market                    serves a marketplace of its own; $MARKET is its address
//	market log FILE           writes the requests it got so far to FILE, and forgets them
//	market approve NAME@VER   reviews what was submitted; market reject NAME@VER MESSAGE likewise
//	market expire AFTER       refuses every API key after so many more requests of the API
//	market hide               shows an empty index from now on; market show ends that
//	market seed               fills it with what a stock ksbuilder pushed (../shared)
//	charts serve DIR          makes a Helm repository of the charts in DIR and serves it at
//	                          $CHARTS; again to add to it
//	charts log FILE           writes the requests it got so far to FILE, and forgets them
//	tls serve                 serves the marketplace over TLS, too: $CLOUD_TLS for its API, with
//	                          the authority cloud.pem, and $CHARTS_TLS as Helm repository, with charts.pem
//	tls expired FILE          writes an authority that expired long ago
//	tls proxy                 starts a proxy, $PROXY, that knows them as cloud.example.com and charts.example.com
//	tls log FILE              writes what the proxy was asked for to FILE, and forgets it
//	registry [USER PASSWORD]  starts a registry as a process of its own; $REGISTRY is its host
//	museum [USER PASSWORD]    starts a ChartMuseum, $MUSEUM; museum log FILE writes the requests it got so far, and forgets them;
//	                          museum down has it answer 502, museum up ends that; museum get FILE COPY copies a package of it
//	keys DIR NAME [PASSPHRASE]  makes keys: NAME.asc and NAME.gpg (OpenPGP), NAME.pem and NAME.pub
//	helm ARGUMENT…            runs a stock helm
//	hook STATUS ANSWER        serves $HOOK, to which releases are announced; hook log FILE writes what it got
//	unpack DIR                unpacks the real packages of ../shared/corpus into DIR
//	noise FILE BYTES          writes a file that does not compress, the same one each time; a .png looks like one
//	waitfor FILE              waits until FILE is there
//	edit FILE OLD NEW         replaces text in a file
//	scrub FILE                takes out of a file what differs from run to run: times, ports
//
// After each script its output and files are searched for secrets
// (canary_script_test.go). With -short (under the race detector) those alone run that
// are concurrent.
func TestScript(t *testing.T) {
	watch := canary.New()
	t.Cleanup(func() {
		outputs, bytes := watch.Searched()
		t.Logf("%d outputs and files with %d bytes were searched for secrets", outputs, bytes)
	})
	testscript.RunT(&scriptT{T: t, watch: watch}, testscript.Params{
		Files:         scripts(t),
		UpdateScripts: os.Getenv("UPDATE") != "",
		Setup:         setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"market":   marketCommandInScript,
			"charts":   chartsCommandInScript,
			"tls":      tlsCommandInScript,
			"edit":     editInScript,
			"holds":    holdsInScript,
			"hook":     hookInScript,
			"museum":   museumCommandInScript,
			"registry": registryInScript,
			"keys":     keysInScript,
			"helm":     helmInScript,
			"image":    imageInScript,
			"scrub":    scrubInScript,
			"waitfor":  waitForInScript,
			"noise":    noiseInScript,
			"unpack":   unpackInScript,
		},
		Condition: func(condition string) (bool, error) {
			if condition != "corpus" {
				return false, fmt.Errorf("unknown condition %q", condition)
			}
			packages, err := realPackages("corpus")
			return len(packages) > 0, err
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// concurrent are the scripts in which most goroutines meet: several extensions are released,
// uploaded, waited for or asked about at once, with a signal or a refused key in between. Each
// process takes a second to start under the race detector; what the other scripts have of
// concurrency runs there within the test process (rehearsal_test.go).
var concurrent = []string{"all_or_nothing", "drift", "interrupt", "key_expires", "key_review", "requests", "status"}

// scripts are the files of TestScript.
func scripts(t *testing.T) []string {
	all, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil || len(all) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	if !testing.Short() {
		return all
	}
	return slices.DeleteFunc(all, func(file string) bool {
		return !slices.Contains(concurrent, strings.TrimSuffix(filepath.Base(file), ".txtar"))
	})
}

func setUp(env *testscript.Env) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	env.Setenv("ROOT", root)
	env.Setenv("XDG_CACHE_HOME", filepath.Join(home, ".cache"))
	env.Values[served{}] = &servedInScript{}
	env.Values[servedCharts{}] = &chartsInScript{}
	env.Values[registriesKey{}] = map[string]*registrytest.Registry{}
	env.Values[securedServers{}] = &securedInScript{}
	env.Values[hook{}] = &hookServer{}
	env.Values[museumServer{}] = &museumInScript{}
	env.Values[scriptTest{}] = env.T().(*scriptT).T
	return env.T().(*scriptT).begin(env)
}

// scriptTest is the key of a script's own *testing.T.
type scriptTest struct{}

type served struct{}

// servedInScript is the marketplace of one script, with what it was asked.
type servedInScript struct {
	handler *marketplace.Marketplace
	server  *httptest.Server

	mu     sync.Mutex
	log    []string
	hidden bool
	left   *int // requests of the API until the key expires; nil: it never does
}

func (s *servedInScript) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	line := r.Method + " " + r.URL.RequestURI()
	if r.Header.Get("If-None-Match") != "" {
		line += " if it has changed"
	}
	s.log = append(s.log, line)
	hidden := s.hidden && r.URL.Path == "/index.yaml"
	expired := s.left != nil && strings.HasPrefix(r.URL.Path, "/apis/")
	if expired {
		*s.left--
		expired = *s.left < 0
	}
	s.mu.Unlock()
	if expired {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"message":"the key has expired"}`)
		return
	}
	if hidden {
		_, _ = io.WriteString(w, "apiVersion: v1\nentries: {}\n")
		return
	}
	s.handler.ServeHTTP(w, r)
}

func (s *servedInScript) start() *httptest.Server { return httptest.NewServer(s) }

// serveMarketplace serves a marketplace without extensions until a test ends, at the address of s.server.
func serveMarketplace(t *testing.T) (s *servedInScript) {
	t.Helper()
	m, err := marketplace.Open(filepath.Join(t.TempDir(), "market"), marketplace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	s = &servedInScript{handler: m}
	s.server = s.start()
	t.Cleanup(s.server.Close)
	return s
}

// drain returns the requests so far, in order, and forgets them.
func (s *servedInScript) drain() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := s.log
	s.log = nil
	return log
}

func marketCommandInScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("market cannot be negated")
	}
	s := ts.Value(served{}).(*servedInScript)
	switch {
	case len(args) == 0:
		m, err := marketplace.Open(ts.MkAbs(".market"), marketplace.Options{})
		ts.Check(err)
		s.handler = m
		s.server = s.start()
		ts.Defer(func() {
			s.server.Close()
			_ = m.Close()
		})
		ts.Setenv("MARKET", s.server.URL)
	case args[0] == "log" && len(args) == 2:
		sorted := slices.Sorted(slices.Values(s.drain())) // extensions run side by side
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(append(sorted, ""), "\n")), 0o644))
	case args[0] == "hide" || args[0] == "show":
		s.mu.Lock()
		s.hidden = args[0] == "hide"
		s.mu.Unlock()
	case args[0] == "seed":
		ts.Check(s.seed(ts))
	case args[0] == "approve" && len(args) == 2:
		name, version, _ := strings.Cut(args[1], "@")
		ts.Check(s.handler.Approve(name, version))
	case args[0] == "reject" && len(args) == 3:
		name, version, _ := strings.Cut(args[1], "@")
		ts.Check(s.handler.Reject(name, version, args[2]))
	case args[0] == "expire" && len(args) == 2:
		after, err := strconv.Atoi(args[1])
		ts.Check(err)
		s.mu.Lock()
		s.left = &after
		s.mu.Unlock()
	default:
		ts.Fatalf("usage: market [log FILE | approve NAME@VERSION | reject NAME@VERSION MESSAGE | expire AFTER | hide | show | seed]")
	}
}

// seed pushes and submits, by the wire, what a stock ksbuilder pushed; their
// icons lie on the server of that day, and are served here from the corpus.
func (s *servedInScript) seed(ts *testscript.TestScript) error {
	packages, err := realPackages("reference/ksbuilder-push")
	if err != nil {
		return err
	}
	client, err := cloud.New(cloud.Options{Server: s.server.URL, Token: canary.Token})
	if err != nil {
		return err
	}
	ctx := context.Background()
	for _, file := range packages {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		ext, err := extension.Read(file, data, extension.Limits{})
		if err != nil {
			return err
		}
		name := ext.Metadata.Name
		local, err := extension.Load(ts.MkAbs(filepath.Join("extensions", name)), extension.Options{})
		if err != nil {
			return err
		}
		if data, err = seeded(ext, local, client, ctx); err != nil {
			return err
		}
		snapshot, err := client.PushPackage(ctx, "local", name, filepath.Base(file), data)
		if err != nil {
			return err
		}
		if err := client.Submit(ctx, "local", snapshot.ID, "seed"); err != nil {
			return err
		}
	}
	s.drain()
	return nil
}

// seeded is a package of ksbuilder whose icon has been uploaded here.
func seeded(ext, local *extension.Extension, client *cloud.Client, ctx context.Context) ([]byte, error) {
	icon := local.Assets[0]
	urls, err := client.UploadFiles(ctx, "local", "the icon", []cloud.Upload{{
		Name: icon.RemoteName, Path: "/files/local/" + ext.Metadata.Name + "/seed/" + icon.RemoteName, Data: icon.Data,
	}})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	archive := tar.NewWriter(zipped)
	chart, err := ext.FoundChart()
	if err != nil {
		return nil, err
	}
	chart.Icon = urls[0]
	chartYAML, err := yaml.Marshal(chart)
	if err != nil {
		return nil, err
	}
	for _, f := range append(ext.Files, extension.File{Name: "Chart.yaml", Data: chartYAML}) {
		data := f.Data
		if f.Name == extension.MetadataFile {
			data = bytes.ReplaceAll(data, []byte(ext.Metadata.Icon), []byte(urls[0]))
		}
		header := &tar.Header{Name: ext.Metadata.Name + "/" + f.Name, Mode: 0o644, Size: int64(len(data))}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(data); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// realPackages lists the packages in a folder of ../shared; none where it is
// not beside the project.
func realPackages(folder string) ([]string, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(root, "..", "shared", filepath.FromSlash(folder), "*.tgz"))
}

func unpackInScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: unpack DIR")
	}
	packages, err := realPackages("corpus")
	ts.Check(err)
	for _, file := range packages {
		archive, err := os.Open(file)
		ts.Check(err)
		zipped, err := gzip.NewReader(archive)
		ts.Check(err)
		for entries := tar.NewReader(zipped); ; {
			header, err := entries.Next()
			if err == io.EOF {
				break
			}
			ts.Check(err)
			to := filepath.Join(ts.MkAbs(args[0]), filepath.FromSlash(header.Name))
			ts.Check(os.MkdirAll(filepath.Dir(to), 0o755))
			data, err := io.ReadAll(entries)
			ts.Check(err)
			ts.Check(os.WriteFile(to, data, 0o644))
		}
		ts.Check(archive.Close())
	}
}

func editInScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	file := ts.MkAbs(args[0])
	data, err := os.ReadFile(file)
	ts.Check(err)
	old, fresh := []byte(args[1]), []byte(args[2])
	if !bytes.Contains(data, old) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(file, bytes.ReplaceAll(data, old, fresh), 0o644))
}

// noiseInScript writes what no two names share, so that gzip cannot make one out
// of another.
func noiseInScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: noise FILE BYTES")
	}
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	data := make([]byte, size)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(args[0]))).Read(data)
	if filepath.Ext(args[0]) == ".png" {
		copy(data, "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x04\x00\x00\x00\x03\x00\x08\x02\x00\x00\x00\x35\xd8\x82\x5a")
	}
	file := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o755))
	ts.Check(os.WriteFile(file, data, 0o644))
}

func waitForInScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor FILE")
	}
	for range 400 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	ts.Fatalf("%s did not appear", args[0])
}

var scrubbed = []struct {
	differs *regexp.Regexp
	as      string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`), "TIME"},
	{regexp.MustCompile(`"milliseconds": ?\d+`), `"milliseconds": 0`},
	{regexp.MustCompile(` in \d+(\.\d+)? m?s\b`), " in TIME"},
	{regexp.MustCompile(`(?m)  \d+(\.\d+)? m?s$`), "  TIME"}, // the column of a table
	{regexp.MustCompile(`  \d+(\.\d+)? m?s {2,}`), "  TIME  "},
	{regexp.MustCompile(`TIME {2,}NOTES`), "TIME  NOTES"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "HOST"},
	{regexp.MustCompile(`\b\d{18}\b`), "SNAPSHOT"},
	{regexp.MustCompile(`\bsha256:[0-9a-f]{64}\b`), "sha256:DIGEST"},
	{regexp.MustCompile(`time="[0-9.]+"`), `time="0"`},
}

func scrubInScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: scrub FILE")
	}
	file := ts.MkAbs(args[0])
	data, err := os.ReadFile(file)
	ts.Check(err)
	for _, s := range scrubbed {
		data = s.differs.ReplaceAll(data, []byte(s.as))
	}
	ts.Check(os.WriteFile(file, data, 0o644))
}

// moduleRoot is the folder of go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above")
		}
		dir = parent
	}
}
