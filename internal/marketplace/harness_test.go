package marketplace

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
)

const testToken = "kck-11111111-2222-3333-4444-555555555555"

// open opens a marketplace in dir that is closed with the test.
func open(t testing.TB, dir string, options Options) *Marketplace {
	t.Helper()
	m, err := Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// client is someone who talks to a marketplace over real HTTP.
type client struct {
	t     testing.TB
	http  *http.Client
	base  string
	token string
	user  string
}

// serve serves m and returns a client of it.
func serve(t testing.TB, m *Marketplace) *client {
	t.Helper()
	server := httptest.NewUnstartedServer(m)
	server.Config = NewServer(m)
	server.Start()
	t.Cleanup(server.Close)
	return &client{t: t, http: server.Client(), base: server.URL, token: testToken, user: m.options.User}
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// message is what an error answer says.
func (r reply) message() string {
	var body struct{ Message string }
	json.Unmarshal(r.body, &body)
	return body.Message
}

func (r reply) decode(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(r.body, into); err != nil {
		t.Fatalf("answer %d %q is not the JSON expected: %v", r.status, r.body, err)
	}
}

func (c *client) try(request *http.Request) (reply, error) {
	answer, err := c.http.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return reply{answer.StatusCode, answer.Header, body}, err
}

func (c *client) request(method, path, contentType string, body []byte) *http.Request {
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return request
}

func (c *client) do(method, path, contentType string, body []byte) reply {
	c.t.Helper()
	answer, err := c.try(c.request(method, path, contentType, body))
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

func (c *client) get(path string) reply { c.t.Helper(); return c.do("GET", path, "", nil) }

func (c *client) post(path, body string) reply {
	c.t.Helper()
	return c.do("POST", path, "application/json", []byte(body))
}

// want fails the test unless the answer has that status.
func (c *client) want(status int, answer reply) reply {
	c.t.Helper()
	if answer.status != status {
		c.t.Fatalf("status = %d, want %d; body %s", answer.status, status, answer.body)
	}
	return answer
}

// field is a part of a form; with a file name it is a file.
type field struct {
	name, filename string
	data           []byte
}

func form(fields ...field) (contentType string, body []byte) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for _, f := range fields {
		header := textproto.MIMEHeader{}
		disposition := fmt.Sprintf("form-data; name=%q", f.name)
		if f.filename != "" {
			disposition += fmt.Sprintf("; filename=%q", f.filename)
			header.Set("Content-Type", "application/octet-stream")
		}
		header.Set("Content-Disposition", disposition)
		part, err := w.CreatePart(header)
		if err != nil {
			panic(err)
		}
		part.Write(f.data)
	}
	w.Close()
	return w.FormDataContentType(), out.Bytes()
}

func (c *client) filesPath() string { return "/apis/extension/v1/users/" + c.user + "/files" }

// upload sends files by path, in order.
func (c *client) upload(fields ...field) reply {
	c.t.Helper()
	contentType, body := form(fields...)
	return c.do("POST", c.filesPath(), contentType, body)
}

// files are the parts for paths and contents, numbered from 1.
func files(pathsAndContents ...string) []field {
	var fields []field
	for i := 0; i+1 < len(pathsAndContents); i += 2 {
		n, path := i/2+1, pathsAndContents[i]
		fields = append(fields,
			field{fmt.Sprintf("file%d", n), path[strings.LastIndex(path, "/")+1:], []byte(pathsAndContents[i+1])},
			field{name: fmt.Sprintf("file%d_path", n), data: []byte(path)})
	}
	return fields
}

func (c *client) packagePath(name string) string {
	return "/apis/extension/v1/users/" + c.user + "/extensions/" + name + "/package?force=true&create_extension=true"
}

func (c *client) pushTo(path string, archive []byte) reply {
	c.t.Helper()
	contentType, body := form(field{"extension_package", "package.tgz", archive})
	return c.do("POST", path, contentType, body)
}

func (c *client) push(name string, archive []byte) reply {
	c.t.Helper()
	return c.pushTo(c.packagePath(name), archive)
}

func (c *client) step(snapshot, action string) reply {
	c.t.Helper()
	return c.post("/apis/extension/v1/users/"+c.user+"/snapshots/"+snapshot+"/action:"+action, `{"message": "please"}`)
}

// draft pushes a package and returns the ID of its snapshot.
func (c *client) draft(name, version string, files ...string) string {
	c.t.Helper()
	var answer struct{ Snapshot wireSnapshot }
	c.want(200, c.push(name, packed(name, version, files...))).decode(c.t, &answer)
	return answer.Snapshot.ID
}

// release pushes and submits a package and returns the ID of its snapshot.
func (c *client) release(name, version string, files ...string) string {
	c.t.Helper()
	id := c.draft(name, version, files...)
	c.want(200, c.step(id, "submit"))
	return id
}

func (c *client) state(name, version string) catalog.Status {
	c.t.Helper()
	var snapshot wireSnapshot
	c.want(200, c.get("/apis/extension/v1/extensions/"+name+"/versions/"+version)).decode(c.t, &snapshot)
	return snapshot.Status
}

// indexFile is what these tests look at in index.yaml.
type indexFile struct {
	APIVersion string `json:"apiVersion"`
	Entries    map[string][]struct {
		Name, Version, Digest, Description, Icon string
		APIVersion                               string `json:"apiVersion"`
		URLs                                     []string
		Annotations                              map[string]string
	}
	Generated string
}

func parseIndex(t testing.TB, text []byte) indexFile {
	t.Helper()
	var index indexFile
	if err := yaml.Unmarshal(text, &index); err != nil {
		t.Fatalf("index.yaml does not parse: %v\n%s", err, text)
	}
	return index
}

func (c *client) index() indexFile {
	c.t.Helper()
	return parseIndex(c.t, c.want(200, c.get("/index.yaml")).body)
}

// listed is name@version of everything in the index, in its order within a name.
func (i indexFile) listed() []string {
	all := []string{}
	for _, name := range slices.Sorted(maps.Keys(i.Entries)) {
		for _, entry := range i.Entries[name] {
			all = append(all, entry.Name+"@"+entry.Version)
		}
	}
	return all
}

// metadata is a Chart.yaml, or the like fields of an extension.yaml.
func metadata(name, version string) string {
	return fmt.Sprintf("name: %s\nversion: %q\nannotations:\n  ksrelease.dev/content-digest: sha256:%s\n", name, version, version)
}

// packed is a package of an extension; files are names below the extension and
// contents, which replace the usual ones.
func packed(name, version string, files ...string) []byte {
	contents := map[string]string{
		"Chart.yaml":        "apiVersion: v2\ndescription: Extension " + name + "\n" + metadata(name, version),
		"extension.yaml":    "apiVersion: kubesphere.io/v1alpha1\ndisplayName: {en: " + name + "}\ndescription: {en: Extension " + name + "}\ncategory: dev-tools\nprovider: {en: {name: T}}\nicon: https://example.org/i.svg\n" + metadata(name, version),
		"values.yaml":       "replicas: 1\n",
		"templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  replicas: {{ .Values.replicas | quote }}\n",
	}
	for i := 0; i+1 < len(files); i += 2 {
		contents[files[i]] = files[i+1]
	}
	var entries []string
	for _, file := range slices.Sorted(maps.Keys(contents)) {
		if contents[file] != "" {
			entries = append(entries, name+"/"+file, contents[file])
		}
	}
	return tgz(entries...)
}

// tgz is a gzipped tar of names and contents.
func tgz(entries ...string) []byte {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for i := 0; i+1 < len(entries); i += 2 {
		archive.WriteHeader(&tar.Header{Name: entries[i], Mode: 0o644, Size: int64(len(entries[i+1])), Typeflag: tar.TypeReg})
		io.WriteString(archive, entries[i+1])
	}
	archive.Close()
	zip.Close()
	return out.Bytes()
}
