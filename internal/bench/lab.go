package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ksrelease/ksrelease/internal/testutil/gotool"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
)

// key is well-formed, so that a server is asked as in a real run.
const key = "kck-00000000-0000-4000-8000-000000000000"

// lab has what the rows need. What takes long is made when the first row asks for it.
type lab struct {
	rounds    int
	root      string // of the module
	scratch   string
	ksrelease string
	caches    int // how many there have been
	helm      func(context.Context) (string, error)
	ksbuilder func(context.Context) (string, error)
	packages  func(context.Context) (*input, error)
	// Each of these has the figures of several rows.
	six, ten func(context.Context) (map[string]series, error)
	thousand func(context.Context) (*thousand, error)
}

// peer is the command of another tool.
type peer struct {
	file    string
	without string // why there is none; "" where there is
}

func newLab(ctx context.Context, scratch string, s settings) (*lab, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	l := &lab{rounds: s.rounds, root: root, scratch: scratch}
	progress("building ksrelease")
	if l.ksrelease, err = buildKsrelease(ctx, root, scratch); err != nil {
		return nil, err
	}
	l.helm = onlyOnce(func(ctx context.Context) (string, error) { return buildHelm(ctx, s.helm) })
	l.ksbuilder = onlyOnce(buildKsbuilder)
	l.six = onlyOnce(l.measureSix)
	l.thousand = onlyOnce(l.measureThousand)
	l.ten = onlyOnce(l.measureTen)
	l.packages = onlyOnce(l.prepare)
	return l, nil
}

// buildHelm gives the file that was named, or a helm of the version of go.mod.
func buildHelm(ctx context.Context, file string) (string, error) {
	if file != "" {
		return filepath.Abs(file)
	}
	progress("looking for helm, which is built the first time: that takes a minute or two")
	return helmtest.Build(ctx)
}

// buildKsbuilder gives the file that KSBUILDER names, or a ksbuilder from the Go module proxy where that has it.
func buildKsbuilder(ctx context.Context) (string, error) {
	if file := os.Getenv("KSBUILDER"); file != "" {
		return filepath.Abs(file)
	}
	progress("looking for ksbuilder, as KSBUILDER names none")
	const module = "github.com/kubesphere/ksbuilder"
	return gotool.Tool{Name: "ksbuilder", Module: module, Version: "v0.4.5", Package: module}.Build(ctx)
}

// found is a peer from what was found of it.
func found(file string, err error) peer {
	if err != nil {
		cause, _, _ := strings.Cut(err.Error(), "\n")
		return peer{without: cause}
	}
	return peer{file: file}
}

// folder is the path of the folder of a name; it need not be there.
func (l *lab) folder(name string) string { return filepath.Join(l.scratch, name) }

// ours is a tool that runs ksrelease in a folder.
func (l *lab) ours(name, dir string, args ...string) tool {
	return tool{
		name: name, dir: dir, commands: [][]string{append([]string{l.ksrelease}, args...)},
		env: []string{"KSRELEASE_TOKEN=" + key},
	}
}

// freshCache is the setting that has ksrelease keep its cache in a new, empty folder.
func (l *lab) freshCache() (string, error) {
	l.caches++
	folder := l.folder(fmt.Sprintf("cache-%d", l.caches))
	return "KSRELEASE_CACHE_DIR=" + folder, os.MkdirAll(folder, 0o700)
}

// cold has a tool begin each round with an empty cache.
func (l *lab) cold(t tool) tool {
	t.ready = func(context.Context, int) (turn, error) {
		env, err := l.freshCache()
		return turn{env: []string{env}}, err
	}
	return t
}

// warm has a tool keep its cache from round to round.
func (l *lab) warm(t tool) (tool, error) {
	env, err := l.freshCache()
	t.env = append(t.env, env)
	return t, err
}

// describe says what all was measured on.
func (l *lab) describe() string {
	return fmt.Sprintf("%s/%s, %d CPUs, %s; %d rounds in turn after one that does not count, fewer where a round is long.",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), l.rounds)
}

// onlyOnce makes a function that does something the first time, and gives the same again afterwards.
func onlyOnce[T any](do func(context.Context) (T, error)) func(context.Context) (T, error) {
	var done bool
	var result T
	var err error
	return func(ctx context.Context) (T, error) {
		if !done {
			done = true
			result, err = do(ctx)
		}
		return result, err
	}
}
