// Command server is a service as a target of the kind webhook, with all actions; docs/targets.md
// describes them. It keeps packages in a folder, and takes requests that are signed with the
// secret of the config:
//
//	SECRET=… go run ./examples/targets/server 127.0.0.1:8080 /srv/packages
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: server HOST:PORT FOLDER")
		os.Exit(2)
	}
	s := &store{folder: os.Args[2], secret: os.Getenv("SECRET")}
	server := &http.Server{Addr: os.Args[1], Handler: s, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

// request is what ksrelease asks.
type request struct {
	Action        string    `json:"action"`
	Time          time.Time `json:"time"`
	Name          string    `json:"name"`
	Version       string    `json:"version"`
	Digest        string    `json:"digest"`
	ContentDigest string    `json:"content_digest"`
	Package       []byte    `json:"package"`
}

// record is a version as it is kept, and as it is in an answer.
type record struct {
	Status        string `json:"status,omitempty"`
	Name          string `json:"name,omitempty"`
	Version       string `json:"version,omitempty"`
	Digest        string `json:"digest,omitempty"`
	ContentDigest string `json:"content_digest,omitempty"`
	Package       []byte `json:"package,omitempty"`
}

// store keeps each version in a file.
type store struct {
	folder, secret string
	mu             sync.Mutex
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 100<<20))
	var q request
	switch {
	case err != nil:
		http.Error(w, "the request is too large, or was cut off", http.StatusBadRequest)
	case !s.signed(r.Header.Get("X-Ksrelease-Signature-256"), body):
		http.Error(w, "the signature is wrong", http.StatusForbidden)
	case json.Unmarshal(body, &q) != nil || !plain(q.Name) || !plain(q.Version):
		http.Error(w, "the request is none of ksrelease", http.StatusBadRequest)
	case time.Since(q.Time).Abs() > 5*time.Minute:
		http.Error(w, "the request is an old one, or a clock is wrong", http.StatusForbidden)
	default:
		s.answer(w, q)
	}
}

// signed compares signatures in constant time.
func (s *store) signed(signature string, body []byte) bool {
	h := hmac.New(sha256.New, []byte(s.secret))
	_, _ = h.Write(body)
	return hmac.Equal([]byte(signature), []byte("sha256="+hex.EncodeToString(h.Sum(nil))))
}

// plain says that a name or a version makes the name of a file.
func plain(text string) bool { return !strings.ContainsAny(text, `/\`) && text != ".." }

func (s *store) answer(w http.ResponseWriter, q request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	there, err := s.read(q.Name, q.Version)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !missing && q.Action != "index":
		http.Error(w, "the version cannot be read", http.StatusInternalServerError)
	case q.Action == "publish" && !missing && there.Digest != q.Digest:
		w.WriteHeader(http.StatusConflict)
	case q.Action == "publish":
		if err := s.write(record{Name: q.Name, Version: q.Version, Digest: q.Digest, ContentDigest: q.ContentDigest, Package: q.Package}); err != nil {
			http.Error(w, "the package cannot be stored", http.StatusInternalServerError)
			return
		}
		say(w, record{Status: "active", Digest: q.Digest})
	case q.Action == "snapshot" && missing:
		say(w, record{Status: "none"})
	case q.Action == "snapshot":
		say(w, record{Status: "active", Digest: there.Digest, ContentDigest: there.ContentDigest})
	case q.Action == "fetch" && missing:
		w.WriteHeader(http.StatusNotFound)
	case q.Action == "fetch":
		say(w, record{Package: there.Package})
	case q.Action == "index":
		s.list(w)
	default: // an action that came later than this program
		w.WriteHeader(http.StatusNotImplemented)
	}
}

func (s *store) path(name, version string) string {
	return filepath.Join(s.folder, name+"@"+version+".json")
}

func (s *store) read(name, version string) (r record, err error) {
	data, err := os.ReadFile(s.path(name, version))
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	return r, err
}

// write stores a version as a whole or not at all.
func (s *store) write(r record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	path := s.path(r.Name, r.Version)
	if err := os.WriteFile(path+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (s *store) list(w http.ResponseWriter) {
	files, err := filepath.Glob(filepath.Join(s.folder, "*@*.json"))
	versions := []record{}
	for _, file := range files {
		var r record
		data, unread := os.ReadFile(file)
		if unread != nil || json.Unmarshal(data, &r) != nil {
			err = errors.New("a version cannot be read")
			break
		}
		r.Package = nil
		versions = append(versions, r)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	say(w, map[string]any{"versions": versions})
}

func say(w http.ResponseWriter, what any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(what)
}
