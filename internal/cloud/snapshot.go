package cloud

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/transport"
)

// Snapshot is the state of one version in the marketplace.
type Snapshot struct {
	// ID is a decimal string of 18 digits.
	ID string
	// Version is as in extension.yaml; empty where the server does not say it.
	Version string
	// Status is draft, submitted, active, or another word of the server's.
	Status string
	// Message is what goes with the status, such as why a version was rejected;
	// empty where the server does not say anything.
	Message string
	// Updated is when the status changed last; zero where the server does not say it.
	Updated time.Time
}

// wireSnapshot is SNAPSHOT of the API.
type wireSnapshot struct {
	SnapshotID id `json:"snapshot_id"`
	Metadata   struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"metadata"`
	Status string `json:"status"`
	// There is no published document of what a review leaves behind: any of these
	// names is taken, and any value that is no text passed over.
	RejectMessage remark `json:"reject_message"`
	RejectReason  remark `json:"reject_reason"`
	ReviewMessage remark `json:"review_message"`
	ReviewComment remark `json:"review_comment"`
	Reason        remark `json:"reason"`
	Comment       remark `json:"comment"`
	Message       remark `json:"message"`
	UpdatedAt     remark `json:"updated_at"`
}

// remark is a text that may be anything else as well.
type remark string

func (r *remark) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*r = remark(strings.TrimSpace(text))
	}
	return nil
}

func (w wireSnapshot) snapshot() Snapshot {
	updated, err := time.Parse(time.RFC3339, string(w.UpdatedAt))
	if err != nil {
		updated = time.Time{}
	}
	return Snapshot{ID: string(w.SnapshotID), Version: w.Metadata.Version, Status: w.Status, Updated: updated, Message: string(cmp.Or(w.RejectMessage, w.RejectReason, w.ReviewMessage, w.ReviewComment, w.Reason, w.Comment, w.Message))}
}

// PushPackage uploads a package and returns its draft snapshot. A draft of the
// same version is replaced (force), an extension not seen before is registered
// (create_extension). filename is NAME-VERSION.tgz. An answer that shows another
// version is an error and no snapshot.
//
// It is never sent again by itself where no verdict came: by then another run
// may have submitted the version. An error with InDoubt() asks to read the
// state back.
func (c *Client) PushPackage(ctx context.Context, user, extension, filename string, data []byte) (Snapshot, error) {
	form := newForm()
	form.file("extension_package", filename, data)
	request := transport.Request{
		Op:     "uploading package " + filename,
		Method: http.MethodPost,
		URL:    "?force=true&create_extension=true",
	}
	form.into(&request)
	var snapshot Snapshot
	err := c.call(ctx, request, func(body []byte) error {
		var answer struct {
			Snapshot wireSnapshot `json:"snapshot"`
		}
		if err := decode(body, &answer); err != nil {
			return err
		}
		version := answer.Snapshot.Metadata.Version
		switch {
		case answer.Snapshot.SnapshotID == "":
			return missing("snapshot_id", body)
		case version != "" && extension+"-"+version+".tgz" != filename:
			return fmt.Errorf("the answer shows version %q%s", version, quoted(body))
		}
		snapshot = answer.Snapshot.snapshot()
		return nil
	}, "extension", "v1", "users", user, "extensions", extension, "package")
	return snapshot, err
}

// Submit hands a draft in for review. It is never sent again by itself where
// no verdict came; an error with InDoubt() asks to read the state back.
func (c *Client) Submit(ctx context.Context, user, snapshotID, message string) error {
	return c.act(ctx, "submitting snapshot "+snapshotID, user, snapshotID, "submit", message)
}

// CancelSubmit takes a submission back: the snapshot is a draft again. It is
// never sent again by itself where no verdict came.
func (c *Client) CancelSubmit(ctx context.Context, user, snapshotID, message string) error {
	return c.act(ctx, "taking back the submission of snapshot "+snapshotID, user, snapshotID, "cancel-submit", message)
}

func (c *Client) act(ctx context.Context, op, user, snapshotID, action, message string) error {
	request := transport.Request{Op: op, Method: http.MethodPost}
	setJSON(&request, map[string]any{"message": message})
	return c.call(ctx, request, ignore, "extension", "v1", "users", user, "snapshots", snapshotID, "action:"+action)
}

// setJSON makes a value of strings and lists the body; such a value always encodes.
func setJSON(r *transport.Request, value map[string]any) {
	body := bytes.Buffer{}
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	r.Body, r.ContentType = bytes.TrimSuffix(body.Bytes(), []byte("\n")), "application/json"
}

// Version asks for the snapshot of one version. An error with NotFound() says
// that there is none; an answer that shows another version, or another
// extension, is an error and no snapshot.
func (c *Client) Version(ctx context.Context, extension, version string) (Snapshot, error) {
	var snapshot Snapshot
	request := transport.Request{Op: "asking for version " + version + " of " + extension}
	err := c.call(ctx, request, func(body []byte) error {
		var answer wireSnapshot
		if err := decode(body, &answer); err != nil {
			return err
		}
		switch name := answer.Metadata.Name; {
		case answer.SnapshotID == "":
			return missing("snapshot_id", body)
		case answer.Metadata.Version != version:
			return fmt.Errorf("the answer shows version %q%s", answer.Metadata.Version, quoted(body))
		case name != "" && name != extension:
			return fmt.Errorf("the answer shows extension %q%s", name, quoted(body))
		case answer.Status == "":
			// Without it nobody knows whether the version may still be replaced.
			return missing("status", body)
		}
		snapshot = answer.snapshot()
		return nil
	}, "extension", "v1", "extensions", extension, "versions", version)
	return snapshot, err
}

// Snapshots asks for all versions of an extension, drafts among them. An error with
// NotFound() says that the marketplace does not know it, one with Status 403 that it belongs
// to another account.
func (c *Client) Snapshots(ctx context.Context, extension string) ([]Snapshot, error) {
	var snapshots []Snapshot
	request := transport.Request{Op: "asking for the versions of " + extension}
	err := c.call(ctx, request, func(body []byte) error {
		var answer []wireSnapshot
		if err := decode(body, &answer); err != nil {
			return err
		}
		snapshots = make([]Snapshot, len(answer))
		for i, a := range answer {
			snapshots[i] = a.snapshot()
		}
		return nil
	}, "extension", "v1", "extensions", extension, "snapshots")
	return snapshots, err
}
