package marketplace

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/lease"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
)

func TestReopeningFindsEverything(t *testing.T) {
	dir := t.TempDir()
	m, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, m)
	c.want(200, c.upload(files("/files/local/alc/1.0.0/i.svg", "<svg/>")...))
	id := c.release("alc", "1.0.0")
	drafted := c.draft("web", "0.1.0")
	if err := m.Approve("alc", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	before, index := snapshotOf(m), c.get("/index.yaml").body
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}

	again := open(t, dir, Options{})
	c = serve(t, again)
	if diff := cmp.Diff(before, snapshotOf(again)); diff != "" {
		t.Error(diff)
	}
	if got := c.get("/index.yaml").body; !bytes.Equal(got, index) {
		t.Errorf("index after opening:\n%s\nbefore:\n%s", got, index)
	}
	if got := string(c.get("/files/local/alc/1.0.0/i.svg").body); got != "<svg/>" {
		t.Errorf("file = %q", got)
	}
	if fresh := c.draft("new", "1.0.0"); fresh <= id || fresh <= drafted {
		t.Errorf("a new ID %s is not above %s and %s", fresh, id, drafted)
	}
}

// Opening and closing what is in order only looks: nothing on disk changes, so
// that a dry run is one. What is out of order is put right.
func TestReopeningChangesNothing(t *testing.T) {
	dir := t.TempDir()
	if Exists(dir) {
		t.Error("an empty folder is taken for a marketplace")
	}
	m, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, m).release("alc", "1.0.0")
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if !Exists(dir) {
		t.Error("a marketplace is not known as one")
	}
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	names := filesIn(t, dir)
	for name := range names {
		if err := os.Chtimes(name, long, long); err != nil {
			t.Fatal(err)
		}
	}
	before := filesIn(t, dir)
	reopen := func() {
		t.Helper()
		again, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	reopen()
	if diff := cmp.Diff(before, filesIn(t, dir)); diff != "" {
		t.Error(diff)
	}

	index := filepath.Join(dir, store.PublicIndex)
	good, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{nil, bytes.ToUpper(good)} {
		if err := os.WriteFile(index, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		reopen()
		if got, err := os.ReadFile(index); err != nil || !bytes.Equal(got, good) {
			t.Errorf("damaged index is left as %q, %v", got, err)
		}
	}
}

// filesIn lists the files below dir with the times of their last change.
func filesIn(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	times := map[string]time.Time{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			times[name] = info.ModTime()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return times
}

// The folder is a Helm repository for any web server: index.yaml, and the charts it
// speaks of, no other.
func TestFolderIsAStaticRepository(t *testing.T) {
	dir := t.TempDir()
	m, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, m)
	if index := readStatic(t, dir); len(index.Entries) != 0 {
		t.Errorf("a new marketplace lists %v", index.listed())
	}
	c.release("alc", "1.0.0")
	withdrawn := c.release("web", "1.0.0")
	c.draft("draft", "1.0.0")
	flush(t, m)
	checkStatic(t, dir, "alc@1.0.0", "web@1.0.0")

	c.want(200, c.step(withdrawn, "cancel-submit"))
	flush(t, m)
	checkStatic(t, dir, "alc@1.0.0")

	c.draft("web", "1.0.0", "values.yaml", "other: true\n")
	c.want(200, c.step(withdrawn, "submit"))
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	checkStatic(t, dir, "alc@1.0.0", "web@1.0.0")
	if got := readFile(t, filepath.Join(dir, "public/charts/web-1.0.0.tgz")); !bytes.Equal(got, packed("web", "1.0.0", "values.yaml", "other: true\n")) {
		t.Error("the chart of a replaced draft is the old one")
	}

	// What somebody did to the derived files is undone.
	for name, content := range map[string]string{"public/charts/alc-1.0.0.tgz": "damaged", "public/charts/stray-1.0.0.tgz": "x", "public/index.yaml": "x"} {
		os.Remove(filepath.Join(dir, name))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir, Options{})
	checkStatic(t, dir, "alc@1.0.0", "web@1.0.0")
	if got := readFile(t, filepath.Join(dir, "public/charts/alc-1.0.0.tgz")); !bytes.Equal(got, packed("alc", "1.0.0")) {
		t.Error("a damaged chart was not fixed")
	}
}

// flush waits for the background to have published everything.
func flush(t *testing.T, m *Marketplace) {
	t.Helper()
	if err := m.state.Publish(); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readStatic(t *testing.T, dir string) indexFile {
	t.Helper()
	return parseIndex(t, readFile(t, filepath.Join(dir, "public/index.yaml")))
}

// checkStatic compares the folder with what should be listed: the index, the charts by
// name, and each digest.
func checkStatic(t *testing.T, dir string, want ...string) {
	t.Helper()
	index := readStatic(t, dir)
	if diff := cmp.Diff(want, index.listed()); diff != "" {
		t.Errorf("index.yaml: %s", diff)
	}
	wantFiles := []string{}
	for _, entries := range index.Entries {
		for _, entry := range entries {
			file := filepath.Join(dir, "public/charts", filepath.Base(filepath.FromSlash(entry.URLs[0])))
			wantFiles = append(wantFiles, filepath.Base(file))
			if got := sha256Hex(readFile(t, file)); got != entry.Digest {
				t.Errorf("%s has digest %s, the index says %s", file, got, entry.Digest)
			}
		}
	}
	slices.Sort(wantFiles)
	found, err := os.ReadDir(filepath.Join(dir, "public/charts"))
	if err != nil {
		t.Fatal(err)
	}
	gotFiles := []string{}
	for _, entry := range found {
		gotFiles = append(gotFiles, entry.Name())
	}
	if diff := cmp.Diff(wantFiles, gotFiles); diff != "" {
		t.Errorf("charts: %s", diff)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir, Options{})
	_, err := Open(dir, Options{})
	var locked *lease.LockedError
	if !errors.As(err, &locked) || locked.Address != "" {
		t.Fatalf("error = %v, want a LockedError without address", err)
	}
	if got, want := err.Error(), "opening marketplace "+dir+": another process is using it; wait for it to end, or choose another directory"; got != want {
		t.Errorf("error = %s\nwant    %s", got, want)
	}
	address := serve(t, m).base
	if err := m.SetAddress(address); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, Options{})
	if !errors.As(err, &locked) || locked.Address != address || locked.Dir != dir {
		t.Fatalf("error = %#v, want a LockedError with address", err)
	}
	if got, want := err.Error(), "opening marketplace "+dir+": another process is using it and serves it at "+address+"; use that address, stop that process, or choose another directory"; got != want {
		t.Errorf("error = %s\nwant    %s", got, want)
	}
}

// A replaced draft leaves no package behind.
func TestReplacedPackageGoes(t *testing.T) {
	dir := t.TempDir()
	c := serve(t, open(t, dir, Options{}))
	c.draft("alc", "1.0.0")
	c.draft("alc", "1.0.0", "values.yaml", "two: 2\n")
	c.draft("alc", "1.0.0", "values.yaml", "two: 2\n")
	found, err := os.ReadDir(filepath.Join(dir, "state/packages"))
	if err != nil || len(found) != 1 || found[0].Name() != sha256Hex(packed("alc", "1.0.0", "values.yaml", "two: 2\n"))+".tgz" {
		t.Errorf("packages = %v, %v", found, err)
	}
}

// What cannot be written is not acknowledged, and not believed by the memory either.
func TestUnwritableStateIsNotAcknowledged(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir, Options{})
	c := serve(t, m)
	inTheWay := filepath.Join(dir, "state", "extensions", "alc.json", "x")
	if err := os.MkdirAll(inTheWay, 0o755); err != nil {
		t.Fatal(err)
	}
	answer := c.push("alc", packed("alc", "1.0.0"))
	if answer.status != 500 || !strings.Contains(answer.message(), "writing "+filepath.Dir(inTheWay)) {
		t.Errorf("answer = %d %s", answer.status, answer.body)
	}
	c.want(404, c.get("/apis/extension/v1/extensions/alc/summary"))
	release, err := m.state.ClaimFilename("alc-1.0.0.tgz", catalog.Claim{Extension: "other", Version: "1.0.0"})
	if err != nil {
		t.Fatalf("the file name is still claimed: %v", err)
	}
	release()
	if err := os.RemoveAll(filepath.Dir(inTheWay)); err != nil {
		t.Fatal(err)
	}
	c.release("alc", "1.0.0")
}

func TestOpenRefusesOddOptions(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		options Options
		want    string
	}{
		{Options{User: "../x"}, `user "../x": use 1 to 64 letters`},
		{Options{FilesURL: "ftp://x"}, "give an address like"},
		{Options{Token: "kck with blanks"}, "the API key has a blank at byte 4"},
	} {
		_, err := Open(dir, test.options)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error = %v, want %s", err, test.want)
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, Options{}); err == nil || !strings.Contains(err.Error(), "opening marketplace "+file) {
		t.Errorf("error = %v", err)
	}
}
