package lease

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxAnswer is the most bytes of an answer that are read.
const maxAnswer = 64 << 10

// Verdict is a review of one version.
type Verdict struct {
	Name, Version string
	Approve       bool   // else it is rejected
	Message       string // for the author
}

// DoubtError is a review whose answer did not come.
type DoubtError struct {
	address string
	err     error
}

func (e *DoubtError) Error() string {
	return fmt.Sprintf("asking the marketplace at %s: %v; is the process that served it still there?", e.address, e.err)
}

func (e *DoubtError) Unwrap() error { return e.err }

// Review carries out a review through the process. The error is a *DoubtError where its
// answer did not come, so that it may or may not have been carried out.
func (s *Served) Review(ctx context.Context, v Verdict) error {
	action := "reject"
	if v.Approve {
		action = "approve"
	}
	address := s.Address + "/marketplace/v1/extensions/" + url.PathEscape(v.Name) + "/versions/" + url.PathEscape(v.Version) + "/" + action
	body, err := json.Marshal(map[string]string{"message": v.Message})
	if err != nil {
		return fmt.Errorf("encoding the message: %w", err)
	}
	asking, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(asking, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking the marketplace at %s: %w", s.Address, err)
	}
	request.Header.Set("Authorization", "Bearer "+s.key)
	request.Header.Set("Content-Type", "application/json")
	answer, err := s.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("asking the marketplace at %s: %w", s.Address, context.Cause(ctx))
		}
		return &DoubtError{s.Address, unwrapURL(err)}
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 == 2 {
		return nil
	}
	return reviewError(answer)
}

// unwrapURL drops the method and address that net/http puts before its errors: the
// message has the address already.
func unwrapURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// reviewError is the marketplace's own message, which says all there is to say. An answer
// that is none of a marketplace leaves it open what was done.
func reviewError(answer *http.Response) error {
	var body struct {
		Message string `json:"message"`
	}
	data, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if json.Unmarshal(data, &body) == nil && body.Message != "" && answer.StatusCode != http.StatusServiceUnavailable {
		return errors.New(body.Message)
	}
	return &DoubtError{"http://" + answer.Request.URL.Host, fmt.Errorf("it answered %s", answer.Status)}
}
