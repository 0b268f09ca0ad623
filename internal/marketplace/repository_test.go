package marketplace

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/repo"

	"github.com/ksrelease/ksrelease/internal/testshared"
)

// getIndexAs asks for the index with one header set.
func (c *client) getIndexAs(method, header, value string) reply {
	c.t.Helper()
	request := c.request(method, "/index.yaml", "", nil)
	// Without it net/http asks for gzip by itself and unpacks in secret.
	request.Header.Set("Accept-Encoding", "identity")
	if header != "" {
		request.Header.Set(header, value)
	}
	answer, err := c.try(request)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer
}

func TestIndexOverHTTP(t *testing.T) {
	c := serve(t, open(t, t.TempDir(), Options{}))
	c.token = "" // a Helm repository asks for none
	empty := c.want(200, c.getIndexAs("GET", "", ""))
	if index := parseIndex(t, empty.body); index.APIVersion != "v1" || index.Entries == nil || len(index.Entries) != 0 {
		t.Errorf("empty index = %s", empty.body)
	}
	c.token = testToken
	c.release("alc", "1.0.0")
	c.token = ""

	plain := c.want(200, c.getIndexAs("GET", "", ""))
	etag := plain.header.Get("ETag")
	if etag == "" || etag == empty.header.Get("ETag") {
		t.Errorf("ETag %q after %q", etag, empty.header.Get("ETag"))
	}
	if got := plain.header.Get("Vary"); got != "Accept-Encoding" {
		t.Errorf("Vary = %q", got)
	}

	packed := c.want(200, c.getIndexAs("GET", "Accept-Encoding", "br, gzip;q=0.8"))
	if packed.header.Get("Content-Encoding") != "gzip" || packed.header.Get("Content-Length") != fmt.Sprint(len(packed.body)) {
		t.Errorf("headers of the compressed index: %v", packed.header)
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(zip)
	if err != nil || !bytes.Equal(unpacked, plain.body) {
		t.Errorf("the compressed index is another one (%v)", err)
	}

	head := c.want(200, c.getIndexAs("HEAD", "", ""))
	if head.header.Get("Content-Length") != fmt.Sprint(len(plain.body)) || len(head.body) > 0 {
		t.Errorf("HEAD: %v, %d bytes", head.header, len(head.body))
	}
	for _, tag := range []string{etag, `"other", ` + etag, "*"} {
		if got := c.getIndexAs("GET", "If-None-Match", tag); got.status != 304 || len(got.body) > 0 {
			t.Errorf("If-None-Match: %s: status %d, %d bytes", tag, got.status, len(got.body))
		}
	}
	conditional := c.request("GET", "/index.yaml", "", nil)
	conditional.Header.Set("If-None-Match", etag)
	conditional.Header.Set("Accept-Encoding", "gzip")
	if got, err := c.try(conditional); err != nil || got.status != 304 || got.header.Get("Content-Encoding") != "" {
		t.Errorf("conditional and compressed: %d %v %v", got.status, got.header, err)
	}
	ranged := c.request("GET", "/index.yaml", "", nil)
	ranged.Header.Set("Range", "bytes=0-9")
	ranged.Header.Set("Accept-Encoding", "gzip")
	if got, err := c.try(ranged); err != nil || got.status != 200 {
		t.Errorf("a part of the compressed index: %d %v", got.status, err)
	}

	c.token = testToken
	c.release("alc", "1.1.0")
	if got := c.getIndexAs("GET", "If-None-Match", etag); got.status != 200 {
		t.Errorf("after a change the old tag still gives %d", got.status)
	}
}

func TestAcceptsGzip(t *testing.T) {
	for value, want := range map[string]bool{
		"": false, "identity": false, "gzip": true, "GZIP": true, "br,gzip": true, "*": true, "gzip;q=0": false,
		"gzip; q=0.5": true, "gzip;q=0.000": false, "gzip;q=x": false, "deflate, *;q=0": false, "x-gzip": false,
	} {
		if got := acceptsGzip([]string{value}); got != want {
			t.Errorf("Accept-Encoding %q: %v, want %v", value, got, want)
		}
	}
}

func TestIndexIsSortedNewestFirst(t *testing.T) {
	c := serve(t, open(t, t.TempDir(), Options{}))
	for _, version := range []string{"1.9.0", "1.10.0", "1.10.0-rc.1", "0.1.0", "2.0.0-alpha"} {
		c.release("web", version)
	}
	c.release("alc", "1.0.0")
	want := []string{"alc@1.0.0", "web@2.0.0-alpha", "web@1.10.0", "web@1.10.0-rc.1", "web@1.9.0", "web@0.1.0"}
	if diff := cmp.Diff(want, c.index().listed()); diff != "" {
		t.Error(diff)
	}
}

// Approving changes nothing in the repository, so that a client that has the index
// need not fetch it again; nor does opening the marketplace anew.
func TestIndexStaysTheSameWhileNothingIsListedOrUnlisted(t *testing.T) {
	dir := t.TempDir()
	m, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, m)
	c.release("alc", "1.0.0")
	etag := c.get("/index.yaml").header.Get("ETag")
	if err := m.Approve("alc", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	c.draft("alc", "1.1.0")
	if got := c.get("/index.yaml").header.Get("ETag"); got != etag {
		t.Errorf("ETag = %s after an approval and a draft, want %s", got, etag)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if got := serve(t, open(t, dir, Options{})).get("/index.yaml").header.Get("ETag"); got != etag {
		t.Errorf("ETag = %s after a restart, want %s", got, etag)
	}
}

// The index is put together from entries; Helm must read from it what it would read
// from one that was written in one piece, whatever the texts are.
func TestIndexHoldsAnyMetadata(t *testing.T) {
	texts := []string{
		"plain", "", "on", "null", "1e3", "0x1F", "~", "2026-11-22", "- a", "key: value", "'quoted' \"twice\"", "a #comment",
		"two\nlines", "trailing newline\n", "\n\nleading newlines", "  indented\n    more\n\n  less\n", "tab\tinside", "\ttab first",
		"unicode ✓ 中文 🎉", "nbsp\u00a0bom\ufeffls\u2028", "back\\slash", "%directive", "--- \n...", strings.Repeat("a long line without end ", 40),
		"block\n\n\n   deep\n" + strings.Repeat("x ", 200) + "\n", "{}", "[", "@at", "`tick", "!tag", "&a *a", "| pipe", "> fold", "control\x07",
	}
	catalogue := map[string]*extensionRecord{}
	want := map[string]*chart.Metadata{}
	created := time.Date(2026, 11, 22, 8, 17, 12, 207152895, time.UTC)
	for i, text := range texts {
		name := fmt.Sprintf("e%d", i)
		if i < 3 {
			name = []string{"on", "null", "1e3"}[i] // names that YAML could read as something else
		}
		metadata := &chart.Metadata{
			APIVersion: "v2", Name: name, Version: "1.0.0", Description: text, Icon: text, Keywords: []string{text, text},
			Annotations:  map[string]string{"a.b/c": text, "z": text},
			Maintainers:  []*chart.Maintainer{{Name: text}},
			Dependencies: []*chart.Dependency{{Name: "sub", Tags: []string{text}, ImportValues: []any{map[string]any{"child": text}}}},
		}
		record := &packageRecord{Filename: name + "-1.0.0.tgz", Digest: strings.Repeat("ab", 32), UploadedAt: created, Chart: metadata}
		catalogue[name] = &extensionRecord{Name: name, Snapshots: []snapshotRecord{{Version: "1.0.0", Status: active, ListedAt: created, Package: record}}}
		want[name] = metadata
	}
	made, err := makeListing(catalogue, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "index.yaml")
	if err := os.WriteFile(file, made.index, 0o644); err != nil {
		t.Fatal(err)
	}
	// Helm's own reader, which is strict about keys. It also sanitises texts, as it
	// does for every index.
	read, err := repo.LoadIndexFile(file)
	if err != nil {
		t.Fatalf("Helm cannot read the index: %v\n%s", err, made.index)
	}
	if !read.Generated.Equal(created) {
		t.Errorf("generated = %v, want %v", read.Generated, created)
	}
	for name, metadata := range want {
		if err := metadata.Validate(); err != nil { // sanitises in the same way
			t.Fatal(err)
		}
		versions := read.Entries[name]
		if len(versions) != 1 {
			t.Errorf("%s has %d versions", name, len(versions))
			continue
		}
		if diff := cmp.Diff(metadata, versions[0].Metadata); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		if versions[0].Digest != strings.Repeat("ab", 32) || !versions[0].Created.Equal(created) || !slices.Equal(versions[0].URLs, []string{"charts/" + name + "-1.0.0.tgz"}) {
			t.Errorf("%s: %+v", name, versions[0])
		}
	}
}

// The packages that a stock ksbuilder sent for the real extensions go in, and Helm sees
// each of them with the metadata it has.
func TestRealPackages(t *testing.T) {
	dir := testshared.Path(t, "reference/ksbuilder-push")
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no packages in %s (%v)", dir, err)
	}
	home := t.TempDir()
	c := serve(t, open(t, home, Options{}))
	var names []string
	for _, archive := range archives {
		data, err := os.ReadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(filepath.Base(archive), ".tgz")
		name := base[:strings.LastIndex(base, "-")]
		names = append(names, name+"@"+base[len(name)+1:])
		var answer struct{ Snapshot wireSnapshot }
		c.want(200, c.push(name, data)).decode(t, &answer)
		c.want(200, c.step(answer.Snapshot.ID, "submit"))
		if got := c.want(200, c.get("/charts/"+base+".tgz")).body; !bytes.Equal(got, data) {
			t.Errorf("%s is served as other bytes", base)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, c.index().listed()); diff != "" {
		t.Error(diff)
	}
	fetched := filepath.Join(t.TempDir(), "index.yaml")
	if err := os.WriteFile(fetched, c.get("/index.yaml").body, 0o644); err != nil {
		t.Fatal(err)
	}
	ours, err := repo.LoadIndexFile(fetched)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := repo.IndexDirectory(dir, "charts")
	if err != nil {
		t.Fatal(err)
	}
	theirs.SortEntries()
	for name, versions := range theirs.Entries {
		for i, version := range versions {
			got := ours.Entries[name][i]
			got.Created = version.Created
			if diff := cmp.Diff(version, got); diff != "" {
				t.Errorf("entry of %s differs from what helm repo index makes:\n%s", name, diff)
			}
		}
	}
}

func TestCompareVersions(t *testing.T) {
	sorted := []string{"0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0", "1.0.0+a", "1.0.0+b", "1.9.0", "1.10.0"}
	for i, a := range sorted {
		for j, b := range sorted {
			got := compareVersions(a, b)
			if (i < j) != (got < 0) || (i == j) != (got == 0) {
				t.Errorf("compareVersions(%s, %s) = %d", a, b, got)
			}
		}
	}
}

func TestNextID(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	first := nextID(0, now)
	if got := formatID(first); !idPattern.MatchString(got) {
		t.Errorf("ID %s has not 18 digits", got)
	}
	if second := nextID(first, now); second != first+1 {
		t.Errorf("the ID after %d at the same time is %d", first, second)
	}
	if back := nextID(first, now.Add(-time.Hour)); back != first+1 {
		t.Errorf("the ID after %d with a clock that went back is %d", first, back)
	}
	if early := formatID(nextID(0, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))); !idPattern.MatchString(early) {
		t.Errorf("ID of the year 2000: %s", early)
	}
	if late := formatID(nextID(0, time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC))); !idPattern.MatchString(late) {
		t.Errorf("ID of the year 3000: %s", late)
	}
}
