package marketplace

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// The whole life of an extension, by every row of the table of the interface.
func TestLifeOfAnExtension(t *testing.T) {
	m := open(t, t.TempDir(), Options{User: "usr-0001"})
	c := serve(t, m)

	if got := string(c.want(200, c.get("/apis/user/v1/user")).body); got != `{"user_id":"usr-0001"}`+"\n" {
		t.Errorf("user = %s", got)
	}
	var usage struct{ Dir string }
	c.want(200, c.get("/apis/extension/v1/users/usr-0001/files/usage")).decode(t, &usage)
	if usage.Dir != "/files/usr-0001" {
		t.Errorf("dir = %q", usage.Dir)
	}

	var uploaded struct{ Files []struct{ URL string } }
	c.want(200, c.upload(files(usage.Dir+"/alc/1.0.0/icon.svg", "<svg/>", usage.Dir+"/alc/1.0.0/a b.png", "PNG")...)).decode(t, &uploaded)
	wantURLs := []string{c.base + "/files/usr-0001/alc/1.0.0/icon.svg", c.base + "/files/usr-0001/alc/1.0.0/a%20b.png"}
	for i, want := range wantURLs {
		if uploaded.Files[i].URL != want {
			t.Errorf("URL %d = %q, want %q", i, uploaded.Files[i].URL, want)
		}
		served := c.want(200, c.get(strings.TrimPrefix(uploaded.Files[i].URL, c.base)))
		if got, want := string(served.body), []string{"<svg/>", "PNG"}[i]; got != want {
			t.Errorf("file %d served = %q, want %q", i, got, want)
		}
	}

	id := c.draft("alc", "1.0.0")
	if !catalog.ValidID(id) {
		t.Errorf("snapshot ID %q is not 18 digits", id)
	}
	if got := c.state("alc", "1.0.0"); got != catalog.Draft {
		t.Errorf("after the push: %s", got)
	}
	if got := c.index().listed(); len(got) != 0 {
		t.Errorf("a draft is in the index: %v", got)
	}
	c.want(404, c.get("/charts/alc-1.0.0.tgz"))

	c.want(200, c.step(id, "submit"))
	if got := c.state("alc", "1.0.0"); got != catalog.Submitted {
		t.Errorf("after the submission: %s", got)
	}
	if got := c.index().listed(); !slices.Equal(got, []string{"alc@1.0.0"}) {
		t.Errorf("index after the submission: %v", got)
	}
	if got := c.want(200, c.get("/charts/alc-1.0.0.tgz")).body; !slices.Equal(got, packed("alc", "1.0.0")) {
		t.Error("the package served is not the one pushed")
	}

	c.want(200, c.step(id, "cancel-submit"))
	if got := c.state("alc", "1.0.0"); got != catalog.Draft {
		t.Errorf("after the withdrawal: %s", got)
	}
	if got := c.index().listed(); len(got) != 0 {
		t.Errorf("index after the withdrawal: %v", got)
	}
	c.want(404, c.get("/charts/alc-1.0.0.tgz"))

	if again := c.draft("alc", "1.0.0", "values.yaml", "replicas: 2\n"); again != id {
		t.Errorf("a push to a draft made snapshot %s, want %s kept", again, id)
	}
	c.want(200, c.step(id, "submit"))
	if err := m.Approve("alc", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	second := c.release("alc", "1.1.0")

	var extension wireExtension
	c.want(200, c.get("/apis/extension/v1/extensions/alc/summary")).decode(t, &extension)
	if !catalog.ValidID(extension.ID) {
		t.Errorf("extension ID %q is not 18 digits", extension.ID)
	}
	want := wireExtension{ID: extension.ID, Name: "alc", Status: catalog.Ready, LatestVersion: wireVersion{"1.0.0"}}
	if diff := cmp.Diff(want, extension); diff != "" {
		t.Error(diff)
	}
	var snapshots []wireSnapshot
	c.want(200, c.get("/apis/extension/v1/extensions/alc/snapshots")).decode(t, &snapshots)
	var seen []string
	for _, s := range snapshots {
		seen = append(seen, s.ID+" "+s.Metadata.Name+" "+s.Metadata.Version+" "+string(s.Status))
		if s.UpdatedAt.IsZero() {
			t.Errorf("version %s has no updated_at", s.Metadata.Version)
		}
	}
	if diff := cmp.Diff([]string{second + " alc 1.1.0 submitted", id + " alc 1.0.0 active"}, seen); diff != "" {
		t.Error(diff)
	}

	if err := m.Reject("alc", "1.1.0", "the icon is missing"); err != nil {
		t.Fatal(err)
	}
	var snapshot wireSnapshot
	c.want(200, c.get("/apis/extension/v1/extensions/alc/versions/1.1.0")).decode(t, &snapshot)
	if snapshot.Status != catalog.Rejected || snapshot.Message != "the icon is missing" {
		t.Errorf("after the rejection: %+v", snapshot)
	}
	if got := c.index().listed(); !slices.Equal(got, []string{"alc@1.0.0"}) {
		t.Errorf("index after the rejection: %v", got)
	}
	c.want(200, c.step(second, "cancel-submit"))
	if got := c.draft("alc", "1.1.0", "values.yaml", "fixed: true\n"); got != second {
		t.Errorf("the corrected version is snapshot %s, want %s", got, second)
	}
	c.want(200, c.step(second, "submit"))
}

func TestSearch(t *testing.T) {
	m := open(t, t.TempDir(), Options{})
	c := serve(t, m)
	c.draft("alc", "1.0.0")
	c.release("web", "1.0.0")
	if err := m.Approve("web", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		query string
		want  []string
	}{
		{`{"developer_ids": ["local"], "statuses": ["*"]}`, []string{"alc", "web"}},
		{`{"developer_ids": ["local"], "statuses": ["ready"]}`, []string{"web"}},
		{`{"developer_ids": ["local"], "statuses": ["draft", "ready"]}`, []string{"alc", "web"}},
		{`{"developer_ids": ["someone"], "statuses": ["*"]}`, []string{}},
		{`{}`, []string{"alc", "web"}},
		{``, []string{"alc", "web"}},
	}
	for _, test := range tests {
		var found struct{ Extensions []wireExtension }
		answer := c.want(200, c.post("/apis/extension/v1/extensions/search", test.query))
		answer.decode(t, &found)
		names := []string{}
		for _, e := range found.Extensions {
			names = append(names, e.Name)
		}
		if !slices.Equal(names, test.want) {
			t.Errorf("%s found %v, want %v", test.query, names, test.want)
		}
		if len(test.want) == 0 && !strings.Contains(string(answer.body), `"extensions":[]`) {
			t.Errorf("nothing found is %s, want an empty list", answer.body)
		}
	}
}

// Everything the marketplace refuses, with its status and words.
func TestRefusals(t *testing.T) {
	const users = "/apis/extension/v1/users/local"
	const limit = 4000
	m := open(t, t.TempDir(), Options{SizeLimit: limit})
	c := serve(t, m)
	drafted := c.draft("drafty", "1.0.0")
	submittedID := c.release("done", "1.0.0")
	activeID := c.release("live", "1.0.0")
	if err := m.Approve("live", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	rejectedID := c.release("bad", "1.0.0")
	if err := m.Reject("bad", "1.0.0", "no"); err != nil {
		t.Fatal(err)
	}
	c.draft("a-1.0.0", "2.0.0")

	noise := make([]byte, 2*limit)
	for i := range noise {
		noise[i] = byte(i * i >> 3)
	}
	as := func(token string) *client { other := *c; other.token = token; return &other }
	push := func(name string, archive []byte) func() reply {
		return func() reply { return c.push(name, archive) }
	}
	upload := func(fields ...field) func() reply {
		return func() reply { return c.upload(fields...) }
	}
	manyFiles := []string{}
	for range maxFiles + 1 {
		manyFiles = append(manyFiles, "/files/local/a/1/x", "x")
	}

	tests := []struct {
		name    string
		ask     func() reply
		status  int
		message string // a part of it
	}{
		{"no token", func() reply { return as("").get("/apis/user/v1/user") }, 401, "no API key: send the header Authorization: Bearer kck-…"},
		{"odd token", func() reply { return as("secret").get("/apis/user/v1/user") }, 401, "this is no API key: one begins with kck-"},
		{"no token for a write", func() reply { return as("").push("alc", packed("alc", "1.0.0")) }, 401, "no API key"},
		{"foreign user", func() reply { return c.get("/apis/extension/v1/users/other/files/usage") }, 403, "the API key is not that of user other"},
		{"foreign user's package", func() reply {
			return c.pushTo("/apis/extension/v1/users/other/extensions/alc/package?force=true&create_extension=true", packed("alc", "1.0.0"))
		}, 403, "not that of user other"},
		{"unknown address", func() reply { return c.get("/apis/extension/v2/x") }, 404, "there is nothing at /apis/extension/v2/x"},
		{"wrong method", func() reply { return c.do("DELETE", "/apis/user/v1/user", "", nil) }, 405, "DELETE is not possible at /apis/user/v1/user"},
		{"unknown extension", func() reply { return c.get("/apis/extension/v1/extensions/nope/summary") }, 404, `there is no extension "nope"`},
		{"snapshots of an unknown extension", func() reply { return c.get("/apis/extension/v1/extensions/nope/snapshots") }, 404, `there is no extension "nope"`},
		{"unknown version", func() reply { return c.get("/apis/extension/v1/extensions/done/versions/1.0") }, 404, `there is no version "1.0" of done`},
		{"search that is no JSON", func() reply { return c.post("/apis/extension/v1/extensions/search", "x") }, 400, "the body is not the JSON that belongs here"},
		{"search too large", func() reply {
			return c.post("/apis/extension/v1/extensions/search", strings.Repeat(" ", wire.MaxJSONBody+1))
		}, 413, "the request is larger than 65536 bytes"},

		{"files that are no form", func() reply { return c.post(users+"/files", "{}") }, 400, "the body is not a form: send it as multipart/form-data"},
		{"no file", upload(), 400, "the form has no file: send the parts file1 and file1_path"},
		{"file without path", upload(field{"file1", "x", []byte("x")}), 400, "the form has file1 but no field file1_path"},
		{"path without file", upload(field{name: "file1_path", data: []byte("/files/local/x")}), 400, "the form has file1_path but no part file1"},
		{"file numbers with a gap", upload(append(files("/files/local/x", "x"), field{"file3", "x", []byte("x")})...), 400, "no part file2, but one of a higher number"},
		{"file twice", upload(append(files("/files/local/x", "x"), field{"file1", "x", []byte("x")})...), 400, "the form has the part file1 twice"},
		{"path that climbs", upload(files("/files/local/../other/x", "x")...), 400, `file1_path "/files/local/../other/x" is not plain (it has '.', '..' or an empty part): use a path like /files/local/EXTENSION/VERSION/NAME`},
		{"path with a backslash", upload(files(`/files/local/a\..\x`, "x")...), 400, "has a backslash"},
		{"path with NUL", upload(files("/files/local/a\x00", "x")...), 400, "has characters that no file name should have"},
		{"relative path", upload(files("files/local/x", "x")...), 400, "is not absolute"},
		{"folder as path", upload(files("/files/local/", "x")...), 400, "is not plain"},
		{"long path", upload(files("/files/local/"+strings.Repeat("x", 256), "x")...), 400, "longer than 255 bytes"},
		{"longer path", upload(files("/files/local/"+strings.Repeat("x/", 256)+"x", "x")...), 400, "the field file1_path is longer than 512 bytes"},
		{"foreign folder", upload(files("/files/other/x", "x")...), 403, `file1_path "/files/other/x" is not in your folder /files/local`},
		{"folder beside", upload(files("/files/local-other/x", "x")...), 403, "is not in your folder"},
		{"outside files", upload(files("/state/extensions/alc.json", "x")...), 403, "is not in your folder"},
		{"too many files", upload(files(manyFiles...)...), 413, "the form has more than 128 files: send them in several requests"},
		{"unknown file", func() reply { return c.get("/files/local/nope.png") }, 404, "there is no file /files/local/nope.png"},
		{"state as a file", func() reply { return c.get("/files/..%2fstate%2fserving.json") }, 404, "there is no file"},
		{"folder as a file", func() reply { return c.get("/files/local/") }, 404, "there is no file"},

		{"package under an odd name", push("Bad_Name", packed("alc", "1.0.0")), 400, "Bad_Name"},
		{"unknown extension without create", func() reply { return c.pushTo(users+"/extensions/new/package?force=true", packed("new", "1.0.0")) }, 404, `there is no extension "new": create_extension=true registers it`},
		{"force that is no bool", func() reply {
			return c.pushTo(users+"/extensions/new/package?force=maybe", packed("new", "1.0.0"))
		}, 400, "force=maybe is neither true nor false"},
		{"package that is no form", func() reply { return c.post(users+"/extensions/new/package?create_extension=true", "{}") }, 400, "the body is not a form"},
		{"form without package", func() reply {
			contentType, body := form(field{"package", "x", []byte("x")})
			return c.do("POST", c.packagePath("new"), contentType, body)
		}, 400, "the form has no part extension_package with the package in it"},
		{"two packages", func() reply {
			contentType, body := form(field{packagePart, "x", []byte("x")}, field{packagePart, "x", []byte("x")})
			return c.do("POST", c.packagePath("new"), contentType, body)
		}, 400, "the form has the part extension_package twice"},
		{"empty package", push("new", nil), 400, "the part extension_package is empty"},
		{"cut form", func() reply {
			contentType, body := form(field{packagePart, "x", packed("new", "1.0.0")})
			return c.do("POST", c.packagePath("new"), contentType, body[:len(body)/2])
		}, 400, "the request could not be read to its end: unexpected EOF"},
		{"package too large", push("new", noise), 413, "the package has 8000 bytes, 4000 more than the limit of 4000: make it smaller"},
		{"package far too large", push("new", make([]byte, 20<<20)), 413, "the package has 20971520 bytes"},
		{"package that is no archive", push("new", []byte("hello")), 422, "the package is not one of an extension"},
		{"package without extension.yaml", push("new", packed("new", "1.0.0", "extension.yaml", "")), 422, "there is no extension.yaml in it"},
		{"package without Chart.yaml", push("new", packed("new", "1.0.0", "Chart.yaml", "")), 422, "the package does not load as a Helm chart: Chart.yaml file is missing"},
		{"package that climbs", push("new", tgz("new/../../x", "x")), 422, "leads out of the package"},
		{"another extension", push("new", packed("old", "1.0.0")), 400, `the name in extension.yaml is "old" where "new" is expected`},
		{"another chart", push("new", packed("new", "1.0.0", "Chart.yaml", "apiVersion: v2\n"+metadata("old", "1.0.0"))), 400, `the name in Chart.yaml is "old" where "new" is expected`},
		{"another version", push("new", packed("new", "1.0.0", "Chart.yaml", "apiVersion: v2\n"+metadata("new", "1.0.1"))), 400, `the version in Chart.yaml is "1.0.1" where "1.0.0" is expected`},
		{"version that is no DNS name", push("new", packed("new", "1.0.0+build")), 422, "1.0.0+build"},
		{"dependency that is not there", push("new", packed("new", "1.0.0", "charts/x.tgz", "no archive")), 422, "the package does not load as a Helm chart"},
		{"file name of another", push("a", packed("a", "1.0.0-2.0.0")), 409, "the file name a-1.0.0-2.0.0.tgz is that of version 2.0.0 of a-1.0.0"},
		{"draft without force", func() reply { return c.pushTo(users+"/extensions/drafty/package", packed("drafty", "1.0.0")) }, 409, "version 1.0.0 of drafty exists as draft: force=true replaces it"},
		{"submitted version", push("done", packed("done", "1.0.0")), 409, "version 1.0.0 of done is submitted already and cannot be replaced: push another version"},
		{"rejected version", push("bad", packed("bad", "1.0.0")), 409, "version 1.0.0 of bad is rejected: take the submission back first, or push another version"},
		{"active version", push("live", packed("live", "1.0.0")), 409, "version 1.0.0 of live is active already"},

		{"submit twice", func() reply { return c.step(submittedID, "submit") }, 409, "version 1.0.0 of done is in state submitted; only one in state draft can be submitted"},
		{"submit what is active", func() reply { return c.step(activeID, "submit") }, 409, "is in state active; only one in state"},
		{"submit what is rejected", func() reply { return c.step(rejectedID, "submit") }, 409, "is in state rejected; only one in state"},
		{"withdraw a draft", func() reply { return c.step(drafted, "cancel-submit") }, 409, "version 1.0.0 of drafty is in state draft; only one in state submitted or rejected can be withdrawn"},
		{"withdraw what is active", func() reply { return c.step(activeID, "cancel-submit") }, 409, "is in state active; only one in state"},
		{"submit nothing known", func() reply { return c.step("123", "submit") }, 404, `there is no snapshot "123"`},
		{"submit with junk", func() reply { return c.post(users+"/snapshots/"+drafted+"/action:submit", "junk") }, 400, "the body is not the JSON that belongs here"},
		{"unknown action", func() reply { return c.step(drafted, "publish") }, 404, "there is nothing at"},
		{"unknown chart", func() reply { return c.get("/charts/nope-1.0.0.tgz") }, 404, "there is no chart nope-1.0.0.tgz in this repository"},
		{"administration with an API key", func() reply { return c.post("/marketplace/v1/extensions/done/versions/1.0.0/approve", "{}") }, 401, "this is for who runs the marketplace"},
	}
	before := snapshotOf(m)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := test.ask()
			if answer.status != test.status || !strings.Contains(answer.message(), test.message) {
				t.Errorf("answer %d %s\nwant %d with %s", answer.status, answer.body, test.status, test.message)
			}
			if got := answer.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
				t.Errorf("Content-Type = %q", got)
			}
		})
	}
	if diff := cmp.Diff(before, snapshotOf(m)); diff != "" {
		t.Errorf("a refused request changed something:\n%s", diff)
	}
	left, err := m.state.Store.List(store.StagingDir)
	if err != nil || len(left) > 0 {
		t.Errorf("refused requests left %d staged files (%v)", len(left), err)
	}
}

