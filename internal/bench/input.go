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
	origin string   // where they come from, for people
	dir    string   // the monorepo; .ksrelease.yaml is in it
	dirs   []string // the extensions below it
}

// prepare unpacks the real packages of ../shared/corpus or, where they are not
// next to the project, the example monorepo as `ksrelease package` packs it.
func prepare(ctx context.Context, root, scratch, ksrelease string) (*input, error) {
	in := &input{origin: "../shared/corpus", dir: filepath.Join(scratch, "monorepo")}
	packages, err := filepath.Glob(filepath.Join(root, "..", "shared", "corpus", "*.tgz"))
	if err != nil {
		return nil, err
	}
	if len(packages) == 0 {
		in.origin = "examples/monorepo"
		if packages, err = packExamples(ctx, root, scratch, ksrelease); err != nil {
			return nil, err
		}
	}
	extensions := filepath.Join(in.dir, "extensions")
	if err := os.MkdirAll(extensions, 0o755); err != nil {
		return nil, err
	}
	for _, p := range packages {
		if err := unpack(p, extensions); err != nil {
			return nil, fmt.Errorf("unpacking %s: %w", p, err)
		}
	}
	if in.dirs, err = filepath.Glob(filepath.Join(extensions, "*")); err != nil {
		return nil, err
	}
	if len(in.dirs) == 0 {
		return nil, fmt.Errorf("unpacking %s: there is no extension in it", in.origin)
	}
	return in, nil
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

// configure writes the config that sends a run to the marketplace at address.
func (in *input) configure(address string) error {
	config := fmt.Sprintf("version: 1\ncloud: {server: %q}\nrepository: {url: %q}\nextensions: [{path: extensions/*}]\n", address, address)
	return os.WriteFile(filepath.Join(in.dir, ".ksrelease.yaml"), []byte(config), 0o644)
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
