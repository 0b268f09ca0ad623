package marketplace

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/state"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// The review in a browser: who knows [Options.ReviewToken] signs in on the page at /, and approves
// and rejects there. A browser sends what it has kept of that with each request, whoever made
// it send the request; so only what a page of this marketplace sends is taken.

// browserReview is the review in a browser of one marketplace.
type browserReview struct{ m *Marketplace }

// reviewCookie holds what proves that somebody has signed in.
const reviewCookie = "ksrelease-review"

// mostReview bounds what a page sends, in bytes, and mostMessage what of it is for the author.
const (
	mostReview  = 64 << 10
	mostMessage = 8 << 10
)

// What a page that follows says of what was not done.
const (
	refusedKey     = "key"     // it is not that of the review
	refusedState   = "state"   // the version is in another state by now
	refusedSession = "session" // nobody is signed in, or not any more
)

// session is what a browser keeps. It holds as long as this process has the marketplace.
func (b browserReview) session() string {
	sum := hmac.New(sha256.New, []byte(b.m.ownKey))
	sum.Write([]byte("review in a browser\x00" + b.m.options.ReviewToken))
	return hex.EncodeToString(sum.Sum(nil))
}

// signedIn says whether the browser of a request has signed in.
func (b browserReview) signedIn(r *http.Request) bool {
	cookie, err := r.Cookie(reviewCookie)
	return err == nil && b.m.options.ReviewToken != "" && same(cookie.Value, b.session())
}

// fromThisPage lets through what a page of this marketplace sends, and nothing that a page of
// another origin does.
func (b browserReview) fromThisPage(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		check := http.NewCrossOriginProtection()
		if external := b.m.state.ExternalURL(); external != nil { // a proxy may have changed the host of requests
			_ = check.AddTrustedOrigin(external.Scheme + "://" + external.Host) // it was parsed: it is an origin
		}
		if r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" {
			return wire.Refuse(http.StatusForbidden, "this is for the page of the marketplace in a browser; elsewhere: ksrelease marketplace approve and reject")
		}
		if err := check.Check(r); err != nil {
			return wire.Refuse(http.StatusForbidden, "the request comes from a page of another origin")
		}
		if b.m.options.ReviewToken == "" {
			return wire.Refuse(http.StatusNotFound, "this marketplace has no review in a browser: it was started without a key for it")
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostReview)
		if err := r.ParseForm(); err != nil {
			return wire.BodyError(err)
		}
		return next(w, r)
	}
}

// signIn takes the key of the review.
func (b browserReview) signIn(w http.ResponseWriter, r *http.Request) error {
	if !same(r.PostForm.Get("key"), b.m.options.ReviewToken) {
		return backTo(w, "../../?refused="+refusedKey)
	}
	b.setSession(w, r, b.session(), 0)
	return backTo(w, "../../")
}

// signOut forgets it.
func (b browserReview) signOut(w http.ResponseWriter, r *http.Request) error {
	b.setSession(w, r, "", -1)
	return backTo(w, "../../")
}

func (b browserReview) setSession(w http.ResponseWriter, r *http.Request, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: reviewCookie, Value: value, MaxAge: age, Path: "/", HttpOnly: true,
		Secure: b.m.base(r).Scheme == "https", SameSite: http.SameSiteStrictMode,
	})
}

// take is a step of the review that the page at / asks for.
func (b browserReview) take(step catalog.Step) handler {
	return b.fromThisPage(func(w http.ResponseWriter, r *http.Request) error {
		const home = "../../../../"
		if !b.signedIn(r) {
			return backTo(w, home+"?refused="+refusedSession)
		}
		message := r.PostForm.Get("message")
		if len(message) > mostMessage || !utf8.ValidString(message) {
			return wire.Refuse(http.StatusBadRequest, "the message has more than %d bytes, or is no text", mostMessage)
		}
		err := b.m.state.Take(r.PathValue("extension"), state.ByVersion(r.PathValue("version")), step, message)
		var refusal *wire.Refusal
		if errors.As(err, &refusal) {
			return backTo(w, home+"?refused="+refusedState)
		}
		if err != nil {
			return err
		}
		return backTo(w, home)
	})
}

// backTo sends a browser to an address relative to that of the request: it may be below the path
// of an external URL, which a proxy has taken off.
func backTo(w http.ResponseWriter, address string) error {
	w.Header().Set("Location", address)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
