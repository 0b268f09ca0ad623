// Command bench compares ksrelease with the tools that people loop over their
// extensions today: stock helm, and ksbuilder where the environment variable
// KSBUILDER names a binary.
//
//	go run ./internal/bench [-rounds N] [-helm FILE] [-registry]
//
// All of them work on the same directories, one after the other, round by round
// (A B A B), so that a machine that slows down slows all of them. What is
// compared is what a user waits for: whole processes, from start to exit. Where there is
// docker-registry, the same packages are pushed to a registry at a distance, too.
// Figures are reported, not judged: the exit code says only whether all could be
// measured, because a busy machine is no defect.
//
// How fast a part of ksrelease is belongs into a Go benchmark next to that part.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"

	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
)

func main() {
	rounds := flag.Int("rounds", 7, "how often each tool runs, after one run that does not count")
	only := flag.Bool("registry", false, "compare nothing but pushes to a registry")
	helm := flag.String("helm", "", "the helm `FILE` to compare with; built in the version of go.mod if empty")
	into := flag.String("generate", "", "make a monorepo in the `FOLDER`, and its index in FOLDER/repository/index.yaml, and measure nothing")
	var s sizes
	flag.Uint64Var(&s.seed, "seed", 1, "for -generate: what all is made of; the same seed gives the same bytes")
	flag.IntVar(&s.extensions, "extensions", 1000, "for -generate: how many there are")
	flag.IntVar(&s.tree, "tree", 0, "for -generate: how many bytes an extension has on average, 0 for as many as public ones (245,000)")
	flag.IntVar(&s.names, "names", 0, "for -generate: how many names the index has, 0 for those of the monorepo")
	flag.IntVar(&s.versions, "versions", 30, "for -generate: how many versions the index has of each")
	flag.IntVar(&s.unreleased, "unreleased", 0, "for -generate: of every `N`th extension the index lacks the present version, 0 for none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *into != "" {
		err := s.write(ctx, *into)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			stop()
			os.Exit(1)
		}
		return
	}
	if err := run(ctx, *rounds, *helm, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// run measures everything and prints it to standard output.
func run(ctx context.Context, rounds int, helm string, onlyRegistry bool) error {
	if rounds < 1 {
		return fmt.Errorf("-rounds is %d, but at least one round is needed", rounds)
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "ksrelease-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)

	progress("building ksrelease")
	ksrelease, err := buildKsrelease(ctx, root, scratch)
	if err != nil {
		return err
	}
	if helm == "" {
		progress("building helm, the first time this takes a minute or two")
		if helm, err = helmtest.Build(ctx); err != nil {
			return err
		}
	}
	if onlyRegistry {
		return compareRegistry(ctx, rounds, ksrelease, helm, scratch)
	}
	progress("unpacking the extensions")
	in, err := prepare(ctx, root, scratch, ksrelease)
	if err != nil {
		return err
	}
	market, err := startMarketplace(ctx, ksrelease, filepath.Join(scratch, "marketplace"))
	if err != nil {
		return err
	}
	defer market.stop()
	if err := in.configure(market.address); err != nil {
		return err
	}

	ours := dryRun(ksrelease, in)
	others := []tool{helmLoop(helm, in, filepath.Join(scratch, "helm-out"))}
	if ksbuilder := os.Getenv("KSBUILDER"); ksbuilder != "" {
		others = append(others, ksbuilderLoop(ksbuilder, in, filepath.Join(scratch, "ksbuilder-out")))
	}
	series, err := takeTurns(ctx, append([]tool{ours}, others...), rounds)
	if err != nil {
		return err
	}
	version, err := takeTurns(ctx, []tool{versionCommand(ksrelease)}, 3*rounds)
	if err != nil {
		return err
	}
	if err := compareRegistry(ctx, min(rounds, 3), ksrelease, helm, scratch); err != nil {
		return err
	}
	binary, err := os.Stat(ksrelease)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s/%s, %d CPUs, %s; %d extensions from %s; %d rounds in turn, after one that does not count\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), len(in.dirs), in.origin, rounds)
	return report{
		dry:     series[0],
		others:  series[1:],
		targets: []float64{1.0 / 3, 1.0 / 6},
		version: version[0],
		binary:  binary.Size(),
	}.write(os.Stdout)
}

func progress(what string) { fmt.Fprintln(os.Stderr, "bench:", what) }

// moduleRoot is the nearest folder above with a go.mod.
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
			return "", fmt.Errorf("there is no go.mod in this folder or above: run this in the project")
		}
		dir = parent
	}
}

// milliseconds writes a duration as people compare them.
func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}
