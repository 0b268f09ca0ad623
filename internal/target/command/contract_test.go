//go:build unix

package command

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// The script of the examples, behind one that breaks what a file says.
const breaking = `
if [ -e "$STORE.fault" ]; then
	read action fault <"$STORE.fault"
	if [ "$action" = "$KSRELEASE_TARGET_ACTION" ]; then
		case $fault in
		fails) echo "made to fail" >&2; exit 1 ;;
		garbage) echo '<html>'; if [ "$action" = fetch ]; then echo '<html>' >"$KSRELEASE_PACKAGE"; fi; exit 0 ;;
		loses) sh "$SCRIPT" >/dev/null; kill -9 $$ ;;
		hangs) sleep 600 ;;
		esac
	fi
fi
exec sh "$SCRIPT"
`

// actions are the actions of the requests of a target.
var actions = map[targettest.Request]action{
	targettest.Index: actionIndex, targettest.Lookup: actionSnapshot, targettest.Fetch: actionFetch, targettest.Publish: actionPublish,
}

func TestContractOfExec(t *testing.T) {
	t.Parallel()
	targettest.Run(t, func(t *testing.T) targettest.Fixture {
		store := t.TempDir()
		museum := script(t, store, breaking)
		return targettest.Fixture{
			Target: museum,
			Break: func(r targettest.Request, f targettest.Fault) bool {
				fault, _, _ := strings.Cut(string(f), " ")
				if err := os.WriteFile(store+".fault", fmt.Appendf(nil, "%s %s\n", actions[r], fault), 0o644); err != nil {
					t.Fatal(err)
				}
				return true
			},
			Restore: func() { _ = os.Remove(store + ".fault") },
		}
	})
}

// example is the path of a file of the examples.
func example(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", "examples", "targets", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// script is a target of a script, which has the one of the examples as $SCRIPT and a folder as
// $STORE.
func script(t *testing.T, store, run string) *Target {
	t.Helper()
	web := transport.New(transport.Options{Attempts: 1})
	t.Cleanup(web.Close)
	made, end := NewExec(ExecOptions{
		Name: "intranet", Run: run, Dir: t.TempDir(), Timeout: time.Minute, Temporary: t.TempDir(), Transport: web,
		Environment: []string{"PATH=" + os.Getenv("PATH"), "DEPLOY_KEY=hidden"}, Env: []string{"STORE=" + store, "SCRIPT=" + example(t, "folder.sh")},
	})
	t.Cleanup(end)
	return made
}

func TestContractOfWebhook(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "server")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir = example(t, "server")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	targettest.Run(t, func(t *testing.T) targettest.Fixture {
		const secret = "signing-1234"
		front := &front{next: httputil.NewSingleHostReverseProxy(start(t, binary, secret))}
		front.set("")
		server := httptest.NewServer(front)
		t.Cleanup(server.Close)
		web := transport.New(transport.Options{Attempts: 2, FirstWait: time.Millisecond})
		t.Cleanup(web.Close)
		what := map[targettest.Fault]string{
			targettest.Fails: "before status 500", targettest.Garbage: "before login", targettest.LosesReply: "after reset", targettest.Hangs: "before hang",
		}
		return targettest.Fixture{
			Target: NewWebhook(WebhookOptions{Name: "intranet", URL: server.URL + "/hook", Secret: secret, Timeout: time.Minute, Transport: web}),
			Break: func(r targettest.Request, f targettest.Fault) bool {
				front.set(fmt.Sprintf("POST /hook/%s * %s\n", actions[r], what[f]))
				return true
			},
			Restore: func() { front.set("") },
		}
	})
}

// start runs the service of the examples until the test ends.
func start(t *testing.T, binary, secret string) *url.URL {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	cmd := exec.Command(binary, address, t.TempDir())
	cmd.Env = append(os.Environ(), "SECRET="+secret)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			_ = connection.Close()
			return &url.URL{Scheme: "http", Host: address}
		}
		if time.Since(began) > 20*time.Second {
			t.Fatal(err)
		}
	}
}

// front is a service behind faults, by the actions of its requests.
type front struct {
	next http.Handler
	mu   sync.Mutex
	now  http.Handler
}

func (f *front) set(script string) {
	rules, err := faults.Parse("faults", script)
	if err != nil {
		panic(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = faults.New(f.next, rules)
}

func (f *front) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	f.mu.Lock()
	now := f.now
	f.mu.Unlock()
	q.URL.Path += "/" + string(actionOf(q))
	now.ServeHTTP(w, q)
}
