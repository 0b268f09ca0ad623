package museumtest_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/testutil/museumtest"
)

// chart is a package as helm makes it.
func chart(t *testing.T, name, version, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&b, gzip.NoCompression) // the same bytes by each version of Go
	if err != nil {
		t.Fatal(err)
	}
	packed := tar.NewWriter(zipped)
	for _, file := range []struct{ name, text string }{
		{"Chart.yaml", fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %q\n", name, version)}, {"values.yaml", "content: " + content + "\n"},
	} {
		if err := packed.WriteHeader(&tar.Header{Name: name + "/" + file.name, Mode: 0o644, Size: int64(len(file.text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(packed, file.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const provenanceOf = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: alc\nversion: %s\n"

// request is one of a conversation.
type request struct {
	method, path string
	body         []byte
	form         map[string][]byte
	key          string // "user:password", or nothing
}

// settle waits for what the program does in the background after a request.
var settle = request{method: "WAIT"}

var update = flag.Bool("update", false, "write testdata anew, with the answers of the program that KSRELEASE_CHARTMUSEUM names")

// The program and the handler give the same answers to the same requests: statuses, types and
// bodies, but for times. Those of ChartMuseum at 09d63b8, four commits after v0.16.5, are recorded in
// testdata, to which the handler is always held, and the program where there is one.
func TestAsTheRealOne(t *testing.T) {
	one, other := chart(t, "alc", "1.0.0", "one"), chart(t, "alc", "1.0.0", "other")
	post := func(path string, body []byte) request { return request{method: "POST", path: path, body: body} }
	get := func(path string) request { return request{method: "GET", path: path} }
	conversations := []struct {
		name     string
		options  museumtest.Options
		requests []request
	}{
		{"an upload", museumtest.Options{}, []request{
			get("/index.yaml"), get("/api/charts"), get("/health"), get("/api/charts/alc/1.0.0"),
			post("/api/charts", one), settle, get("/api/charts/alc/1.0.0"), get("/charts/alc-1.0.0.tgz"), get("/index.yaml"),
			{method: "HEAD", path: "/api/charts/alc/1.0.0"}, {method: "HEAD", path: "/charts/alc-1.0.0.tgz"}, {method: "HEAD", path: "/index.yaml"},
			post("/api/charts", other), {method: "POST", path: "/api/charts", form: map[string][]byte{"chart": other}},
			get("/charts/alc-1.0.0.tgz"), post("/api/charts", []byte("no package")), post("/api/charts", nil),
			get("/api/charts?offset=0&limit=1"), get("/api/charts/alc"), get("/api/charts/none"), get("/charts/none-1.0.0.tgz"), get("/charts/alc.txt"),
			get("/nothing"), post("/api/nothing", nil), {method: "PUT", path: "/api/charts"}, post("/api/org/charts", one), get("/org/index.yaml"),
			{method: "DELETE", path: "/api/charts/alc/1.0.0"}, settle, get("/api/charts/alc/1.0.0"), get("/charts/alc-1.0.0.tgz"),
		}},
		{"spellings and ranges", museumtest.Options{}, []request{
			post("/api/charts", one), post("/api/charts", chart(t, "alc", "v1.0.0", "v")), post("/api/charts", chart(t, "alc", "1.0.0+b1", "b")),
			post("/api/charts", chart(t, "alc", "1.0.0-rc.1", "rc")), post("/api/charts", chart(t, "alc", "01.0.0", "zero")), post("/api/charts", chart(t, "alc", "x", "x")), settle,
			get("/api/charts/alc/1.0"), get("/api/charts/alc/v1.0.0"), get("/api/charts/alc/1.0.0+b1"), get("/api/charts/alc/1.0.0+zz"), get("/api/charts/alc/1.0.0-rc.1"),
			get("/api/charts/alc/01.0.0"), get("/api/charts/alc/2.0.0"), get("/api/charts/alc/x"), get("/api/charts/alc/latest"), get("/api/charts/alc/%3E0"),
			get("/charts/alc-1.0.0+b1.tgz"), get("/charts/alc-v1.0.0.tgz"), get("/charts/alc-1.0.0%2Bb1.tgz"),
		}},
		{"force with any value", museumtest.Options{}, []request{
			post("/api/charts", one), settle, post("/api/charts?force=false", other), settle, get("/charts/alc-1.0.0.tgz"), get("/api/charts/alc/1.0.0"),
		}},
		{"allowed to overwrite", museumtest.Options{AllowOverwrite: true}, []request{
			post("/api/charts", one), settle, post("/api/charts", other), settle, get("/charts/alc-1.0.0.tgz"), get("/api/charts/alc/1.0.0"),
		}},
		{"provenance", museumtest.Options{}, []request{
			post("/api/prov", []byte(fmt.Sprintf(provenanceOf, "1.0.0"))), get("/charts/alc-1.0.0.tgz.prov"), post("/api/prov", []byte(fmt.Sprintf(provenanceOf, "1.0.0"))), post("/api/prov", []byte("none")),
			{method: "POST", path: "/api/charts", form: map[string][]byte{"chart": one, "prov": []byte(fmt.Sprintf(provenanceOf, "1.0.0"))}}, get("/charts/alc-1.0.0.tgz"),
			{method: "POST", path: "/api/charts", form: map[string][]byte{"chart": chart(t, "alc", "1.0.1", "one"), "prov": []byte(fmt.Sprintf(provenanceOf, "1.0.1"))}}, settle,
			get("/charts/alc-1.0.1.tgz.prov"), get("/api/charts/alc/1.0.1"), get("/charts/none.tgz.prov"), {method: "POST", path: "/api/charts", form: map[string][]byte{"other": one}},
		}},
		{"provenance with a limit", museumtest.Options{PerChartLimit: 3}, []request{
			{method: "POST", path: "/api/charts", form: map[string][]byte{"chart": one, "prov": []byte(fmt.Sprintf(provenanceOf, "1.0.0"))}},
			post("/api/prov", []byte(fmt.Sprintf(provenanceOf, "1.0.0"))), get("/charts/alc-1.0.0.tgz.prov"),
		}},
		{"folders and passwords", museumtest.Options{Depth: 2, Username: "ci", Password: "secret", AnonymousGet: true}, []request{
			post("/api/org/repo/charts", one), {method: "POST", path: "/api/org/repo/charts", body: one, key: "ci:wrong"}, {method: "POST", path: "/api/org/repo/charts", body: one, key: "ci:secret"}, settle,
			get("/org/repo/index.yaml"), get("/org/other/index.yaml"), get("/index.yaml"), get("/api/org/repo/charts/alc/1.0.0"), get("/org/repo/charts/alc-1.0.0.tgz"), get("/health"),
			{method: "POST", path: "/api/charts", body: one, key: "ci:secret"},
		}},
		{"passwords for all", museumtest.Options{Username: "ci", Password: "secret"}, []request{
			get("/index.yaml"), {method: "GET", path: "/index.yaml", key: "ci:secret"}, get("/api/charts"), {method: "HEAD", path: "/index.yaml"}, get("/nothing"), get("/charts/none-1.0.0.tgz"),
		}},
		{"below a path", museumtest.Options{ContextPath: "/museum", Depth: 1}, []request{
			post("/api/museum/org/charts", one), post("/museum/api/org/charts", one), settle, get("/museum/org/index.yaml"), get("/org/index.yaml"), get("/museum/org/charts/alc-1.0.0.tgz"), get("/museum/health"),
		}},
		{"addresses", museumtest.Options{ChartURL: "https://charts.example.com"}, []request{post("/api/charts", one), settle, get("/index.yaml")}},
		{"no API", museumtest.Options{DisableAPI: true}, []request{post("/api/charts", one), get("/api/charts"), get("/api/charts/alc/1.0.0"), get("/index.yaml")}},
		{"limits", museumtest.Options{MaxUpload: 1000, MaxObjects: 2}, []request{
			post("/api/charts", bytes.Repeat([]byte("x"), 2000)), post("/api/charts", one), settle, post("/api/charts", chart(t, "alc", "2.0.0", "one")), post("/api/charts", chart(t, "alc", "3.0.0", "one")), post("/api/charts", other),
		}},
	}
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			double := httptest.NewServer(museumtest.New(c.options))
			defer double.Close()
			file := filepath.Join("testdata", strings.ReplaceAll(c.name, " ", "-")+".txt")
			if *update || os.Getenv(museumtest.Variable) != "" {
				program := talk(t, museumtest.Start(t, t.TempDir(), append(c.options.Flags(), "--disable-statefiles")...), c.requests)
				if *update {
					if err := os.WriteFile(file, []byte(program), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				compare(t, "the program", file, program)
			}
			compare(t, "the handler", file, talk(t, double.URL, c.requests))
		})
	}
}

// compare holds the answers of a museum to those that are recorded.
func compare(t *testing.T, who, file, got string) {
	t.Helper()
	recorded, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(recorded), got); diff != "" {
		t.Errorf("%s has other answers:\n%s", who, diff)
	}
}

// talk is a conversation, a request and its answer each in a paragraph.
func talk(t *testing.T, museum string, requests []request) string {
	t.Helper()
	var b strings.Builder
	for _, r := range requests {
		if r.method == settle.method {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		fmt.Fprintf(&b, "%s %s\n%s\n\n", r.method, r.path, ask(t, museum, r))
	}
	return b.String()
}

// ask is what a museum answers.
func ask(t *testing.T, museum string, r request) string {
	t.Helper()
	body, kind := r.body, "application/gzip"
	if r.form != nil {
		var b bytes.Buffer
		form := multipart.NewWriter(&b)
		for field, content := range r.form {
			part, err := form.CreateFormFile(field, field)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = part.Write(content)
		}
		_ = form.Close()
		body, kind = b.Bytes(), form.FormDataContentType()
	}
	q, err := http.NewRequest(r.method, museum+r.path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", kind)
	if username, password, ok := strings.Cut(r.key, ":"); ok {
		q.SetBasicAuth(username, password)
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	header := answer.Header
	if r.method == "HEAD" { // no one reads the type of nothing
		header = http.Header{}
	}
	return fmt.Sprintf("%d %s %s %s", answer.StatusCode, header.Get("Content-Type"), header.Get("WWW-Authenticate"), plain(said))
}

var times = regexp.MustCompile(`"?\d{4}-\d\d-\d\dT[0-9:.]+Z"?`)

// plain is a body in which times, and the order of fields, do not matter.
func plain(body []byte) string {
	if !utf8.Valid(body) {
		return fmt.Sprintf("%d bytes, sha256 %x", len(body), sha256.Sum256(body))
	}
	text := times.ReplaceAllString(string(body), `"TIME"`)
	var value any
	if yaml.Unmarshal([]byte(text), &value) != nil {
		return text
	}
	sorted, err := json.Marshal(value)
	if err != nil {
		return text
	}
	return string(sorted)
}
