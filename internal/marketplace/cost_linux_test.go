package marketplace

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// detectsRaces says whether this test was built with the race detector, under which
// memory is another matter.
func detectsRaces() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory, in MiB, that a process has had at once since forgetPeak.
func peak(t *testing.T, pid int) int {
	t.Helper()
	found := highWater.FindSubmatch(readFile(t, fmt.Sprintf("/proc/%d/status", pid)))
	if found == nil {
		t.Fatal("the kernel does not say how much memory the process has had")
	}
	kilobytes, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes >> 10
}

// forgetPeak begins to measure anew (proc(5), clear_refs).
func forgetPeak(t *testing.T, pid int) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		t.Skipf("the memory of a process cannot be measured here: %v", err)
	}
}

// stream sends a body that is made while it is sent.
func (c *client) stream(path, contentType string, body io.Reader) (reply, error) {
	request := c.request("POST", path, contentType, nil)
	request.Body, request.ContentLength = io.NopCloser(body), -1
	return c.try(request)
}

// repeated is a text so many times over.
func repeated(text string, times int) io.Reader {
	return io.LimitReader(&cycle{text: text}, int64(len(text))*int64(times))
}

type cycle struct {
	text string
	at   int
}

func (c *cycle) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		copied := copy(p[n:], c.text[c.at:])
		n, c.at = n+copied, (c.at+copied)%len(c.text)
	}
	return len(p), nil
}

// aliases is YAML that says little and means a lot: ten to the tenth words.
func aliases() string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		text += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return text
}

