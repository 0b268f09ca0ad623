// Package wire reads requests to a local marketplace and writes its answers: JSON, forms
// within bounds, and refusals, which carry the status of HTTP that says what was wrong.
package wire

import (
	"fmt"
	"net/http"
)

// Refusal is an answer other than success, for the wire and for callers in the process.
type Refusal struct {
	Status  int // of HTTP
	Message string
}

func (r *Refusal) Error() string { return r.Message }

func Refuse(status int, format string, args ...any) *Refusal {
	return &Refusal{Status: status, Message: fmt.Sprintf(format, args...)}
}

// ErrReadOnly refuses to write.
var ErrReadOnly = Refuse(http.StatusForbidden, "this marketplace is opened for reading alone")
