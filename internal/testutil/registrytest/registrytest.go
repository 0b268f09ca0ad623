// Package registrytest starts an OCI registry for tests: Debian's docker-registry, as a
// process of its own that can be killed and started again, on a free port of 127.0.0.1, with
// a configuration and a folder of its own. So it does not matter whether the package has
// started one as a service, too, nor what is in /etc/docker/registry.
//
// It is for tests and the bench: nothing that ships may import it.
package registrytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/ksrelease/ksrelease/internal/testutil/gotool"
	"github.com/ksrelease/ksrelease/internal/testutil/testca"
)

// Command is Debian's.
const Command = "docker-registry"

// Implementation is a registry of one kind.
type Implementation struct {
	Name  string
	Start func(testing.TB, Options) *Registry
}

// Implementations are all there are: what holds for registries is tested with each.
var Implementations = []Implementation{{"docker-registry 2.8", Start}, {"distribution 3.1", StartDistribution}}

// distribution is the registry of the same project today, with what a test needs: the
// command of the project brings the clients of three clouds with it.
var distribution = gotool.Tool{
	Name: "registry", Module: "github.com/distribution/distribution/v3", Version: "v3.1.2",
	Main: `package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	if registry.RootCmd.Execute() != nil {
		os.Exit(1)
	}
}
`,
}

// StartDistribution is Start with distribution 3.1, which is built through the Go module
// proxy; the test is skipped where that cannot be reached.
func StartDistribution(tb testing.TB, options Options) *Registry {
	tb.Helper()
	return start(tb, distribution.Binary(tb), options)
}

// Options shape a registry.
type Options struct {
	// Username and Password are asked for with each request, where they are set.
	Username, Password string
	// TLS is the authority that signs the registry's certificate; nil means plain http.
	TLS *testca.Authority
}

// Registry is a running registry.
type Registry struct {
	Host string // 127.0.0.1:PORT
	Dir  string // the folder with all it has

	command string
	scheme  string
	config  string
	process *exec.Cmd
	ended   chan struct{}
	output  *bytes.Buffer // for readers after ended
}

// ErrMissing is why there is no registry on a machine without the command.
var ErrMissing = errors.New(Command + " is not installed (apt-get install docker-registry)")

// Start starts a registry that is empty, and ends it with the test. The test is skipped
// where the command is missing.
func Start(tb testing.TB, options Options) *Registry {
	tb.Helper()
	return start(tb, Command, options)
}

func start(tb testing.TB, command string, options Options) *Registry {
	tb.Helper()
	dir := tb.TempDir()
	certificate, key := "", ""
	if options.TLS != nil {
		certificate, key = options.TLS.Files(tb, "127.0.0.1")
	}
	r, err := run(tb.Context(), command, dir, options, certificate, key)
	if errors.Is(err, ErrMissing) {
		tb.Skipf("no registry: %v", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.Kill)
	return r
}

// Run starts a registry with its data in a folder, for what is no test. Options.TLS is
// without effect. Kill ends it.
func Run(ctx context.Context, dir string, options Options) (*Registry, error) {
	return run(ctx, Command, dir, options, "", "")
}

func run(ctx context.Context, command, dir string, options Options, certificate, key string) (*Registry, error) {
	if _, err := exec.LookPath(command); err != nil {
		return nil, ErrMissing
	}
	// Between finding a free port and using it somebody else may have taken it.
	var failed error
	for range 5 {
		r, err := configure(command, dir, options, certificate, key)
		if err != nil {
			return nil, err
		}
		if failed = r.start(ctx); failed == nil {
			return r, nil
		}
	}
	return nil, failed
}

func configure(command, dir string, options Options, certificate, key string) (*Registry, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	host := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, err
	}
	r := &Registry{Host: host, command: command, Dir: filepath.Join(dir, "registry"), scheme: "http", config: filepath.Join(dir, "config.yml")}
	var text strings.Builder
	fmt.Fprintf(&text, "version: 0.1\nlog: {level: warn, accesslog: {disabled: true}}\n"+
		"storage: {filesystem: {rootdirectory: %q}, delete: {enabled: true}, maintenance: {uploadpurging: {enabled: false}}}\n"+
		"http: {addr: %q, secret: of-a-test", r.Dir, host)
	if certificate != "" {
		r.scheme = "https"
		fmt.Fprintf(&text, ", tls: {certificate: %q, key: %q}", certificate, key)
	}
	text.WriteString("}\n")
	if options.Username != "" {
		hash, err := bcrypt.GenerateFromPassword([]byte(options.Password), bcrypt.MinCost)
		if err != nil {
			return nil, err
		}
		users := filepath.Join(dir, "htpasswd")
		if err := os.WriteFile(users, fmt.Appendf(nil, "%s:%s\n", options.Username, hash), 0o600); err != nil {
			return nil, err
		}
		fmt.Fprintf(&text, "auth: {htpasswd: {realm: test, path: %q}}\n", users)
	}
	return r, os.WriteFile(r.config, []byte(text.String()), 0o600)
}

// URL is the address with its scheme.
func (r *Registry) URL() string { return r.scheme + "://" + r.Host }

// Restart starts the registry again at the same address with what it has, after Kill.
func (r *Registry) Restart(tb testing.TB) {
	tb.Helper()
	if err := r.start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// Kill ends the registry at once (SIGKILL), whatever it is at.
func (r *Registry) Kill() {
	if r.process != nil {
		_ = r.process.Process.Kill() // it may have ended by itself
		<-r.ended
	}
}

// start starts the process and waits until it answers.
func (r *Registry) start(ctx context.Context) error {
	r.output = new(bytes.Buffer)
	r.process = exec.Command(r.command, "serve", r.config)
	r.process.Stdout, r.process.Stderr = r.output, r.output
	// Variables such as REGISTRY_HTTP_ADDR would change the configuration.
	r.process.Env = []string{"PATH=" + os.Getenv("PATH"), "OTEL_TRACES_EXPORTER=none"}
	if err := r.process.Start(); err != nil {
		return err
	}
	ended, process := make(chan struct{}), r.process
	r.ended = ended
	go func() {
		defer close(ended)
		_ = process.Wait() // that it was killed is no news
	}()
	for deadline := time.Now().Add(20 * time.Second); ; {
		if r.answers() {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("%s ended at once: %s", r.command, r.output)
		case <-ctx.Done():
			r.Kill()
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			r.Kill()
			return fmt.Errorf("%s does not answer: %s", r.command, r.output)
		}
	}
}

// answers says whether the registry takes requests; with a password, or by TLS whose
// certificate nobody knows, a refusal is enough.
func (r *Registry) answers() bool {
	connection, err := net.DialTimeout("tcp", r.Host, time.Second)
	if err != nil {
		return false
	}
	connection.Close()
	if r.scheme == "https" {
		return true
	}
	answer, err := http.Get(r.URL() + "/v2/")
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK || answer.StatusCode == http.StatusUnauthorized
}
