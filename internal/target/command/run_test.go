//go:build unix

package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/runtest"
	"github.com/ksrelease/ksrelease/internal/testutil/memnet"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// memory is a service that keeps versions in memory, and shows them in its index after a while.
type memory struct {
	mu   sync.Mutex
	kept map[string]request // by NAME-VERSION.tgz
	seen map[string]time.Time
	lag  time.Duration
}

func (m *memory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q request
	if json.NewDecoder(r.Body).Decode(&q) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	there, ok := m.kept[q.Filename]
	if q.Action == actionSnapshot {
		there, ok = m.kept[q.Name+"-"+q.Version+".tgz"]
	}
	switch {
	case q.Action == actionPublish && ok && there.Digest != q.Digest:
		w.WriteHeader(http.StatusConflict)
	case q.Action == actionPublish:
		m.keep(q)
		_ = json.NewEncoder(w).Encode(map[string]string{"status": statusActive})
	case q.Action == actionIndex:
		versions := []map[string]string{}
		for file, v := range m.kept {
			if time.Since(m.seen[file]) >= m.lag {
				versions = append(versions, map[string]string{"name": v.Name, "version": v.Version, "digest": v.Digest, "content_digest": v.ContentDigest})
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"versions": versions})
	case q.Action == actionSnapshot && ok:
		_ = json.NewEncoder(w).Encode(map[string]string{"status": statusActive, "digest": there.Digest, "content_digest": there.ContentDigest})
	case q.Action == actionSnapshot:
		_ = json.NewEncoder(w).Encode(map[string]string{"status": statusNone})
	case q.Action == actionFetch && ok:
		_ = json.NewEncoder(w).Encode(map[string]any{"package": there.Package})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// keep is for holders of the lock.
func (m *memory) keep(q request) {
	if _, ok := m.kept[q.Filename]; !ok {
		m.kept[q.Filename], m.seen[q.Filename] = q, time.Now()
	}
}

func placeOf(of *Target) target.Place {
	return target.Place{Target: of, Name: "intranet", Kind: "webhook", Noun: of.who}
}

// Promises P2, P4 and P9 before a service, in fake time.
func TestRunsOfWebhook(t *testing.T) {
	t.Parallel()
	runtest.Suite{
		Lags: true, Short: 150, Whole: 5000,
		New: func(t *testing.T, lag time.Duration) runtest.Fixture {
			store := &memory{kept: map[string]request{}, seen: map[string]time.Time{}, lag: lag}
			front := &front{next: store}
			front.set("")
			network := memnet.Serve(t, front)
			web := transport.New(transport.Options{Dial: network.Dial})
			t.Cleanup(web.Close)
			made := NewWebhook(WebhookOptions{Name: "intranet", URL: "http://hook.invalid/hook", Timeout: 10 * time.Minute, Transport: web})
			return runtest.Fixture{
				Place: placeOf(made), Break: front.set,
				Requests: []string{"POST /hook/publish", "POST /hook/index", "POST /hook/snapshot", "POST /hook/fetch"},
				Held: func() map[string][]byte {
					store.mu.Lock()
					defer store.mu.Unlock()
					held := map[string][]byte{}
					for file, q := range store.kept {
						held[file] = q.Package
					}
					return held
				},
				Put: func(pkg *extension.Package) {
					store.mu.Lock()
					defer store.mu.Unlock()
					store.keep(publishing(pkg))
				},
				Damage: func(file string) {
					store.mu.Lock()
					defer store.mu.Unlock()
					q := store.kept[file]
					q.Package = bytes.Clone(q.Package)
					q.Package[len(q.Package)-5] ^= 1
					store.kept[file] = q
				},
			}
		},
	}.Run(t)
}

// The script of the examples behind one that breaks what a file says, as a script of faults has
// it: POST /ACTION WHICH WHEN WHAT.
const rehearsing = `
count() { echo x >>"$STORE.count-$KSRELEASE_TARGET_ACTION"; wc -l <"$STORE.count-$KSRELEASE_TARGET_ACTION"; }
n=$(count)
wrong() {
	case $1 in
	status) case $2 in 401 | 403) exit 77 ;; 429 | 503) exit 75 ;; *) echo "made to fail" >&2; exit 1 ;; esac ;;
	html | login) echo '<html>'; if [ "$KSRELEASE_TARGET_ACTION" = fetch ]; then echo '<html>' >"$KSRELEASE_PACKAGE"; fi; exit 0 ;;
	empty) exit 0 ;;
	shape) echo '["something"]'; exit 0 ;;
	body) echo "$2"; exit 0 ;;
	*) kill -9 $$ ;;
	esac
}
if [ -e "$STORE.faults" ]; then
	while read -r method action which when what more; do
		[ "$action" = "/$KSRELEASE_TARGET_ACTION" ] || continue
		from=${which%-*} to=${which#*-}
		[ "$which" != "*" ] || { from=1 to=1000000; }
		[ "$n" -ge "$from" ] && [ "$n" -le "$to" ] || continue
		[ "$when" = before ] || sh "$SCRIPT" >/dev/null || true
		wrong "$what" "$more"
	done <"$STORE.faults"
fi
exec sh "$SCRIPT"
`

// The same before a command, in real time.
func TestRunsOfExec(t *testing.T) {
	t.Parallel()
	runtest.Suite{
		Real: true, Short: 40, Whole: 400,
		// Whether a command would do better the second time is for it to know, but for what is in
		// doubt.
		Once: func(request, what string) bool {
			return request == "POST /publish" && slices.Contains([]string{"status 500", "html 502", "cut", "reset"}, what)
		},
		New: func(t *testing.T, _ time.Duration) runtest.Fixture {
			store := filepath.Join(t.TempDir(), "store")
			if err := os.Mkdir(store, 0o755); err != nil {
				t.Fatal(err)
			}
			made := script(t, store, rehearsing)
			return runtest.Fixture{
				Place: placeOf(made),
				Break: func(rules string) {
					counts, _ := filepath.Glob(store + ".count-*")
					for _, file := range counts {
						_ = os.Remove(file)
					}
					if err := os.WriteFile(store+".faults", []byte(rules), 0o644); err != nil {
						t.Fatal(err)
					}
				},
				Requests: []string{"POST /publish", "POST /index", "POST /snapshot", "POST /fetch"},
				Held: func() map[string][]byte {
					held := map[string][]byte{}
					files, err := filepath.Glob(filepath.Join(store, "*", "*.tgz"))
					if err != nil {
						t.Fatal(err)
					}
					for _, file := range files {
						data, err := os.ReadFile(file)
						if err != nil {
							t.Fatal(err)
						}
						held[filepath.Base(filepath.Dir(file))+"-"+filepath.Base(file)] = data
					}
					return held
				},
				Put: func(pkg *extension.Package) {
					if _, err := script(t, store, `exec sh "$SCRIPT"`).ask(t.Context(), publishing(pkg)); err != nil && !strings.Contains(fmt.Sprint(err), "other content") {
						t.Fatal(err)
					}
				},
				Damage: func(file string) {
					name, version, _ := strings.Cut(strings.TrimSuffix(file, ".tgz"), "-")
					path := filepath.Join(store, name, version+".tgz")
					data, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					data[len(data)-5] ^= 1
					if err := os.WriteFile(path, data, 0o644); err != nil {
						t.Fatal(err)
					}
				},
			}
		},
	}.Run(t)
}
