package ruletest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"sigs.k8s.io/yaml"
)

// Files of a case that are no part of its extension.
const (
	wantFile    = "want"
	withoutFile = "without"
	sinceFile   = "since"
	// earlierFolder has the files in which the earlier extension differs from the base.
	earlierFolder = "earlier/"
	// registriesFile says what registries say, for rules that ask.
	registriesFile = "registries"
)

//go:embed all:base
var base embed.FS

// Base are the files of an extension without a fault, by name.
func Base() map[string][]byte {
	sub, err := fs.Sub(base, "base")
	if err != nil {
		panic(err) // the name is a constant
	}
	files, err := readFiles(sub)
	if err != nil {
		panic(err) // they are in the binary
	}
	return files
}

// Good is the extension of the base: what is found in it is found in any extension.
func Good(t testing.TB) *extension.Extension {
	t.Helper()
	ext, err := (&testCase{}).load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return ext
}

// testCase is one case.
type testCase struct {
	dir     string
	own     map[string][]byte // the files of the case, without expectations
	without []string          // files of the base that it does not have
	wanted  []expectation
	head    string // the comment at the top of the file want
	earlier *lint.Earlier
	said    *lint.Registries
}

// readCase reads a case and takes the expectations out of its files.
func readCase(dir string) (*testCase, error) {
	files, err := readFiles(os.DirFS(dir))
	if err != nil {
		return nil, err
	}
	c := &testCase{dir: dir}
	if c.head, c.wanted, err = parseWant(string(files[wantFile])); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, wantFile), err)
	}
	known := Base()
	for _, name := range strings.Fields(string(files[withoutFile])) {
		if _, ok := known[name]; !ok {
			return nil, fmt.Errorf("%s: the base has no file %s", filepath.Join(dir, withoutFile), name)
		}
		c.without = append(c.without, name)
	}
	if c.earlier, err = earlierIn(files); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if said, ok := files[registriesFile]; ok {
		c.said = &lint.Registries{}
		if err := yaml.UnmarshalStrict(said, c.said); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", dir, registriesFile, err)
		}
	}
	delete(files, registriesFile)
	delete(files, wantFile)
	delete(files, withoutFile)
	for name, data := range files {
		text, found, err := takeComments(name, string(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, filepath.FromSlash(name)), err)
		}
		files[name] = []byte(text)
		c.wanted = append(c.wanted, found...)
	}
	c.own = files
	return c, nil
}

// earlierIn takes the earlier version of the extension out of the files of a case: what the file
// since says of it, and its files, where there are any.
func earlierIn(files map[string][]byte) (*lint.Earlier, error) {
	said, ok := files[sinceFile]
	delete(files, sinceFile)
	var earlier lint.Earlier
	if err := yaml.UnmarshalStrict(said, &earlier); err != nil {
		return nil, fmt.Errorf("%s: %w", sinceFile, err)
	}
	older := map[string][]byte{}
	for name, data := range files {
		if inside, below := strings.CutPrefix(name, earlierFolder); below {
			older[inside] = data
			delete(files, name)
		}
	}
	if len(older) > 0 {
		own, err := withPackages(older)
		if err != nil {
			return nil, err
		}
		all := Base()
		maps.Copy(all, own)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			earlier.Files = append(earlier.Files, extension.File{Name: name, Data: all[name]})
		}
	}
	if !ok && len(older) == 0 {
		return nil, nil
	}
	return &earlier, nil
}

// load writes the extension of the case into a folder that is empty, and reads it.
func (c *testCase) load(dir string) (*extension.Extension, error) {
	files := Base()
	for _, name := range c.without {
		delete(files, name)
	}
	own, err := withPackages(c.own)
	if err != nil {
		return nil, err
	}
	maps.Copy(files, own)
	for name, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return nil, err
		}
	}
	return extension.Load(dir, extension.Options{Display: display})
}

