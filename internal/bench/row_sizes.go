package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
)

// measureSizes packs the same directories with each tool. What is compared with gzip is the tar in the
// package of ksrelease, to the byte.
func measureSizes(ctx context.Context, l *lab) ([]series, []claim, error) {
	in, err := l.packages(ctx)
	if err != nil {
		return nil, nil, err
	}
	dir := l.folder("monorepo-sizes")
	dirs, err := in.unpackInto(dir)
	if err != nil {
		return nil, nil, err
	}
	if err := configure(dir, "http://127.0.0.1:1", "http://127.0.0.1:1"); err != nil {
		return nil, nil, err
	}
	ours, err := pack(ctx, l.ours("", dir, "package", "--output-dir", l.folder("sizes-ksrelease")), l.folder("sizes-ksrelease"))
	if err != nil {
		return nil, nil, err
	}
	helm, err := l.packWith(ctx, found(l.helm(ctx)), dirs, "helm")
	if err != nil {
		return nil, nil, err
	}
	ksbuilder, err := l.packWith(ctx, found(l.ksbuilder(ctx)), dirs, "ksbuilder")
	if err != nil {
		return nil, nil, err
	}
	zipped, err := gzipped(ctx, ours)
	if err != nil {
		return nil, nil, err
	}
	total := ours.total()
	all := claim{what: "all packages", is: float64(total), target: 830_000, unit: exactBytes, exact: true}
	if !in.real {
		all.missing = "this target is for the six real packages"
	}
	return nil, []claim{
		all,
		{what: "largest package : helm's of the same files", is: ours.largest(helm), target: 1, unit: precise, exact: true, missing: helm.without},
		{what: "all packages : helm's", is: share(total, helm.total()), target: 1, unit: precise, exact: true, missing: helm.without},
		{what: "all packages : ksbuilder's", is: share(total, ksbuilder.total()), target: 1, unit: precise, exact: true, missing: ksbuilder.without},
		{what: "all packages : gzip -9 of the same tars", is: share(total, zipped.total()), target: 1, unit: precise, shown: true, missing: zipped.without},
	}, nil
}

// packed are the packages that a tool has made, by their file names.
type packed struct {
	folder  string
	sizes   map[string]int64
	without string // why the tool is not to be had; "" where it is
}

// pack has a tool make its packages in a folder.
func pack(ctx context.Context, t tool, folder string) (packed, error) {
	t.out = folder
	p := packed{folder: folder, sizes: map[string]int64{}, without: t.without}
	if t.without != "" {
		return p, nil
	}
	if _, err := t.once(ctx, 0); err != nil {
		return p, err
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil {
		return p, err
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return p, err
		}
		p.sizes[filepath.Base(file)] = info.Size()
	}
	return p, nil
}

// packWith packs directories with helm or ksbuilder.
func (l *lab) packWith(ctx context.Context, by peer, dirs []string, name string) (packed, error) {
	out := l.folder("sizes-" + name)
	t := tool{name: name, without: by.without, dir: out}
	for _, dir := range dirs {
		t.commands = append(t.commands, []string{by.file, "package", dir})
	}
	return pack(ctx, t, out)
}

func (p packed) total() int64 {
	var total int64
	for _, size := range p.sizes {
		total += size
	}
	return total
}

// largest is the largest share that a package has of the other tool's of the same name.
func (p packed) largest(of packed) float64 {
	var most float64
	for name, size := range p.sizes {
		if theirs, ok := of.sizes[name]; ok {
			most = max(most, share(size, theirs))
		}
	}
	return most
}

// share is 0 of nothing, as where a tool is not to be had.
func share(a, of int64) float64 {
	if of == 0 {
		return 0
	}
	return float64(a) / float64(of)
}

// gzipped are the same tars, packed by gzip -9.
func gzipped(ctx context.Context, p packed) (packed, error) {
	out := packed{sizes: map[string]int64{}}
	command, err := exec.LookPath("gzip")
	if err != nil {
		out.without = err.Error()
		return out, nil
	}
	for name := range p.sizes {
		if out.sizes[name], err = gzipOne(ctx, command, filepath.Join(p.folder, name)); err != nil {
			return out, fmt.Errorf("packing the tar of %s with gzip: %w", name, err)
		}
	}
	return out, nil
}

func gzipOne(ctx context.Context, command, file string) (int64, error) {
	archive, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer archive.Close()
	tar, err := gzip.NewReader(archive)
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, command, "-9", "-n", "-c")
	cmd.Stdin = tar
	var counted counter
	cmd.Stdout = &counted
	err = cmd.Run()
	return int64(counted), err
}

// counter counts the bytes that are written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func precise(f float64) string { return fmt.Sprintf("%.4f", f) }
