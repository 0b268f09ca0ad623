package marketplace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"time"
)

// Admin reviews versions in a marketplace that another process of this host serves.
type Admin struct {
	serving serving
	client  *http.Client
}

// adminTimeout bounds one request: both ends are on one host.
const adminTimeout = 30 * time.Second

// ErrNotServed is the error of Remote for a directory that no process serves: open it
// instead.
var ErrNotServed = errors.New("no process serves this marketplace")

// Remote returns the administration of the marketplace in dir through the process that
// serves it. Without such a process the error is ErrNotServed.
func Remote(dir string) (*Admin, error) {
	found, err := readServing(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking for the marketplace in %s: %w", dir, ErrNotServed)
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the marketplace in %s: %w", dir, err)
	}
	return &Admin{serving: found, client: &http.Client{
		Timeout: adminTimeout,
		// No proxy stands between processes of one host, whatever the environment says.
		Transport: &http.Transport{DisableKeepAlives: true},
	}}, nil
}

// Address is where the marketplace is served, as a URL.
func (a *Admin) Address() string { return a.serving.Address }

// Approve makes a submitted version active.
func (a *Admin) Approve(ctx context.Context, name, version string) error {
	return a.review(ctx, name, version, "approve", "")
}

// Reject sends a submitted version back with a message to its author.
func (a *Admin) Reject(ctx context.Context, name, version, message string) error {
	return a.review(ctx, name, version, "reject", message)
}

func (a *Admin) review(ctx context.Context, name, version, verdict, message string) error {
	address := a.serving.Address + "/marketplace/v1/extensions/" + url.PathEscape(name) + "/versions/" + url.PathEscape(version) + "/" + verdict
	body, err := json.Marshal(map[string]string{"message": message})
	if err != nil {
		return fmt.Errorf("encoding the message: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking the marketplace at %s: %w", a.serving.Address, err)
	}
	request.Header.Set("Authorization", "Bearer "+a.serving.Token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := a.client.Do(request)
	if err != nil {
		return fmt.Errorf("asking the marketplace at %s: %w; is the process that served it still there?", a.serving.Address, unwrapURL(err))
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

// reviewError is the marketplace's own message, which says all there is to say.
func reviewError(answer *http.Response) error {
	var body struct {
		Message string `json:"message"`
	}
	data, _ := io.ReadAll(io.LimitReader(answer.Body, maxJSONBody))
	if json.Unmarshal(data, &body) == nil && body.Message != "" {
		return errors.New(body.Message)
	}
	return fmt.Errorf("the marketplace at %s answered %s", answer.Request.URL.Host, answer.Status)
}
