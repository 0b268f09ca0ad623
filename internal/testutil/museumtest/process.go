package museumtest

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Variable names a ChartMuseum that tests run: the path of the program.
const Variable = "KSRELEASE_CHARTMUSEUM"

// Binary is the path of a ChartMuseum. The test is skipped where the variable has none: it is
// published neither as a package of Debian nor as a module that can be built by its name.
func Binary(tb testing.TB) string {
	tb.Helper()
	binary := os.Getenv(Variable)
	if binary == "" {
		tb.Skipf("%s names no ChartMuseum; museumtest.Museum answers as it does", Variable)
	}
	binary, err := filepath.Abs(binary)
	if err != nil {
		tb.Fatal(err)
	}
	return binary
}

// Start runs ChartMuseum on a folder, with these flags besides, until the test ends. It gives
// its address once it answers.
func Start(tb testing.TB, folder string, flags ...string) string {
	tb.Helper()
	binary := Binary(tb)
	port := freePort(tb)
	words := append([]string{"--storage", "local", "--storage-local-rootdir", folder, "--listen-host", "127.0.0.1", "--port", strconv.Itoa(port)}, flags...)
	cmd := exec.Command(binary, words...)
	printed, err := os.Create(filepath.Join(tb.TempDir(), "chartmuseum.log"))
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = printed, printed
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		_ = printed.Close()
	})
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
		answer, err := http.Get(address + "/health")
		if err == nil {
			_ = answer.Body.Close()
			return address
		}
		select {
		case err := <-ended:
			ended <- err
			said, _ := os.ReadFile(printed.Name())
			tb.Fatalf("chartmuseum ended: %v\n%s", err, said)
		default:
		}
	}
	tb.Fatal("chartmuseum does not answer")
	return ""
}

func freePort(tb testing.TB) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// Flags are the options as flags of the program, which takes no token that is not signed.
func (o Options) Flags() []string {
	flags := []string{"--depth", strconv.Itoa(o.Depth)}
	for flag, value := range map[string]string{"--context-path": o.ContextPath, "--basic-auth-user": o.Username, "--basic-auth-pass": o.Password, "--chart-url": o.ChartURL} {
		if value != "" {
			flags = append(flags, flag, value)
		}
	}
	for flag, set := range map[string]bool{"--auth-anonymous-get": o.AnonymousGet, "--disable-api": o.DisableAPI, "--allow-overwrite": o.AllowOverwrite} {
		if set {
			flags = append(flags, flag)
		}
	}
	if o.MaxUpload > 0 {
		flags = append(flags, "--max-upload-size", strconv.FormatInt(o.MaxUpload, 10))
	}
	if o.PerChartLimit > 0 {
		flags = append(flags, "--per-chart-limit", strconv.Itoa(o.PerChartLimit))
	}
	if o.MaxObjects > 0 {
		flags = append(flags, "--max-storage-objects", strconv.Itoa(o.MaxObjects))
	}
	return flags
}
