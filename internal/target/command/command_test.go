//go:build unix

package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// actionOf is the action of a request, whose body it leaves readable.
func actionOf(q *http.Request) action {
	body, _ := io.ReadAll(q.Body)
	q.Body = io.NopCloser(bytes.NewReader(body))
	var r request
	_ = json.Unmarshal(body, &r)
	return r.Action
}

// What a command is given: variables, a file, a JSON object on standard input; and no secret.
func TestWhatACommandGets(t *testing.T) {
	store := t.TempDir()
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	made := script(t, store, `
		[ "$KSRELEASE_TARGET_ACTION" = publish ] || exit 64
		echo "$KSRELEASE_TARGET $KSRELEASE_NAME $KSRELEASE_VERSION $KSRELEASE_DIGEST $KSRELEASE_CONTENT_DIGEST $KSRELEASE_ROOT ${DEPLOY_KEY-no key}" >"$STORE/variables"
		cp "$KSRELEASE_PACKAGE" "$KSRELEASE_PACKAGE.prov" "$KSRELEASE_PACKAGE.sig" "$STORE"
		cat >"$STORE/input"
	`)
	pkg.Provenance, pkg.Signature = []byte("-----BEGIN PGP SIGNED MESSAGE-----\n"), []byte("c2ln")
	if s, err := made.Publish(t.Context(), pkg); err != nil || s.Status != target.StatusActive {
		t.Fatalf("%+v, %v", s, err)
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(store, name))
		if err != nil {
			t.Error(err)
		}
		return string(data)
	}
	root := made.by.(*command).Dir
	if got, want := read("variables"), fmt.Sprintf("intranet alc 1.0.0 %s %s %s no key\n", pkg.Digest, pkg.ContentDigest, root); got != want {
		t.Errorf("variables: %q, want %q", got, want)
	}
	if read(pkg.Filename) != string(pkg.Data) {
		t.Error("it got another package")
	}
	if read(pkg.Filename+".prov") != string(pkg.Provenance) || read(pkg.Filename+".sig") != "c2ln" {
		t.Error("it did not get what signs the package")
	}
	var q request
	if err := json.Unmarshal([]byte(read("input")), &q); err != nil {
		t.Fatal(err)
	}
	want := request{SchemaVersion: 1, Action: actionPublish, Target: "intranet", Name: "alc", Version: "1.0.0", Filename: pkg.Filename, Size: pkg.Size, Digest: pkg.Digest, ContentDigest: pkg.ContentDigest, File: q.File}
	if fmt.Sprint(q) != fmt.Sprint(want) || filepath.Base(q.File) != pkg.Filename {
		t.Errorf("input: %+v", q)
	}
	if left, _ := os.ReadDir(made.by.(*command).Temporary); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// A command that knows publish alone: its answer is all that is known, and nothing is made up.
