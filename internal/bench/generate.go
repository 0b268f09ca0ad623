package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/ksrelease/ksrelease/internal/bench/generate"
)

// sizes say how large a monorepo and its index are to be.
type sizes struct {
	seed       uint64
	extensions int
	tree       int // bytes of an extension on average; 0 for those of public ones
	names      int // in the index; 0 for as many as there are extensions
	versions   int // of each name in the index
	unreleased int // every extension whose number it divides is not in the index; 0 for none
}

// write makes a monorepo in dir, and its index in dir/repository/index.yaml.
func (s sizes) write(ctx context.Context, dir string) error {
	if err := (generate.Monorepo{Seed: s.seed, Extensions: s.extensions, TreeBytes: s.tree}).Write(ctx, dir); err != nil {
		return err
	}
	repository := filepath.Join(dir, "repository")
	if err := os.MkdirAll(repository, 0o755); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(repository, "index.yaml"))
	if err != nil {
		return err
	}
	names := s.names
	if names == 0 {
		names = s.extensions
	}
	index := generate.Index{Seed: s.seed, Names: names, Versions: s.versions, Monorepo: dir, Unreleased: s.unreleased}
	return errors.Join(index.Write(ctx, file), file.Close())
}

// inProcess is write in a process of its own: what a tool is reported to have had in memory
// is never less than what the bench had when it started it, and making trees takes memory.
func (s sizes) inProcess(ctx context.Context, dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "-generate", dir, "-seed", strconv.FormatUint(s.seed, 10),
		"-extensions", strconv.Itoa(s.extensions), "-tree", strconv.Itoa(s.tree), "-names", strconv.Itoa(s.names),
		"-versions", strconv.Itoa(s.versions), "-unreleased", strconv.Itoa(s.unreleased))
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making a monorepo of %d extensions: %w\n%s", s.extensions, err, output)
	}
	return nil
}