// SnapshotOf is all of the state as JSON.
func snapshotOf(m *Marketplace) string {
	text, err := json.MarshalIndent(m.state.All(), "", "  ")
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestWrongMethodSaysWhatIsAllowed(t *testing.T) {
	c := serve(t, open(t, t.TempDir(), Options{}))
	if got := c.want(405, c.do("DELETE", "/index.yaml", "", nil)).header.Get("Allow"); got != "GET, HEAD" {
		t.Errorf("Allow = %q", got)
	}
}

func TestOneTokenOnly(t *testing.T) {
	c := serve(t, open(t, t.TempDir(), Options{Token: "kck-the-one"}))
	if got := c.want(401, c.get("/apis/user/v1/user")); got.message() != "the API key is not valid here" || got.header.Get("WWW-Authenticate") == "" {
		t.Errorf("answer = %s", got.body)
	}
	c.token = "kck-the-one"
	c.want(200, c.get("/apis/user/v1/user"))
}

// An extension belongs to who created it.
func TestAnotherUsersExtension(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir, Options{User: "anna"})
	if err != nil {
		t.Fatal(err)
	}
	id := serve(t, first).draft("alc", "1.0.0")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	c := serve(t, open(t, dir, Options{User: "bert"}))
	for name, answer := range map[string]reply{
		"push":   c.push("alc", packed("alc", "1.0.0")),
		"submit": c.step(id, "submit"),
	} {
		if answer.status != 403 || answer.message() != "extension alc belongs to another user" {
			t.Errorf("%s: %d %s", name, answer.status, answer.body)
		}
	}
}

