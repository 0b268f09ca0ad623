package marketplace

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// refusal is an answer other than success, for the wire and for callers in the process.
type refusal struct {
	status  int // of HTTP
	message string
}

func (r *refusal) Error() string { return r.message }

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, message: fmt.Sprintf(format, args...)}
}

// answer writes the refusal in the one form all errors of the API have.
func (r *refusal) answer(w http.ResponseWriter) {
	if r.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="ksrelease marketplace"`)
	}
	answerJSON(w, r.status, map[string]string{"message": r.message})
}

// answerError answers for an error of any kind: a refusal as it is, everything else is
// this side's fault.
func answerError(w http.ResponseWriter, err error) {
	var r *refusal
	if !errors.As(err, &r) {
		r = refuse(http.StatusInternalServerError, "%v", err)
	}
	r.answer(w)
}

func answerJSON(w http.ResponseWriter, status int, value any) {
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
