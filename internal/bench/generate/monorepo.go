package generate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Monorepo is one to be made.
type Monorepo struct {
	Seed       uint64
	Extensions int
	// TreeBytes is about how many bytes an extension has on average: 245,000, as public ones
	// have, if it is 0. The smallest have about 8,000, whatever the average is.
	TreeBytes int
}

const (
	averageTree = 245_000
	smallest    = 6_000
	largest     = 2_500_000
)

// Write makes the folders of extensions below dir/extensions, and a .ksrelease.yaml in dir which declares
// them. What an extension has does not depend on how many there are: a larger monorepo holds the smaller one.
func (m Monorepo) Write(ctx context.Context, dir string) error {
	if m.Extensions < 1 {
		return fmt.Errorf("a monorepo of %d extensions cannot be made", m.Extensions)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, ".ksrelease.yaml"), []byte("version: 1\nextensions: [{path: extensions/*}]\n"), 0o644); err != nil {
		return err
	}
	return each(ctx, m.Extensions, func(number int) error {
		p := profileOf(m.Seed, number)
		return writeFiles(filepath.Join(dir, "extensions", p.name), p.files(m.Seed, m.sizeOf(p)))
	})
}

func (m Monorepo) sizeOf(p profile) int {
	average := m.TreeBytes
	if average == 0 {
		average = averageTree
	}
	return min(max(int(p.spread*float64(average)), smallest), largest)
}

func writeFiles(dir string, files map[string][]byte) error {
	for name, content := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(full, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// each does something for the numbers below n, on all cores.
func each(ctx context.Context, n int, do func(number int) error) error {
	group, ongoing := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for number := range n {
		if ongoing.Err() != nil {
			break
		}
		group.Go(func() error { return do(number) })
	}
	return errors.Join(group.Wait(), ctx.Err())
}

func exists(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}