func TestReviewInTheProcess(t *testing.T) {
	m := open(t, t.TempDir(), Options{})
	c := serve(t, m)
	c.draft("alc", "1.0.0")
	for _, test := range []struct {
		err  error
		want string
	}{
		{m.Approve("nope", "1.0.0"), `there is no extension "nope"`},
		{m.Approve("alc", "2.0.0"), `there is no version "2.0.0" of alc`},
		{m.Approve("alc", "1.0.0"), "version 1.0.0 of alc is in state draft; only one in state submitted can be approved"},
		{m.Reject("alc", "1.0.0", "x"), "version 1.0.0 of alc is in state draft; only one in state submitted can be rejected"},
	} {
		if test.err == nil || test.err.Error() != test.want {
			t.Errorf("error = %v, want %s", test.err, test.want)
		}
	}
}

func TestFilesURL(t *testing.T) {
	c := serve(t, open(t, t.TempDir(), Options{FilesURL: "https://market.example.org/ks/"}))
	var uploaded struct{ Files []struct{ URL, Path string } }
	c.want(200, c.upload(files("/files/local/alc/1.0.0/a.png", "x")...)).decode(t, &uploaded)
	if got, want := uploaded.Files[0].URL, "https://market.example.org/ks/files/local/alc/1.0.0/a.png"; got != want {
		t.Errorf("URL = %q, want %q", got, want)
	}
}

