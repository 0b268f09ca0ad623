package marketplace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Verdict is a review of one version.
type Verdict struct {
	Name, Version string
	Approve       bool   // else it is rejected
	Message       string // for the author
}

func (v Verdict) step() step {
	if v.Approve {
		return approval
	}
	return rejection
}

// ReviewIn carries out a review of the marketplace in dir: through the process that
// serves it, or in the directory where there is none. It goes by what is on disk
// afterwards, so an answer that was lost does no harm, nor does a process that ends in
// the middle. Where the directory is in use and nobody serves it, the error is a
// *LockedError. warn takes what Options.Warn takes.
func ReviewIn(ctx context.Context, dir string, v Verdict, warn func(string)) error {
	// A process that is about to serve, or to end, is in between for a moment.
	const most = 20
	var err error
	for range most {
		if err = reviewOnce(ctx, dir, v, warn); err == nil {
			break
		}
		var locked *LockedError
		if !errors.As(err, &locked) && !errors.As(err, new(*doubtError)) {
			return err
		}
		if reviewed(dir, v) == nil && errors.As(err, new(*doubtError)) {
			return nil
		}
		timer := time.NewTimer(50 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
	if err != nil {
		return err
	}
	return reviewed(dir, v)
}

func reviewOnce(ctx context.Context, dir string, v Verdict, warn func(string)) error {
	m, err := Open(dir, Options{Warn: warn})
	if errors.As(err, new(*LockedError)) {
		served, connecting := Connect(ctx, dir)
		switch {
		case errors.Is(connecting, ErrNotServed):
			return err
		case connecting != nil:
			return connecting
		}
		return served.review(ctx, v)
	}
	if err != nil {
		return err
	}
	return errors.Join(m.review(v.Name, v.Version, v.step(), v.Message), m.Close())
}

// reviewed reads the state back, and says what is other than the review asked for.
func reviewed(dir string, v Verdict) error {
	s, err := openStore(dir)
	if err != nil {
		return err
	}
	defer s.close()
	record, err := s.readExtension(v.Name)
	if err != nil {
		return fmt.Errorf("reading the state back: %w", err)
	}
	snapshot, ok := record.version(v.Version)
	switch {
	case !ok:
		return fmt.Errorf("reading the state back: there is no version %s of %s", v.Version, v.Name)
	case snapshot.Status != v.step().to:
		return fmt.Errorf("reading the state back: version %s of %s is %s", v.Version, v.Name, snapshot.Status)
	}
	return nil
}

// doubtError is a review whose answer did not come.
type doubtError struct {
	address string
	err     error
}

func (e *doubtError) Error() string {
	return fmt.Sprintf("asking the marketplace at %s: %v; is the process that served it still there?", e.address, e.err)
}

func (e *doubtError) Unwrap() error { return e.err }

func (s *Served) review(ctx context.Context, v Verdict) error {
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
		return &doubtError{s.Address, unwrapURL(err)}
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
	data, _ := io.ReadAll(io.LimitReader(answer.Body, maxJSONBody))
	if json.Unmarshal(data, &body) == nil && body.Message != "" && answer.StatusCode != http.StatusServiceUnavailable {
		return errors.New(body.Message)
	}
	return &doubtError{"http://" + answer.Request.URL.Host, fmt.Errorf("it answered %s", answer.Status)}
}
