package marketplace

import (
	"crypto/subtle"
	"io"
	"net/http"
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/lease"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// handler is a handler that leaves the wording of errors to AnswerError.
type handler func(w http.ResponseWriter, r *http.Request) error

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h(w, r); err != nil {
		// Clients read the answer once they have sent the request: one that is hung up
		// on while it sends would see a broken connection instead of the reason.
		io.CopyN(io.Discard, r.Body, maxPackageBody)
		wire.AnswerError(w, err)
	}
}

// routes is everything the marketplace answers to.
func (m *Marketplace) routes() *http.ServeMux {
	mux, review := http.NewServeMux(), browserReview{m}
	for _, route := range []struct {
		pattern string
		handle  handler
	}{
		// The interface of KubeSphere Cloud: who am I, and what is there.
		{"GET /apis/user/v1/user", m.signedIn(m.getUser)},
		{"POST /apis/extension/v1/extensions/search", m.signedIn(m.searchExtensions)},
		{"GET /apis/extension/v1/extensions/{extension}/summary", m.signedIn(m.getExtension)},
		{"GET /apis/extension/v1/extensions/{extension}/snapshots", m.signedIn(m.getSnapshots)},
		{"GET /apis/extension/v1/extensions/{extension}/versions/{version}", m.signedIn(m.getVersion)},

		// What a user does with what is theirs.
		{"GET /apis/extension/v1/users/{user}/files/usage", m.asUser(m.uploads.usage)},
		{"POST /apis/extension/v1/users/{user}/files", m.asUser(m.uploads.take)},
		{"POST /apis/extension/v1/users/{user}/extensions/{extension}/package", m.asUser(m.pushPackage)},
		{"POST /apis/extension/v1/users/{user}/snapshots/{snapshot}/action:submit", m.asUser(m.submit)},
		{"POST /apis/extension/v1/users/{user}/snapshots/{snapshot}/action:cancel-submit", m.asUser(m.cancelSubmit)},

		// The Helm repository and the uploaded files, for everybody.
		{"GET /index.yaml", m.getIndex},
		{"GET /charts/{file}", m.getChart},
		{"GET /files/{path...}", m.uploads.get},

		// The review, for who runs this marketplace.
		{"POST /marketplace/v1/extensions/{extension}/versions/{version}/approve", m.asAdmin(m.approve)},
		{"POST /marketplace/v1/extensions/{extension}/versions/{version}/reject", m.asAdmin(m.reject)},

		// The same for people, in a browser, and how a version is shown.
		{"POST /marketplace/review/sign-in", review.fromThisPage(review.signIn)},
		{"POST /marketplace/review/sign-out", review.fromThisPage(review.signOut)},
		{"POST /marketplace/review/{extension}/{version}/approve", review.take(catalog.Approval)},
		{"POST /marketplace/review/{extension}/{version}/reject", review.take(catalog.Rejection)},
		{"GET /marketplace/shown/{extension}/{version}", (&shownPages{m: m}).answer},

		// Which process this is, for others on this host.
		{"GET " + lease.ProofPath, m.getProof},

		{"GET /{$}", m.getPage},
	} {
		mux.Handle(route.pattern, m.tellingOfSpace(route.handle))
	}
	return mux
}

// jsonErrors gives the mux's own errors, no such address and no such method, the form
// that all errors of the API have.
func jsonErrors(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		seen := &statusOnly{header: http.Header{}}
		own.ServeHTTP(seen, r)
		if allowed := seen.header.Get("Allow"); allowed != "" {
			w.Header().Set("Allow", allowed)
		}
		if seen.status == http.StatusMethodNotAllowed {
			wire.AnswerRefusal(w, wire.Refuse(seen.status, "%s is not possible at %s", r.Method, r.URL.Path))
			return
		}
		wire.AnswerRefusal(w, wire.Refuse(http.StatusNotFound, "there is nothing at %s", r.URL.Path))
	})
}

// statusOnly is a ResponseWriter that keeps what the mux says and drops how it says it.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) Write(p []byte) (int, error) { return len(p), nil }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }

// isToken says whether a text has the shape of an API key.
func isToken(text string) bool {
	return len(text) <= 4+128 && tokenPattern.MatchString(text)
}

var tokenPattern = lazyregexp.New(`^kck-[A-Za-z0-9-]+$`)

// signedIn lets through who carries an API key.
func (m *Marketplace) signedIn(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		token, ok := bearer(r)
		switch {
		case !ok:
			return wire.Refuse(http.StatusUnauthorized, "no API key: send the header Authorization: Bearer kck-…")
		case same(token, m.ownKey):
		case m.options.Token != "" && !same(token, m.options.Token):
			return wire.Refuse(http.StatusUnauthorized, "the API key is not valid here")
		case m.options.Token == "" && !isToken(token):
			return wire.Refuse(http.StatusUnauthorized, "this is no API key: one begins with kck-")
		}
		return next(w, r)
	}
}

// asUser lets through who carries the API key of the user in the address.
func (m *Marketplace) asUser(next handler) handler {
	return m.signedIn(func(w http.ResponseWriter, r *http.Request) error {
		if user := r.PathValue("user"); user != m.options.User {
			return wire.Refuse(http.StatusForbidden, "the API key is not that of user %s", user)
		}
		return next(w, r)
	})
}

// asAdmin lets through who can read the key in the directory of the marketplace.
func (m *Marketplace) asAdmin(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if token, ok := bearer(r); !ok || !same(token, m.ownKey) {
			return wire.Refuse(http.StatusUnauthorized, "this is for who runs the marketplace: ksrelease marketplace approve and reject take the key from its directory")
		}
		return next(w, r)
	}
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
