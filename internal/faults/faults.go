// Package faults makes a server misbehave on purpose: an http.Handler around
// another one that answers with errors, junk, silence or cut connections, by a
// small script. The tests of a release stand on it, and so does
// `ksrelease marketplace serve --faults FILE`, to rehearse a bad day.
//
// It knows nothing of what the server behind it does.
package faults

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// Handler carries out a script in front of another handler. It is safe for
// concurrent use; which request is the first or second to match a rule is
// decided in the order in which they arrive.
type Handler struct {
	next  http.Handler
	rules []Rule

	mu   sync.Mutex
	seen []int // matching requests, by rule

	// OnFault, where it is set, gets each fault as it happens.
	OnFault func(r *http.Request, rule Rule)
}

// New puts a script in front of next.
func New(next http.Handler, script []Rule) *Handler {
	return &Handler{next: next, rules: script, seen: make([]int, len(script))}
}

// ServeHTTP answers by the first rule whose turn it is, and otherwise lets the
// handler behind it answer.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rule, ok := h.match(r)
	if !ok {
		h.next.ServeHTTP(w, r)
		return
	}
	if h.OnFault != nil {
		h.OnFault(r, rule)
	}
	answer := httptest.NewRecorder()
	switch {
	case rule.Done:
		h.next.ServeHTTP(answer, r)
	case rule.Fault.Kind == Delay:
		if sleep(r, rule.Fault.Wait) {
			h.next.ServeHTTP(w, r)
		}
		return
	}
	// A server that does not read to the end resets the connection while a client
	// still writes, which is a fault of its own and not asked for here, and does
	// not notice that a client has gone.
	_, _ = io.Copy(io.Discard, r.Body)
	rule.Fault.carryOut(w, r, answer)
}

// match counts the request for every rule that it matches, and returns the
// first whose turn it is.
func (h *Handler) match(r *http.Request) (Rule, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	found := -1
	for i, rule := range h.rules {
		if !rule.matches(r) {
			continue
		}
		h.seen[i]++
		if found < 0 && rule.turn(h.seen[i]) {
			found = i
		}
	}
	if found < 0 {
		return Rule{}, false
	}
	return h.rules[found], true
}

// Fault is what goes wrong with one answer.
type Fault struct {
	Kind Kind
	// Status is that of Status and HTML.
	Status int
	// Wait is the time of Delay, and the Retry-After of Status where it is not 0.
	Wait time.Duration
	// Date writes Retry-After as a date instead of seconds (RFC 9110, 10.2.3).
	Date bool
	// Location is where Redirect leads.
	Location string
	// Body is that of Body.
	Body string
}

// Kind is a kind of fault.
type Kind string

// The kinds of faults, by their names in a script.
const (
	Status   Kind = "status"   // an error with a JSON message
	HTML     Kind = "html"     // an error page, as a proxy writes it
	Login    Kind = "login"    // a login page with status 200
	Empty    Kind = "empty"    // status 200 without a body
	Shape    Kind = "shape"    // status 200 with JSON of another shape
	Cut      Kind = "cut"      // the handler's answer, cut in the middle of the body
	Reset    Kind = "reset"    // the connection is closed without an answer
	Hang     Kind = "hang"     // no answer, until the client gives up
	HangBody Kind = "hangbody" // headers and half a body, then nothing
	Delay    Kind = "delay"    // the handler's answer, late
	Redirect Kind = "redirect" // to another address
	Body     Kind = "body"     // status 200 with a body of the script's
)

const page = "<!DOCTYPE html>\n<html><head><title>%s</title></head><body><h1>%s</h1><p>nginx</p></body></html>\n"

// carryOut writes the faulty answer. answer is that of the handler behind,
// which has not been asked where nothing was recorded.
func (f Fault) carryOut(w http.ResponseWriter, r *http.Request, answer *httptest.ResponseRecorder) {
	switch f.Kind {
	case Status:
		f.retryAfter(w.Header())
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(f.Status)
		fmt.Fprintf(w, `{"message":%q}`, "made to fail: "+http.StatusText(f.Status))
	case HTML:
		f.retryAfter(w.Header())
		f.page(w, f.Status, fmt.Sprintf("%d %s", f.Status, http.StatusText(f.Status)))
	case Login:
		f.page(w, http.StatusOK, "Please log in")
	case Empty:
		w.WriteHeader(http.StatusOK)
	case Shape:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `["something","else",{"entirely":true}]`)
	case Cut:
		half(w, r, answer)
		closeConnection()
	case HangBody:
		half(w, r, answer)
		<-r.Context().Done()
		closeConnection()
	case Reset:
		closeConnection()
	case Hang:
		<-r.Context().Done()
		closeConnection()
	case Delay:
		if sleep(r, f.Wait) {
			pass(w, answer)
		}
	case Redirect:
		http.Redirect(w, r, f.Location, http.StatusFound)
	case Body:
		_, _ = io.WriteString(w, f.Body)
	}
}

func (f Fault) retryAfter(header http.Header) {
	switch {
	case f.Wait == 0:
	case f.Date:
		header.Set("Retry-After", time.Now().Add(f.Wait).UTC().Format(http.TimeFormat))
	default:
		header.Set("Retry-After", strconv.Itoa(int(f.Wait/time.Second)))
	}
}

func (f Fault) page(w http.ResponseWriter, status int, title string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, page, title, title)
}

// half promises the whole of an answer and sends half of it. Of an answer that
// has no body by its nature, which would be whole then, it sends nothing.
func half(w http.ResponseWriter, r *http.Request, answer *httptest.ResponseRecorder) {
	if r.Method == http.MethodHead || answer.Code == http.StatusNotModified || answer.Code == http.StatusNoContent {
		return
	}
	body := answer.Body.Bytes()
	if len(body) == 0 {
		body = []byte(`{"message":"an answer that is cut before it is over"}`)
	}
	maps.Copy(w.Header(), answer.Header())
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
}

func pass(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = io.Copy(w, bytes.NewReader(answer.Body.Bytes()))
}

// closeConnection ends the connection without another byte: net/http takes
// this panic as the wish to.
func closeConnection() { panic(http.ErrAbortHandler) }

// sleep waits, unless the client goes away first.
func sleep(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