// What strangers upload is never run as this server's own page.
func TestUploadedFilesAreServedAsData(t *testing.T) {
	c := serve(t, open(t, t.TempDir(), Options{}))
	c.want(200, c.upload(files("/files/local/a/1/x.svg", "<svg/>", "/files/local/a/1/noext", "<script>")...))
	served := c.want(200, c.get("/files/local/a/1/x.svg"))
	if got := served.header.Get("Content-Type"); got != "image/svg+xml" {
		t.Errorf("Content-Type = %q", got)
	}
	if got := served.header.Get("Content-Security-Policy"); !strings.Contains(got, "sandbox") || !strings.Contains(got, "default-src 'none'") {
		t.Errorf("Content-Security-Policy = %q", got)
	}
	if got := c.get("/files/local/a/1/noext").header.Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("Content-Type without ending = %q", got)
	}
	head := c.want(200, c.do(http.MethodHead, "/files/local/a/1/x.svg", "", nil))
	if head.header.Get("Content-Length") != "6" || len(head.body) != 0 {
		t.Errorf("HEAD: length %s, body %q", head.header.Get("Content-Length"), head.body)
	}
}

// Files of one name and files below it cannot both be kept.
func TestFileInTheWay(t *testing.T) {
	c := serve(t, open(t, t.TempDir(), Options{}))
	c.want(200, c.upload(files("/files/local/a/b", "x")...))
	if got := c.want(409, c.upload(files("/files/local/a/b/c", "x")...)).message(); !strings.Contains(got, "/files/local/a/b/c cannot be kept") || !strings.Contains(got, "a file has that name") {
		t.Errorf("message = %q", got)
	}
	if got := c.want(409, c.upload(files("/files/local/a", "x")...)).message(); got != "/files/local/a is a folder with files in it: choose another name" {
		t.Errorf("message = %q", got)
	}
	c.want(200, c.upload(files("/files/local/a/b", "y")...))
	if got := string(c.get("/files/local/a/b").body); got != "y" {
		t.Errorf("replaced file = %q", got)
	}
}

