package dependency

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/canary"
)

// foreign is another server, which remembers the credentials it was sent.
type foreign struct {
	*httptest.Server
	mu   sync.Mutex
	came int
	got  []string
}

func newForeign(t *testing.T) *foreign {
	f := &foreign{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.came++
		for _, name := range []string{"Authorization", "Cookie", "Referer"} {
			if r.Header.Get(name) != "" {
				f.got = append(f.got, r.Method+" "+r.URL.Path+": "+name)
			}
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(f.Close)
	return f
}

// keysFor writes a file of keys for a registry.
func keysFor(t *testing.T, host string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json")
	auth := base64.StdEncoding.EncodeToString([]byte(canary.Username + ":" + canary.Password))
	if err := os.WriteFile(file, []byte(`{"auths": {"`+host+`": {"auth": "`+auth+`"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A registry that repeats the keys that it was sent does not get them into an
// error, and no other server that it leads to is sent any.
func TestRegistryKeysAreNotShown(t *testing.T) {
	repeat := func(status int, say func(authorization string) string) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, authorization string) {
			w.WriteHeader(status)
			message, _ := json.Marshal(say(authorization))
			_, _ = w.Write([]byte(`{"errors": [{"code": "DENIED", "message": ` + string(message) + `, "detail": ` + string(message) + `}]}`))
		}
	}
	whole := func(authorization string) string { return "not with " + authorization }
	decoded := func(authorization string) string {
		_, value, _ := strings.Cut(authorization, " ")
		plain, _ := base64.StdEncoding.DecodeString(value)
		return string(plain) + " has no access"
	}
	elsewhere := newForeign(t)
	redirect := func(w http.ResponseWriter, authorization string) {
		w.Header().Set("Location", elsewhere.URL+"/"+url.PathEscape(authorization))
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
	watch := canary.New()
	for name, say := range map[string]func(http.ResponseWriter, string){
		"refused": repeat(401, whole), "denied": repeat(403, whole), "failing": repeat(400, whole), "missing": repeat(404, whole),
		"decoded": repeat(400, decoded), "redirect": redirect,
	} {
		for _, at := range []string{"/token", "/tags/", "/manifests/", "/blobs/"} {
			t.Run(name+at, func(t *testing.T) {
				s := quay(t)
				s.user, s.password = canary.Username, canary.Password
				authorize, repeated := s.guard, 0
				s.guard = func(w http.ResponseWriter, r *http.Request) bool {
					if given := r.Header.Get("Authorization"); given != "" && strings.Contains(r.URL.Path, at) {
						repeated++
						say(w, given)
						return true
					}
					return authorize(w, r)
				}
				p := write(t, redisFrom("oci://"+s.host()+"/charts", "^1.0.0"), nil)
				options := p.options(t)
				options.RegistryConfigs = []string{keysFor(t, s.host())}
				_, err := p.resolve(t, options)
				if err == nil || repeated == 0 {
					t.Fatalf("%d keys repeated, error %v", repeated, err)
				}
				watch.Check(t, "the error", []byte(err.Error()))
				if strings.Contains(err.Error(), "t0ken-t0ken-t0ken") {
					t.Errorf("the token that the key was changed for is told: %v", err)
				}
			})
		}
	}
	if elsewhere.came == 0 || len(elsewhere.got) > 0 {
		t.Errorf("another server was asked %d times, and got %q", elsewhere.came, elsewhere.got)
	}
}

// So does a Helm repository that asks for a password, with its index and with
// its packages.
func TestRepositoryPasswordStaysWithItsServer(t *testing.T) {
	watch := canary.New()
	elsewhere := newForeign(t)
	for _, at := range []string{"/index.yaml", ".tgz"} {
		s := shop(t)
		s.guard = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Authorization") != canary.Basic(canary.Username, canary.Password) {
				t.Errorf("%s came without the password", r.URL.Path)
			}
			if strings.HasSuffix(r.URL.Path, at) {
				http.Redirect(w, r, elsewhere.URL+"/"+url.PathEscape(r.Header.Get("Authorization")), http.StatusFound)
				return true
			}
			return false
		}
		p := write(t, redisFrom(s.URL+"/stable", "^1.0.0"), nil)
		options := p.options(t)
		options.RepositoryURL, options.Username, options.Password = s.URL+"/stable", canary.Username, canary.Password
		_, err := p.resolve(t, options)
		if err == nil {
			t.Fatal("a redirect to nowhere is taken")
		}
		watch.Check(t, "the error", []byte(err.Error()))
	}
	if elsewhere.came != 2 || len(elsewhere.got) > 0 {
		t.Errorf("another server was asked %d times, and got %q", elsewhere.came, elsewhere.got)
	}
}