func TestPublishAlone(t *testing.T) {
	store := t.TempDir()
	made := script(t, store, `
		echo "$KSRELEASE_TARGET_ACTION" >>"$STORE/log"
		[ "$KSRELEASE_TARGET_ACTION" = publish ] || exit 64
		[ ! -e "$STORE/broken" ] || exit 1
		cp "$KSRELEASE_PACKAGE" "$STORE"
	`)
	ctx, pkg := t.Context(), targettest.Package(t, "alc", "1.0.0", "one")
	if s, err := made.Snapshot(ctx, "alc", "1.0.0"); err != nil || s.Status != target.StatusNone {
		t.Errorf("%+v, %v", s, err)
	}
	index, err := made.Index(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := index.Lookup(ctx, "alc", "1.0.0"); ok || err != nil {
		t.Error(ok, err)
	}
	if got := strings.Join(index.Remarks(), ""); !strings.Contains(got, "its answer to publish counts") {
		t.Errorf("remarks: %q", got)
	}
	if err := os.WriteFile(filepath.Join(store, "broken"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := made.Publish(ctx, pkg); !failure.InDoubt(err) {
		t.Errorf("it failed: %v", err)
	}
	if s, err := made.Snapshot(ctx, "alc", "1.0.0"); err == nil {
		t.Errorf("whether it is there is not known, and it is %+v", s)
	}
	if err := os.Remove(filepath.Join(store, "broken")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second one is not sent
		if _, err := made.Publish(ctx, pkg); err != nil {
			t.Fatal(err)
		}
	}
	index, err = made.Index(ctx)
	if err != nil {
		t.Fatal(err)
	}
	e, ok, err := index.Lookup(ctx, "alc", "1.0.0")
	if !ok || err != nil || e.Digest != pkg.Digest || e.ContentDigest != pkg.ContentDigest {
		t.Errorf("%+v, %t, %v", e, ok, err)
	}
	if data, err := made.Fetch(ctx, e); err != nil || string(data) != string(pkg.Data) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if versions, err := index.Versions(ctx, "alc"); err != nil || !slices.Equal(versions, []string{"1.0.0"}) {
		t.Error(versions, err)
	}
	if _, err := made.Publish(ctx, targettest.Package(t, "alc", "1.0.0", "two")); !refusesOther(err) {
		t.Errorf("other content of what was just taken: %v", err)
	}
	// Each action that it does not know is asked for once.
	log, err := os.ReadFile(filepath.Join(store, "log"))
	if err != nil || string(log) != "snapshot\nindex\npublish\npublish\nfetch\n" {
		t.Errorf("%q, %v", log, err)
	}
}

// A command that is not run has nothing, and says why.
func TestIdle(t *testing.T) {
	dir := t.TempDir()
	made, end := NewExec(ExecOptions{Name: "intranet", Run: "touch ran", Dir: dir, Idle: "--hooks runs it"})
	defer end()
	index, err := made.Index(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := index.Lookup(t.Context(), "alc", "1.0.0"); ok || err != nil {
		t.Error(ok, err)
	}
	if got := strings.Join(index.Remarks(), ""); !strings.Contains(got, "is not run here") || !strings.Contains(got, "--hooks runs it") {
		t.Errorf("remarks: %q", got)
	}
	if _, err := made.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one")); err == nil || failure.InDoubt(err) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("it ran: %v", left)
	}
}

// One that knows what it has, and cannot list it or give it back.
func TestSnapshotWithoutTheRest(t *testing.T) {
	made := script(t, t.TempDir(), `
		case $KSRELEASE_TARGET_ACTION in
		publish) exit 65 ;;
		snapshot) case $KSRELEASE_VERSION in
			1.0.0) echo '{"status": "active"}' ;;
			1.1.0) echo '{"status": "active", "content_digest": "v2:1234"}' ;;
			*) echo '{"status": "none"}' ;;
			esac ;;
		*) exit 64 ;;
		esac
	`)
	ctx := t.Context()
	index, err := made.Index(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if e, ok, err := index.Lookup(ctx, "alc", "1.1.0"); !ok || err != nil || e.ContentDigest != "v2:1234" {
		t.Errorf("%+v, %t, %v", e, ok, err)
	}
	e, ok, err := index.Lookup(ctx, "alc", "1.0.0")
	if !ok || err != nil {
		t.Error(ok, err)
	}
	if data, err := made.Fetch(ctx, e); err == nil || !strings.Contains(failure.Hint(err), "content_digest") {
		t.Errorf("%d bytes, %v → %s", len(data), err, failure.Hint(err))
	}
	if versions, err := index.Versions(ctx, "alc"); len(versions) > 0 || err != nil {
		t.Error(versions, err)
	}
	if got := strings.Join(index.Remarks(), ""); !strings.Contains(got, "knows no action index") {
		t.Errorf("remarks: %q", got)
	}
	for _, version := range []string{"1.0.0", "1.2.0"} { // it is there, or the command says so
		if _, err := made.Publish(ctx, targettest.Package(t, "alc", version, "one")); !refusesOther(err) {
			t.Errorf("%s: %v", version, err)
		}
	}
}

// refusesOther says that a version is there with other content, and all is known.
func refusesOther(err error) bool {
	return err != nil && strings.Contains(err.Error(), "already, with other content") && !failure.InDoubt(err) && strings.Contains(failure.Hint(err), "another version")
}

// What a command may answer, and what that means.
func TestAnswersOfCommands(t *testing.T) {
	for _, c := range []struct {
		run                                 string
		publish                             string // what is said of it
		doubt, later, unauthorized, success bool
		snapshot                            string // likewise; empty where it is as clear
	}{
		{run: `exit 0`, success: true, snapshot: "the answer is empty"},
		{run: `echo '{"status": "active"}'`, success: true},
		{run: `echo; echo '  '`, success: true, snapshot: "the answer is empty"},
		{run: `echo '{"status": "active", "digest": "sha256:00"}'`, publish: "it took the digest sha256:00", doubt: true},
		{run: `echo '{"saved": true}'`, publish: `the status in its answer is "", and not "active" or "exists"`, doubt: true, snapshot: `and not "none" or "active"`},
		{run: `echo '{"status": "done"}'`, publish: `the status in its answer is "done"`, doubt: true, snapshot: "done"},
		{run: `echo uploaded`, publish: "no JSON object of this protocol; the last it printed:\nmore", doubt: true, snapshot: "no JSON"},
		{run: `echo '"active"'`, publish: "no JSON object", doubt: true, snapshot: "no JSON"},
		{run: `echo '[]'`, publish: "no JSON object", doubt: true, snapshot: "no JSON"},
		{run: `echo '{"status": 1}'`, publish: "no JSON object", doubt: true, snapshot: "no JSON"},
		{run: `echo '{"status": "active"} {}'`, publish: "more than one JSON object", doubt: true, snapshot: "more than one"},
		{run: `echo '{"status": "active"'`, publish: "no JSON object", doubt: true, snapshot: "no JSON"},
		{run: `echo '{"status": "active"}'; exit 7`, publish: "it ended with exit code 7; the last it printed:\nmore", doubt: true, snapshot: "exit code 7"},
		{run: `kill -9 $$`, publish: "it was ended: signal: killed", doubt: true, snapshot: "killed"},
		{run: `exit 64`, publish: "knows no action publish", snapshot: "none"},
		{run: `exit 65`, publish: "has alc 1.0.0 already, with other content", snapshot: "exit code 65"},
		{run: `echo '{"status": "exists"}'`, publish: "has alc 1.0.0 already, with other content", snapshot: `"exists"`},
		{run: `exit 75`, publish: "it ended with exit code 75: try again later", later: true, snapshot: "try again later"},
		{run: `exit 77`, publish: "it was refused", unauthorized: true, snapshot: "it was refused"},
		{run: `nonesuch-command`, publish: "exit code 127", doubt: true, snapshot: "exit code 127"},
	} {
		t.Run(c.run, func(t *testing.T) {
			made := script(t, t.TempDir(), "echo more >&2\n"+c.run)
			pkg := targettest.Package(t, "alc", "1.0.0", "one")
			_, err := made.ask(t.Context(), publishing(pkg))
			if c.run == `echo '{"status": "exists"}'` || errors.Is(err, errExists) || errors.Is(err, errUnknown) { // what Publish makes of it
				made.unknown[actionSnapshot] = true
				_, err = made.Publish(t.Context(), pkg)
				made.unknown[actionSnapshot] = false
			}
			if (err == nil) != c.success || err != nil && !strings.Contains(err.Error(), c.publish) {
				t.Errorf("publish: %v", err)
			}
			if failure.InDoubt(err) != c.doubt || failure.Temporary(err) != c.later || failure.Unauthorized(err) != c.unauthorized {
				t.Errorf("publish: %v: in doubt %t, temporary %t, unauthorized %t", err, failure.InDoubt(err), failure.Temporary(err), failure.Unauthorized(err))
			}
			if c.unauthorized && !strings.Contains(failure.Hint(err), "DEPLOY_KEY") {
				t.Errorf("hint: %s", failure.Hint(err))
			}
			if c.snapshot == "" {
				return
			}
			s, err := made.Snapshot(t.Context(), "alc", "1.0.0")
			if c.snapshot == "none" {
				if err != nil || s.Status != target.StatusNone {
					t.Errorf("snapshot: %+v, %v", s, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.snapshot) || failure.InDoubt(err) {
				t.Errorf("snapshot: %+v, %v", s, err)
			}
		})
	}
}

// A command that takes too long, or prints without end, is ended with all that it started.
func TestBounds(t *testing.T) {
	store := t.TempDir()
	made := script(t, store, `sleep 600 & echo $! >"$STORE/child"; wait`)
	made.by.(*command).Timeout = 300 * time.Millisecond
	began := time.Now()
	_, err := made.ask(t.Context(), publishing(targettest.Package(t, "alc", "1.0.0", "one")))
	if err == nil || !strings.Contains(err.Error(), "it took longer than 300ms, and was ended") || !failure.InDoubt(err) || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	endless := script(t, store, `exec yes '{"status": "none"}' | head -c 200000000`)
	if _, err := endless.Snapshot(t.Context(), "alc", "1.0.0"); err == nil || !strings.Contains(err.Error(), "its answer has more than") {
		t.Error(err)
	}
	link := script(t, store, `ln -s /etc/passwd "$KSRELEASE_PACKAGE"`)
	if _, err := link.Fetch(t.Context(), target.Entry{Name: "alc", Version: "1.0.0"}); err == nil || !strings.Contains(err.Error(), "is no file") {
		t.Error(err)
	}
	elsewhere := script(t, store, `echo x >"$KSRELEASE_PACKAGE"`) // a version that it has answered itself
	if _, err := elsewhere.Fetch(t.Context(), target.Entry{Name: "alc", Version: "1/../../escaped"}); err == nil || !strings.Contains(err.Error(), "is no name of a file") {
		t.Error(err)
	}
	nothing := script(t, store, `true`)
	if _, err := nothing.Fetch(t.Context(), target.Entry{Name: "alc", Version: "1.0.0"}); err == nil || !strings.Contains(err.Error(), "it wrote no file") {
		t.Error(err)
	}
	redacted := script(t, store, `echo "the key is hunter22" >&2; exit 1`)
	redacted.by.(*command).Redact = func(s string) string { return strings.ReplaceAll(s, "hunter22", "xxxxx") }
	if _, err := redacted.Snapshot(t.Context(), "alc", "1.0.0"); err == nil || strings.Contains(err.Error(), "hunter22") {
		t.Error(err)
	}
}

// hook makes a target of a handler.
func hook(t *testing.T, handler http.HandlerFunc) *Target {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	web := transport.New(transport.Options{Attempts: 1, Patience: time.Millisecond})
	t.Cleanup(web.Close)
	return NewWebhook(WebhookOptions{
		Name: "intranet", URL: server.URL + "/hooks/kept-secret-1234", Secret: "signing-1234", Timeout: time.Minute, Transport: web,
		Now: func() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) },
	})
}

// What a service is sent.
func TestWhatAServiceGets(t *testing.T) {
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	pkg.Provenance = []byte("-----BEGIN PGP SIGNED MESSAGE-----\n")
	var body []byte
	var header http.Header
	made := hook(t, func(w http.ResponseWriter, r *http.Request) {
		if actionOf(r) != actionPublish {
			w.WriteHeader(http.StatusNotImplemented)
			return
		}
		header = r.Header
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"status": "active"}`)
	})
	if _, err := made.Publish(t.Context(), pkg); err != nil {
		t.Fatal(err)
	}
	if header.Get(SignatureHeader) != Signature("signing-1234", body) || header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", header)
	}
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		t.Fatal(err)
	}
	if q.Time != "2026-11-30T12:00:00Z" || string(q.Package) != string(pkg.Data) || q.File != "" || q.Provenance != string(pkg.Provenance) || q.Signature != "" || q.Digest != pkg.Digest || q.Action != actionPublish || q.SchemaVersion != 1 {
		t.Errorf("%s", body)
	}
}

// What a service may answer, and what that means. Its address is in no error.
func TestAnswersOfServices(t *testing.T) {
	for _, c := range []struct {
		status                     int
		body                       string
		publish                    string
		doubt, later, unauthorized bool
		snapshot                   string
	}{
		{status: 200, body: `{"status": "active"}`},
		{status: 200, body: ``, publish: "the answer is empty", doubt: true, snapshot: "the answer is empty"},
		{status: 204, body: ``, publish: "the answer is empty", doubt: true, snapshot: "the answer is empty"},
		{status: 200, body: `<html>`, publish: "no JSON object", doubt: true, snapshot: "no JSON object"},
		{status: 200, body: `{"message": "ok"}`, publish: `the status in its answer is ""`, doubt: true, snapshot: `the status in its answer is ""`},
		{status: 200, body: `{"status": "exists"}`, publish: "with other content", snapshot: `"exists"`},
		{status: 409, body: ``, publish: "with other content", snapshot: "409 Conflict"},
		{status: 501, body: ``, publish: "knows no action publish", snapshot: "none"},
		{status: 404, body: ``, publish: "404 Not Found", snapshot: "404 Not Found"},
		{status: 401, body: `{"message": "who is it?"}`, publish: "401 Unauthorized", unauthorized: true, snapshot: "401 Unauthorized"},
		{status: 403, body: ``, publish: "403 Forbidden", unauthorized: true, snapshot: "403 Forbidden"},
		{status: 500, body: `{"message": "kept-secret-1234"}`, publish: "500 Internal Server Error", doubt: true, later: true, snapshot: "500"},
	} {
		t.Run(fmt.Sprint(c.status, c.body), func(t *testing.T) {
			made := hook(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			made.unknown[actionSnapshot] = true
			_, err := made.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one"))
			made.unknown[actionSnapshot] = false
			s, asked := target.Snapshot{}, error(nil)
			if c.snapshot != "" {
				s, asked = made.Snapshot(t.Context(), "alc", "1.0.0")
			}
			if (err == nil) != (c.publish == "") || err != nil && !strings.Contains(err.Error(), c.publish) ||
				failure.InDoubt(err) != c.doubt || failure.Temporary(err) != c.later || failure.Unauthorized(err) != c.unauthorized {
				t.Errorf("publish: %v: in doubt %t, temporary %t, unauthorized %t", err, failure.InDoubt(err), failure.Temporary(err), failure.Unauthorized(err))
			}
			switch {
			case c.snapshot == "" || c.snapshot == "none":
				if asked != nil || s.Status != target.StatusNone {
					t.Errorf("snapshot: %+v, %v", s, asked)
				}
			case asked == nil || !strings.Contains(asked.Error(), c.snapshot) || failure.InDoubt(asked):
				t.Errorf("snapshot: %+v, %v", s, asked)
			}
			for _, err := range []error{err, asked} {
				if err != nil && (strings.Contains(err.Error(), "kept-secret") || strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(failure.Hint(err), "kept-secret")) {
					t.Errorf("the address is in %v → %s", err, failure.Hint(err))
				}
			}
		})
	}
	busy := hook(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	if _, err := busy.Snapshot(t.Context(), "alc", "1.0.0"); !failure.SlowDown(err) {
		t.Error(err)
	}
}

// Answers to index, read.
func TestIndexes(t *testing.T) {
	for body, wrong := range map[string]string{
		`{"versions": []}`:                  "",
		`{"versions": null}`:                "there are no versions in its answer",
		`{}`:                                "there are no versions in its answer",
		`{"versions": [{"name": "alc"}]}`:   "versions[0] in its answer has no name, or no version",
		`{"versions": {"alc": ["1.0.0"]}}`:  "no JSON object of this protocol",
		`{"versions": [], "more": {"x": 1}`: "no JSON object of this protocol",
		`{"versions": [{"name": "alc", "version": "1.0.0", "digest": "a"}, {"name": "alc", "version": "1.0.0", "digest": "b"}, {"name": "b", "version": "2.0.0"}]}`: "",
	} {
		index, err := hook(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }).Index(t.Context())
		if (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: %v", body, err)
		}
		if err == nil && strings.Contains(body, "alc") {
			e, ok, _ := index.Lookup(t.Context(), "alc", "1.0.0")
			versions, _ := index.Versions(t.Context(), "alc")
			if !ok || e.Digest != "b" || e.Times != 2 || len(versions) != 1 {
				t.Errorf("%+v, %q", e, versions)
			}
		}
	}
}
