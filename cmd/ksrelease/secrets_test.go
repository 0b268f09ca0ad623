package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/testutil/canary"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// parrot is a marketplace that repeats the credentials of some requests.
type parrot struct {
	market  http.Handler
	matches func(*http.Request) bool
	repeat  repetition
	heard   atomic.Int32 // how often it repeated
	carried sync.Map     // the headers that another server got
}

// repetition makes an answer of credentials; real is what the marketplace says.
type repetition func(w http.ResponseWriter, r *http.Request, credentials string, p *parrot)

func (p *parrot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Host != strings.TrimPrefix(marketURL, "http://") {
		for name, values := range r.Header {
			p.carried.Store(name, strings.Join(values, ","))
		}
		w.WriteHeader(http.StatusNotFound)
		return
	}
	credentials := r.Header.Get("Authorization")
	if credentials == "" || !p.matches(r) {
		p.market.ServeHTTP(w, r)
		return
	}
	p.heard.Add(1)
	p.repeat(w, r, credentials, p)
}

// real is what the marketplace answers.
func (p *parrot) real(r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	r.Header.Del("Accept-Encoding")
	p.market.ServeHTTP(answer, r)
	return answer
}

// plain is what stands in credentials: the key, or user and password.
func plain(credentials string) string {
	_, value, _ := strings.Cut(credentials, " ")
	if decoded, err := base64.StdEncoding.DecodeString(value); err == nil && strings.HasPrefix(credentials, "Basic") {
		_, password, _ := strings.Cut(string(decoded), ":")
		return password
	}
	return value
}

// repetitions are how a server may repeat credentials, by their name.
var repetitions = map[string]repetition{
	"in a message": func(w http.ResponseWriter, _ *http.Request, c string, _ *parrot) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": "not with " + c})
	},
	"as a refusal": func(w http.ResponseWriter, _ *http.Request, c string, _ *parrot) {
		w.Header().Set("Www-Authenticate", "realm="+url.QueryEscape(c))
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": plain(c) + " may not"})
	},
	"in a page": func(w http.ResponseWriter, _ *http.Request, c string, _ *parrot) {
		w.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprintf(w, "<html><title>%s</title><body>%s</body></html>", plain(c), c)
	},
	"in base64": func(w http.ResponseWriter, _ *http.Request, c string, _ *parrot) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, base64.StdEncoding.EncodeToString([]byte("Authorization: "+c+"\nAuthorization: "+plain(c))))
	},
	"in two parts": func(w http.ResponseWriter, _ *http.Request, c string, _ *parrot) {
		w.WriteHeader(http.StatusForbidden)
		half := len(plain(c)) / 2
		_ = json.NewEncoder(w).Encode(map[string]string{"message": strings.Repeat("… ", 140) + plain(c)[:half] + "\n" + plain(c)[half:]})
	},
	"in a redirect": func(w http.ResponseWriter, r *http.Request, c string, _ *parrot) {
		http.Redirect(w, r, "/login/"+url.PathEscape(plain(c))+"?next="+url.QueryEscape(c), http.StatusFound)
	},
	"in a redirect elsewhere": func(w http.ResponseWriter, r *http.Request, c string, _ *parrot) {
		http.Redirect(w, r, foreignURL+"/"+url.PathEscape(plain(c)), http.StatusPermanentRedirect)
	},
	"in what it says": func(w http.ResponseWriter, r *http.Request, c string, p *parrot) {
		answer := p.real(r)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.Header().Del("Content-Length")
		w.WriteHeader(answer.Code)
		_, _ = w.Write(instilled(answer.Body.Bytes(), plain(c)))
	},
	"in its addresses": func(w http.ResponseWriter, r *http.Request, c string, p *parrot) {
		answer := p.real(r)
		w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		w.WriteHeader(answer.Code)
		body := regexp.MustCompile(`(https?://[^"'\s]*/|charts/)`).ReplaceAll(answer.Body.Bytes(), []byte("${1}"+strings.ReplaceAll(url.PathEscape(plain(c)), "$", "$$")+"/"))
		_, _ = w.Write(body)
	},
}

// instilled puts a text into every value of an answer, in JSON or in YAML.
func instilled(body []byte, text string) []byte {
	var value any
	if json.Unmarshal(body, &value) == nil {
		data, _ := json.Marshal(instill(value, text))
		return data
	}
	quoted, _ := json.Marshal(text) // JSON is YAML
	body = regexp.MustCompile(`(?m)^(\s+(?:- )?(?:version|digest|created): ).*$`).ReplaceAll(body, append([]byte("${1}"), bytes.ReplaceAll(quoted, []byte("$"), []byte("$$"))...))
	return body
}

func instill(value any, text string) any {
	switch value := value.(type) {
	case string:
		return value + text
	case []any:
		for i := range value {
			value[i] = instill(value[i], text)
		}
	case map[string]any:
		for key := range value {
			value[key] = instill(value[key], text)
		}
	}
	return value
}