func TestClosedMarketplaceSaysSo(t *testing.T) {
	m, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, m)
	if err := errors.Join(m.Close(), m.Close()); err != nil {
		t.Fatal(err)
	}
	if got := c.want(503, c.get("/index.yaml")).message(); got != "the marketplace is closed" {
		t.Errorf("message = %q", got)
	}
	if err := m.Approve("alc", "1.0.0"); err == nil || err.Error() != "the marketplace is closed" {
		t.Errorf("error = %v", err)
	}
}

func FuzzUploadPath(f *testing.F) {
	for _, seed := range []string{"/files/local/a/1/x.png", "/files/local/../x", "/files/local//x", "/files/local/a\\b", "/files/local/%2e%2e/x", "/files/local/…/✓", ".", ""} {
		f.Add(seed)
	}
	m := open(f, f.TempDir(), Options{})
	f.Fuzz(func(t *testing.T, path string) {
		err := m.uploads.checkUploaded(1, &uploadedFile{data: &store.Staged{}, path: path})
		if err != nil {
			var r *wire.Refusal
			if !errors.As(err, &r) || (r.Status != 400 && r.Status != 403) {
				t.Fatalf("error = %v", err)
			}
			return
		}
		if !strings.HasPrefix(path, "/files/local/") || slices.Contains(strings.Split(path, "/"), "..") {
			t.Fatalf("path %q was accepted", path)
		}
	})
}

func TestBodyErrorIsTheClients(t *testing.T) {
	m := open(t, t.TempDir(), Options{})
	reader := &wire.BodyReader{R: io.MultiReader(strings.NewReader("abc"), brokenReader{})}
	_, err := m.state.Store.Stage(reader, 0o644)
	var unread *wire.UnreadError
	if !errors.As(err, &unread) {
		t.Fatalf("error = %v, want that of the request", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection lost") }
