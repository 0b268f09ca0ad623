//go:build unix

package reliability

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

var servedAt = regexp.MustCompile(`serving the marketplace in .* at http://(\S+)`)

// startServer starts `ksrelease marketplace serve` and returns where it listens.
func startServer(t *testing.T, repo *monorepo) (server *process, address string) {
	t.Helper()
	server = newPlace(t, repo).newProcess(t, "http://127.0.0.1:1", "marketplace", "serve", "--addr", "127.0.0.1:0")
	ready := server.stderr.once("Ctrl-C ends it.", 1)
	server.start()
	select {
	case <-ready:
	case <-server.ended:
		t.Fatal(server.output())
	}
	return server, servedAt.FindStringSubmatch(server.stderr.String())[1]
}

// upload is a request that sends a file, in two halves.
func upload(address string) (first, rest string) {
	const boundary = "b"
	body := "--b\r\nContent-Disposition: form-data; name=\"file1\"; filename=\"x\"\r\n\r\n<svg/>\r\n--b\r\nContent-Disposition: form-data; name=\"file1_path\"\r\n\r\n/files/local/alc/1.0.0/x.svg\r\n--b--\r\n"
	head := fmt.Sprintf("POST /apis/extension/v1/users/local/files HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer kck-x\r\nContent-Type: multipart/form-data; boundary=%s\r\nContent-Length: %d\r\n\r\n", address, boundary, len(body))
	half := strings.Index(body, "<svg/>") + 3
	return head + body[:half], body[half:]
}

// A marketplace that is served ends by a signal, and well: what is in flight comes to its
// end and is kept, and the exit code is 0. The second signal ends it at once.
func TestServeEndsBySignal(t *testing.T) {
	for _, by := range []struct {
		name   string
		signal syscall.Signal
		code   int // of the second one
	}{{"SIGINT", syscall.SIGINT, 130}, {"SIGTERM", syscall.SIGTERM, 143}} {
		for _, twice := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, twice: %v", by.name, twice), func(t *testing.T) {
				repo := writeMonorepo(t, members(1))
				server, address := startServer(t, repo)
				connection, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer connection.Close()
				first, rest := upload(address)
				if _, err := io.WriteString(connection, first); err != nil {
					t.Fatal(err)
				}
				inFlight := filepath.Join(shelf(repo), "state", "staging")
				for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
					entries, err := os.ReadDir(inFlight)
					if err != nil || time.Since(begun) > time.Minute {
						t.Fatal("the request does not begin: ", err)
					}
					if len(entries) > 0 {
						break
					}
				}
				understood := server.stderr.once("stopping: requests in flight", 1)
				server.signal(by.signal)
				select {
				case <-understood:
				case <-server.ended:
					t.Fatal(server.output())
				}
				if twice {
					time.Sleep(afterEcho)
					server.signal(by.signal)
					if code := server.code(); code != by.code {
						t.Errorf("exit code %d; %s", code, server.output())
					}
					return
				}
				if _, err := io.WriteString(connection, rest); err != nil {
					t.Fatal(err)
				}
				answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
				if err != nil || answer.StatusCode != 200 {
					t.Errorf("the request in flight: %v, %v", answer, err)
				}
				if code := server.code(); code != 0 || strings.Contains(server.stderr.String(), "ksrelease:") {
					t.Errorf("exit code %d; %s", code, server.output())
				}
				if data, err := os.ReadFile(filepath.Join(shelf(repo), "public", "files", "local", "alc", "1.0.0", "x.svg")); err != nil || string(data) != "<svg/>" {
					t.Errorf("what was acknowledged: %q, %v", data, err)
				}
			})
		}
	}
}

// 0.0.0.0 is IPv4, and [::] both, where the machine has both.
func TestServeListensOnIPv4(t *testing.T) {
	if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Skipf("no IPv6 here: %v", err)
	} else {
		l.Close()
	}
	for addr, six := range map[string]bool{"0.0.0.0:0": false, "[::]:0": true, ":0": true} {
		t.Run(addr, func(t *testing.T) {
			server := newPlace(t, writeMonorepo(t, members(1))).newProcess(t, "http://127.0.0.1:1", "marketplace", "serve", "--addr", addr)
			ready := server.stderr.once("Ctrl-C ends it.", 1)
			server.start()
			select {
			case <-ready:
			case <-server.ended:
				t.Fatal(server.output())
			}
			address := servedAt.FindStringSubmatch(server.stderr.String())[1]
			host, port, err := net.SplitHostPort(address)
			if err != nil || host != "127.0.0.1" || strings.Contains(server.stderr.String(), "[::]") || strings.Contains(server.stderr.String(), "0.0.0.0") {
				t.Errorf("shown: %s", server.stderr.String())
			}
			for at, want := range map[string]bool{"127.0.0.1": true, "::1": six} {
				connection, err := net.Dial("tcp", net.JoinHostPort(at, port))
				if (err == nil) != want {
					t.Errorf("%s answers: %v", at, err)
				}
				if err == nil {
					connection.Close()
				}
			}
			server.signal(os.Interrupt)
			if code := server.code(); code != 0 {
				t.Error(server.output())
			}
		})
	}
}
