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

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/repo"

	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
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
