package wire

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// AnswerRefusal answers in the one form that all errors of the API have.
func AnswerRefusal(w http.ResponseWriter, r *Refusal) {
	if r.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="ksrelease marketplace"`)
	}
	AnswerJSON(w, r.Status, map[string]string{"message": r.Message})
}

// AnswerError answers for an error of any kind: a refusal as it is, everything else is
// this side's fault.
func AnswerError(w http.ResponseWriter, err error) {
	var r *Refusal
	if !errors.As(err, &r) {
		r = Refuse(http.StatusInternalServerError, "%v", err)
	}
	AnswerRefusal(w, r)
}

func AnswerJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"message":"the answer could not be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

// MaxJSONBody is the most bytes of a JSON body: a message or a short list.
const MaxJSONBody = 64 << 10

// ReadJSON reads the body of a request. An empty one is an empty object.
func ReadJSON(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxJSONBody))
	if err != nil {
		return BodyError(err)
	}
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return Refuse(http.StatusBadRequest, "the body is not the JSON that belongs here: %v", PlainJSON(err))
	}
	return nil
}

// BodyError is the refusal for a body that could not be read to its end.
func BodyError(err error) error {
	var known *Refusal
	if errors.As(err, &known) {
		return known
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return Refuse(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", tooLarge.Limit)
	}
	return Refuse(http.StatusBadRequest, "the request could not be read to its end: %v", err)
}

// AsData keeps a browser from running what strangers uploaded: an SVG or HTML file
// opened by its address could otherwise act as this server.
func AsData(w http.ResponseWriter) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox")
}