// problems are what is wrong with the findings of a case.
func (c *testCase) problems(findings []lint.Finding) []string {
	return slices.Concat(c.compare(findings), wellFormed(findings), inChinese(findings))
}

// compare says in which findings and expectations differ.
func (c *testCase) compare(findings []lint.Finding) (problems []string) {
	wanted := slices.Clone(c.wanted)
	for _, f := range findings {
		got := found(f)
		if i := slices.IndexFunc(wanted, got.meets); i >= 0 {
			wanted = slices.Delete(wanted, i, i+1)
		} else {
			problems = append(problems, "found, and not expected:\n+ "+got.String())
		}
	}
	for _, w := range wanted {
		problems = append(problems, "expected, and not found:\n- "+w.String())
	}
	return problems
}

// update writes the findings in place of the expectations.
func (c *testCase) update(findings []lint.Finding) error {
	comments := map[string][]expectation{}
	var listed []expectation
	for _, got := range c.hinted(findings) {
		if text, ok := c.own[got.file]; ok && got.hint == "" && takesComment(got, string(text)) {
			comments[got.file] = append(comments[got.file], got)
		} else {
			listed = append(listed, got)
		}
	}
	for name, text := range c.own {
		if err := c.write(name, putComments(name, string(text), comments[name])); err != nil {
			return err
		}
	}
	if c.head+formatWant(listed) == "" {
		if err := os.Remove(filepath.Join(c.dir, wantFile)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return c.write(wantFile, c.head+formatWant(listed))
}

// hinted are findings with those hints only that are tested: each expectation that has a
// hint keeps one, at its place or, where nothing is found there, elsewhere in its file.
func (c *testCase) hinted(findings []lint.Finding) []expectation {
	var all []expectation
	hints := map[int]string{}
	for _, f := range findings {
		all = append(all, found(f))
		all[len(all)-1].hint = ""
	}
	keep := func(same func(wanted, got expectation) bool) {
		c.wanted = slices.DeleteFunc(c.wanted, func(w expectation) bool {
			for i, got := range all {
				if hints[i] == "" && w.hint != "" && w.file == got.file && w.code == got.code && same(w, got) {
					hints[i] = findings[i].Hint
					return true
				}
			}
			return false
		})
	}
	keep(func(wanted, got expectation) bool { return wanted.line == got.line && wanted.column == got.column })
	keep(func(expectation, expectation) bool { return true })
	for i, hint := range hints {
		all[i].hint = hint
	}
	return all
}

// write writes a file of the case, unless it has that text.
func (c *testCase) write(name, text string) error {
	file := filepath.Join(c.dir, filepath.FromSlash(name))
	if old, err := os.ReadFile(file); err == nil && string(old) == text {
		return nil
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// readFiles reads all files below a folder, by name.
func readFiles(dir fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(dir, name)
		return err
	})
	return files, err
}

// withPackages packs the folders that are called like a package.
func withPackages(files map[string][]byte) (map[string][]byte, error) {
	packed, inside := map[string][]byte{}, map[string]map[string][]byte{}
	for name, data := range files {
		before, within, ok := strings.Cut(name, ".tgz/")
		if !ok {
			packed[name] = data
			continue
		}
		if inside[before+".tgz"] == nil {
			inside[before+".tgz"] = map[string][]byte{}
		}
		inside[before+".tgz"][path.Clean(within)] = data
	}
	for name, files := range inside {
		data, err := pack(files)
		if err != nil {
			return nil, err
		}
		packed[name] = data
	}
	return packed, nil
}

// pack makes a package that is not compressed, which would take most of the time.
func pack(files map[string][]byte) ([]byte, error) {
	files, err := withPackages(files) // a package may lie in another one
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	stored, err := gzip.NewWriterLevel(&data, gzip.NoCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(stored)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(files[name]); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(archive.Close(), stored.Close()); err != nil {
		return nil, err
	}
	return data.Bytes(), nil
}