// What one request may cost: each that is made to cost much is refused with a reason,
// by a process whose memory stays within bounds, and the next request works.
func TestWhatOneRequestMayCost(t *testing.T) {
	soak.Long(t)
	dir := t.TempDir()
	c, victim := startVictim(t, dir)
	defer func() {
		victim.Process.Kill()
		victim.Wait()
	}()
	pid := victim.Process.Pid
	const boundary = "b"
	const ofForm = "multipart/form-data; boundary=" + boundary
	part := func(headers string) string { return "--" + boundary + "\r\n" + headers + "\r\n\r\n" }
	zeros := strings.Repeat("\x00", 5<<20)
	packages := func(archive []byte) func() (reply, error) {
		return func() (reply, error) {
			contentType, body := form(field{packagePart, "p.tgz", archive})
			return c.try(c.request("POST", c.packagePath("new"), contentType, body))
		}
	}
	stream := func(path, contentType string, body ...io.Reader) func() (reply, error) {
		return func() (reply, error) { return c.stream(path, contentType, io.MultiReader(body...)) }
	}
	search := "/apis/extension/v1/extensions/search"
	var manyFiles []string
	for i := range 20_000 {
		manyFiles = append(manyFiles, fmt.Sprintf("new/templates/%d.yaml", i), "")
	}
	var manyZeros []string
	for i := range 100 {
		manyZeros = append(manyZeros, fmt.Sprintf("new/files/%d", i), zeros)
	}
	oneFile := part(`Content-Disposition: form-data; name="file1"; filename="x"`)

	for _, test := range []struct {
		name    string
		ask     func() (reply, error)
		status  int
		message string
		most    int // MiB of memory besides what the process has at rest
	}{
		{"a million parts of an upload", stream(c.filesPath(), ofForm, repeated(part(`Content-Disposition: form-data; name="other"`), 1_000_000)),
			413, "the form has more than 320 parts: send them in several requests", 24},
		{"a million parts of a push", stream(c.packagePath("new"), ofForm, repeated(part(`Content-Disposition: form-data; name="other"`), 500_000)),
			413, "the form has more than 320 parts", 24},
		{"a part with a huge header", stream(c.filesPath(), ofForm, strings.NewReader("--"+boundary+"\r\nX-Large: "), repeated("x", 30<<20)),
			431, "the headers of a part of the form are larger than 65536 bytes", 24},
		{"a part with many headers", stream(c.packagePath("new"), ofForm, strings.NewReader("--"+boundary+"\r\n"), repeated("X-Many: x\r\n", 3<<20)),
			431, "the headers of a part of the form are larger than 65536 bytes", 24},
		{"much before the first part", stream(c.filesPath(), ofForm, repeated("no part\r\n", 3<<20)),
			431, "larger than 65536 bytes", 24},
		{"a field without end", stream(c.filesPath(), ofForm, strings.NewReader(part(`Content-Disposition: form-data; name="file1_path"`)), repeated("x", 30<<20)),
			400, "the field file1_path is longer than 512 bytes", 24},
		{"uploads beyond the cap", stream(c.filesPath(), ofForm, strings.NewReader(oneFile), repeated("x", maxUpload)),
			413, "the request is larger than 67108864 bytes", 24},
		{"a package without end", stream(c.packagePath("new"), ofForm, strings.NewReader(part(`Content-Disposition: form-data; name="`+packagePart+`"`)), repeated("x", maxPackageBody)),
			413, "the request is larger than 33554432 bytes", 24},

		{"deep JSON", stream(search, "application/json", repeated("[", wire.MaxJSONBody)), 400, "the body is not the JSON that belongs here", 24},
		{"huge JSON", stream(search, "application/json", strings.NewReader(`{"query": "`), repeated("x", 30<<20)), 413, "the request is larger than 65536 bytes", 24},
		{"deep JSON for a submission", stream("/apis/extension/v1/users/local/snapshots/1/action:submit", "application/json", repeated(`{"a":`, 10_000)), 400, "the body is not the JSON", 24},
		{"huge JSON for a submission", stream("/apis/extension/v1/users/local/snapshots/1/action:submit", "application/json", repeated(" ", 30<<20)), 413, "the request is larger than 65536 bytes", 24},

		{"a file that unpacks to much", packages(packed("new", "1.0.0", "files/zeros", zeros)), 422, "the package is not one of an extension", 64},
		{"files that unpack to much", packages(tgz(manyZeros...)), 422, "the package is not one of an extension", 64},
		{"a subchart that unpacks to much", packages(packed("new", "1.0.0", "charts/sub.tgz", string(tgz("sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n", "sub/zeros", zeros, "sub/more", zeros)))), 422, "", 96},
		{"very many files", packages(tgz(manyFiles...)), 422, "more than 10000 files and folders", 64},
		{"aliases in extension.yaml", packages(packed("new", "1.0.0", "extension.yaml", aliases()+metadata("new", "1.0.0"))), 422, "", 96},
		{"aliases in Chart.yaml", packages(packed("new", "1.0.0", "Chart.yaml", "apiVersion: v2\n"+aliases()+metadata("new", "1.0.0"))), 422, "", 96},
		{"aliases in values.yaml", packages(packed("new", "1.0.0", "values.yaml", aliases())), 422, "", 96},
		{"deep values.yaml", packages(packed("new", "1.0.0", "values.yaml", "a: "+strings.Repeat("[", 500_000))), 422, "", 96},
		{"deep extension.yaml", packages(packed("new", "1.0.0", "extension.yaml", metadata("new", "1.0.0")+"a: "+strings.Repeat("[", 500_000))), 422, "", 96},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &client{t: t, http: c.http, base: c.base, token: c.token, user: c.user}
			forgetPeak(t, pid)
			before := peak(t, pid)
			answer, err := test.ask()
			after := peak(t, pid)
			if err != nil {
				t.Fatal(err)
			}
			if answer.status != test.status || !strings.Contains(answer.message(), test.message) || answer.message() == "" {
				t.Errorf("answer %d %.300s\nwant %d with %s", answer.status, bytes.TrimSpace(answer.body), test.status, test.message)
			}
			t.Logf("%d MiB at rest, %d at most: %.200s", before, after, answer.message())
			if after-before > test.most && !detectsRaces() {
				t.Errorf("the process had %d MiB, and %d MiB before: more than %d", after, before, test.most)
			}
			c.want(200, c.get("/index.yaml"))
		})
	}
	// Before the release, after which the index is staged, too, in the background.
	if left, err := os.ReadDir(filepath.Join(dir, "state", "staging")); err != nil || len(left) > 0 {
		t.Errorf("refused requests left %d staged files (%v)", len(left), err)
	}
	c.want(200, c.upload(files("/files/local/new/1.0.0/i.svg", "<svg/>")...))
	c.release("new", "1.0.0")
}
