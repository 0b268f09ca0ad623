package command

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// SignatureHeader holds the signature of a request: "sha256=" and the HMAC-SHA256 of its body,
// in hex.
const SignatureHeader = "X-Ksrelease-Signature-256"

// longestQuestion is how long a service may take to answer a question. A run that waits for an
// index asks several times.
const longestQuestion = time.Minute

// WebhookOptions are those of a service.
type WebhookOptions struct {
	Name    string        // of the target
	URL     string        // is in no error
	Secret  string        // the key of signatures; empty: there are none
	Timeout time.Duration // of a request with a package; a question has a minute at most
	// Redact takes secrets out of what the service answers; nil leaves it as it is.
	Redact func(string) string
	// Transport sends the requests. The caller closes it.
	Transport *transport.Client
	// Now is the time; nil is that of the system.
	Now func() time.Time
}

// NewWebhook makes a target of a service.
func NewWebhook(o WebhookOptions) *Target {
	if o.Redact == nil {
		o.Redact = func(s string) string { return s }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &service{o, "the service of target " + o.Name}
	return newTarget(o.Name, s.who, s, o.Transport)
}

// service is a carrier that sends requests to an address.
type service struct {
	WebhookOptions
	who string
}

func (s *service) send(ctx context.Context, q request) (answer, error) {
	q.Time = s.Now().UTC().Format(time.RFC3339)
	body, err := json.Marshal(q)
	if err != nil {
		return answer{}, err // of texts and numbers: there is none
	}
	var a answer
	r := transport.Request{
		Op: s.who + ": " + q.what(), Method: http.MethodPost, URL: s.URL, Header: http.Header{},
		Body: body, ContentType: "application/json", JSON: true, Describe: true, Timeout: s.Timeout, Limit: answerLimit,
		Read: q.Action != actionPublish,
		Check: func(came *transport.Response) (err error) {
			a, err = parse(q, came.Body)
			return err
		},
	}
	if r.Read {
		r.Timeout = min(s.Timeout, longestQuestion)
	}
	if s.Secret != "" {
		r.Header.Set(SignatureHeader, Signature(s.Secret, body))
	}
	if _, err = s.Transport.Do(ctx, r); err == nil {
		return a, nil
	}
	failed, answered := transport.As(err)
	switch {
	case !answered:
		return answer{}, err
	case failed.Status == http.StatusNotImplemented:
		return answer{}, errUnknown
	case failed.Status == http.StatusConflict && q.Action == actionPublish:
		return answer{}, errExists
	}
	return answer{}, s.explain(q, failed)
}

// Signature is the value of [SignatureHeader] for a body.
func Signature(secret string, body []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	_, _ = h.Write(body)
	return "sha256=" + hex.EncodeToString(h.Sum(nil))
}

// explain is a failure without the address, which may be as secret as a password.
func (s *service) explain(q request, failed *transport.Error) error {
	text := s.who + ": " + q.what() + ": " + failed.Summary()
	if failed.Message != "" {
		text += ": " + failed.Message
	}
	why := &failedError{
		text: s.Redact(text), hint: failed.Hint(), cause: failed.Err,
		doubt: failed.InDoubt(), later: failed.Temporary(), unauthorized: failed.Unauthorized(),
	}
	if why.unauthorized {
		why.hint = "the service refuses what it was sent: check the secret and the address of target " + s.Name + " in the config"
	}
	if failure.SlowDown(failed) {
		return &busyError{why}
	}
	return why
}

// busyError is a service that has asked to slow down.
type busyError struct{ *failedError }

// SlowDown says so.
func (*busyError) SlowDown() bool { return true }
