package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// What packages may allocate when they are initialised, in bytes, and what the program may
// have. All that a package makes then is made by each command, and by each worker.
const (
	mostOfOurs   = 16 << 10
	mostOfOthers = 64 << 10
	mostOfAll    = 5632 << 10
	largestFile  = 36 << 20
)

// heavy are libraries that allocate more when they are initialised, which cannot be helped.
var heavy = map[string]int{
	"github.com/santhosh-tekuri/jsonschema/v6": 2 << 20, // compiles the schemas of schemas
	"github.com/distribution/reference":        512 << 10,
	"oras.land/oras-go/v2":                     384 << 10,
	"oras.land/oras-go/v2/registry":            256 << 10,
	"github.com/Masterminds/semver/v3":         256 << 10,
	"github.com/yuin/goldmark/util":            192 << 10,
	"github.com/yuin/goldmark/parser":          192 << 10,
	"golang.org/x/net/html":                    192 << 10,
	"github.com/opencontainers/go-digest":      128 << 10,
	// Pages of HTML: texts of strangers are sanitised.
	"github.com/microcosm-cc/bluemonday/css": 512 << 10,
	"github.com/microcosm-cc/bluemonday":     320 << 10,
	"github.com/gorilla/css/scanner":         256 << 10,
	"github.com/yuin/goldmark/extension":     320 << 10,
}

// initialised is a line of GODEBUG=inittrace=1.
var initialised = regexp.MustCompile(`(?m)^init (\S+) @.* (\d+) bytes, \d+ allocs$`)

// TestStart: little is done before a command begins. It counts, so that it says the same on any
// machine: bytes that packages allocate when they are initialised, collections of the garbage
// collector, and the size of the program.
func TestStart(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("one system is enough")
	}
	file := filepath.Join(t.TempDir(), "ksrelease")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building ksrelease: %v\n%s", err, out)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > largestFile {
		t.Errorf("the program has %d bytes, which is more than %d: look at `go tool nm -size -sort size` for what came in", info.Size(), largestFile)
	}
	var trace bytes.Buffer
	run := exec.Command(file, "version")
	run.Env = []string{"GODEBUG=inittrace=1,gctrace=1"}
	run.Stderr = &trace
	if err := run.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &trace)
	}
	packages, sum := initialised.FindAllStringSubmatch(trace.String(), -1), 0
	for _, m := range packages {
		size, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		sum += size
		most := mostOfOthers
		if m[1] == "main" || strings.HasPrefix(m[1], "github.com/ksrelease/") {
			most = mostOfOurs
		}
		if known, ok := heavy[m[1]]; ok {
			most = known
		}
		if size > most {
			t.Errorf("%s allocates %d bytes when it is initialised, which is more than %d: make it when it is first used", m[1], size, most)
		}
	}
	if sum > mostOfAll || len(packages) < 100 {
		t.Errorf("%d packages allocate %d bytes when they are initialised, and may allocate %d", len(packages), sum, mostOfAll)
	}
	if at := strings.Index(trace.String(), "\ngc "); at >= 0 {
		t.Errorf("the garbage collector has worked: %s", strings.SplitN(trace.String()[at+1:], "\n", 2)[0])
	}
}
