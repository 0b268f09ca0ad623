package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// input is what all tools work on: directories that are extensions and, with
// the Chart.yaml of their packages, charts.
type input struct {
	origin   string   // where they come from, for people
	real     bool     // they are the six real ones, and no examples
	packages []string // what they are unpacked from
	dir      string   // the monorepo; .ksrelease.yaml is in it
	dirs     []string // the extensions below it
}

// prepare unpacks the real packages of ../shared/corpus or, where they are not
// next to the project, the example monorepo as `ksrelease package` packs it.
func (l *lab) prepare(ctx context.Context) (*input, error) {
	in := &input{origin: "../shared/corpus", dir: l.folder("monorepo")}
	var err error
	if in.packages, err = filepath.Glob(filepath.Join(l.root, "..", "shared", "corpus", "*.tgz")); err != nil {
		return nil, err
	}
	in.real = len(in.packages) > 0
	if !in.real {
		in.origin = "examples/monorepo"
		if in.packages, err = packExamples(ctx, l.root, l.scratch, l.ksrelease); err != nil {
			return nil, err
		}
	}
	in.dirs, err = in.unpackInto(in.dir)
	return in, err
}

// unpackInto unpacks the packages into dir/extensions, and gives the folders.
func (in *input) unpackInto(dir string) ([]string, error) {
	extensions := filepath.Join(dir, "extensions")
	if err := os.MkdirAll(extensions, 0o755); err != nil {
		return nil, err
	}
	for _, p := range in.packages {
		if err := unpack(p, extensions); err != nil {
			return nil, fmt.Errorf("unpacking %s: %w", p, err)
		}
	}
	dirs, err := filepath.Glob(filepath.Join(extensions, "*"))
	if err == nil && len(dirs) == 0 {
		err = fmt.Errorf("unpacking %s: there is no extension in it", in.origin)
	}
	return dirs, err
}

// packExamples packs a copy of the example monorepo.
func packExamples(ctx context.Context, root, scratch, ksrelease string) ([]string, error) {
	source := filepath.Join(scratch, "examples")
	if err := os.CopyFS(source, os.DirFS(filepath.Join(root, "examples", "monorepo"))); err != nil {
		return nil, fmt.Errorf("copying examples/monorepo: %w", err)
	}
	cmd := exec.CommandContext(ctx, ksrelease, "package")
	cmd.Dir = source
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("packing examples/monorepo: %w\n%s", err, output)
	}
	return filepath.Glob(filepath.Join(source, "dist", "*.tgz"))
}

// configure writes the config of a monorepo: which marketplace and which repository are read. Both may
// be references to variables.
func configure(dir, server, repository string) error {
	config := fmt.Sprintf("version: 1\ncloud: {server: %q}\nrepository: {url: %q}\nextensions: [{path: extensions/*}]\n", server, repository)
	return os.WriteFile(filepath.Join(dir, ".ksrelease.yaml"), []byte(config), 0o644)
}

// unpack writes the files of a package below a folder, and never outside of it.
func unpack(file, into string) (err error) {
	archive, err := os.Open(file)
	if err != nil {
		return err
	}
	defer archive.Close()
	plain, err := gzip.NewReader(archive)
	if err != nil {
		return err
	}
	dir, err := os.OpenRoot(into)
	if err != nil {
		return err
	}
	defer dir.Close()
	for entries := tar.NewReader(plain); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if entry.Typeflag != tar.TypeReg {
			continue
		}
		if err := write(dir, entry.Name, entries); err != nil {
			return err
		}
	}
}

func write(dir *os.Root, name string, content io.Reader) error {
	folder := ""
	for part := range strings.SplitSeq(filepath.ToSlash(filepath.Dir(name)), "/") {
		folder = filepath.Join(folder, part)
		if err := dir.Mkdir(folder, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	file, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}