// steps are the requests of a release and of the other commands.
var steps = map[string]func(*http.Request) bool{
	"user":    requests(http.MethodGet, `^/apis/user/`),
	"folder":  requests(http.MethodGet, `/files/usage$`),
	"upload":  requests(http.MethodPost, `/files$`),
	"push":    requests(http.MethodPost, `/package$`),
	"submit":  requests(http.MethodPost, `action:submit$`),
	"cancel":  requests(http.MethodPost, `action:cancel-submit$`),
	"version": requests(http.MethodGet, `/versions/`),
	"index":   requests(http.MethodGet, `^/index\.yaml$`),
	"package": requests(http.MethodGet, `^/charts/`),
}

func requests(method, pattern string) func(*http.Request) bool {
	matcher := regexp.MustCompile(pattern)
	return func(r *http.Request) bool { return r.Method == method && matcher.MatchString(r.URL.Path) }
}

// TestCredentialsAreNotTold has every server that a command speaks to repeat the
// credentials it was sent, in every answer and in every way, and looks for them
// in all that the program prints, writes and sends on.
func TestCredentialsAreNotTold(t *testing.T) {
	names, ways := sortedKeys(steps), sortedKeys(repetitions)
	short := 18
	if testing.Short() {
		short = 6
	}
	cases := soak.Cases(t, short, len(names)*len(ways))
	watch := canary.New()
	heard := 0
	for i := range cases {
		// A step through the table that meets every row and column soon.
		at := i * 5 % (len(names) * len(ways))
		step, way := names[at%len(names)], ways[(at/len(names)+at)%len(ways)]
		t.Run(step+" "+way, func(t *testing.T) { heard += repeats(t, watch, step, repetitions[way]) })
	}
	outputs, size := watch.Searched()
	t.Logf("%d requests were answered with their credentials; %d outputs and files with %d bytes were searched", heard, outputs, size)
	if heard < cases {
		t.Errorf("only %d of %d answers repeated credentials", heard, cases)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// repeats runs the commands against a marketplace that repeats the credentials
// of one kind of request, and says how often it did.
func repeats(t *testing.T, watch *canary.Watch, step string, repeat repetition) int {
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config) // where login keeps the key
	p := &parrot{matches: steps[step], repeat: repeat}
	synctest.Test(t, func(t *testing.T) {
		r := rehearse(t, parrotFiles())
		p.market, r.front = r.market, p
		for _, words := range [][]string{
			{"run", "--report", "r.json", "--report", "r.xml", "--report", "r.md", "--report", "r.sarif"},
			{"run", "--output", "json"}, {"--dry-run"}, {"package"}, {"status"}, {"status", "--output", "json"},
			{"withdraw", "alc@1.2.0"}, {"login", "--token-stdin"},
		} {
			watch.Check(t, strings.Join(words, " "), r.command(words...))
		}
		watch.CheckTree(t, r.dir, "key")
	})
	watch.CheckTree(t, config, "ksrelease/credentials.json")
	p.carried.Range(func(name, value any) bool {
		if slices.Contains([]string{"Authorization", "Cookie", "Proxy-Authorization", "Referer"}, name.(string)) {
			t.Errorf("%s went to another server", name)
		}
		watch.Check(t, fmt.Sprint("the header ", name, " to another server"), []byte(value.(string)))
		return true
	})
	return int(p.heard.Load())
}

// parrotFiles are two extensions with an icon to upload.
func parrotFiles() map[string]string {
	files := map[string]string{
		".ksrelease.yaml": "version: 1\nextensions: [{path: alc}, {path: bee}]\ncloud: {server: '" + marketURL + "'}\nrepository: {url: '" + marketURL + "'}\n",
		"key":             canary.Token + "\n",
	}
	for _, name := range []string{"alc", "bee"} {
		files[name+"/extension.yaml"] = "apiVersion: kubesphere.io/v1alpha1\nname: " + name + "\nversion: 1.2.0\ndisplayName: {en: A}\ndescription: {en: An extension}\ncategory: computing\nprovider: {en: {name: Example}}\nicon: ./icon.svg\n"
		files[name+"/values.yaml"] = "global: {}\n"
		files[name+"/icon.svg"] = `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"></svg>`
	}
	return files
}

// command runs the program in the project with all secrets in its environment,
// and returns all that it printed, in the order in which it was written.
func (r *rehearsal) command(words ...string) []byte {
	r.t.Helper()
	printed, err := os.Create(filepath.Join(r.dir, "printed"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer printed.Close()
	stdin, err := os.Open(filepath.Join(r.dir, "key"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer stdin.Close()
	env := map[string]string{"HOME": r.dir}
	for _, variable := range canary.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	a := &app.App{
		Stdin: stdin, Stdout: output.New(printed), Stderr: output.New(printed), Stop: r.t.Context(), Connect: r.network.Dial, InProcess: true,
		Env:       func(name string) (string, bool) { value, ok := env[name]; return value, ok },
		UserCache: func() (string, error) { return filepath.Join(r.dir, "cache"), nil },
	}
	for i, word := range words {
		if i > 0 && words[i-1] == "--report" {
			words[i] = filepath.Join(r.dir, word)
		}
	}
	execute(a, append(words, "-f", filepath.Join(r.dir, ".ksrelease.yaml")))
	data, err := os.ReadFile(printed.Name())
	if err != nil {
		r.t.Fatal(err)
	}
	return data
}
