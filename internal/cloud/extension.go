package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/ksrelease/ksrelease/internal/transport"
)

// Extension is what the marketplace knows of an extension.
type Extension struct {
	// ID is a decimal string of 18 digits.
	ID string
	// Name is that of extension.yaml.
	Name string
	// Status is draft until a version is approved, then ready.
	Status string
	// LatestVersion is the latest approved one; empty where there is none.
	LatestVersion string
}

// wireExtension is EXTENSION of the API.
type wireExtension struct {
	ExtensionID   id     `json:"extension_id"`
	Name          string `json:"name"`
	Status        string `json:"status"`
	LatestVersion struct {
		Version string `json:"version"`
	} `json:"latest_version"`
}

func (w wireExtension) extension() Extension {
	return Extension{ID: string(w.ExtensionID), Name: w.Name, Status: w.Status, LatestVersion: w.LatestVersion.Version}
}

// Extensions lists the user's extensions, whatever their status, in the order
// of the server.
func (c *Client) Extensions(ctx context.Context, user string) ([]Extension, error) {
	request := transport.Request{Op: "listing the extensions of " + user, Method: http.MethodPost, Read: true}
	setJSON(&request, map[string]any{"developer_ids": []string{user}, "statuses": []string{"*"}})
	var extensions []Extension
	err := c.call(ctx, request, func(body []byte) (err error) {
		extensions, err = readExtensions(body)
		return err
	}, "extension", "v1", "extensions", "search")
	return extensions, err
}

// readExtensions takes {} for an empty list, as servers write it that leave
// empty fields out; an object with other things in it is another answer.
func readExtensions(body []byte) ([]Extension, error) {
	var fields map[string]json.RawMessage
	if err := decode(body, &fields); err != nil {
		return nil, err
	}
	if _, ok := fields["extensions"]; !ok && (len(fields) > 0 || fields == nil) {
		return nil, missing("extensions", body)
	}
	var answer struct {
		Extensions []wireExtension `json:"extensions"`
	}
	if err := decode(body, &answer); err != nil {
		return nil, err
	}
	extensions := make([]Extension, 0, len(answer.Extensions))
	for i, item := range answer.Extensions {
		if item.Name == "" {
			return nil, missing(fmt.Sprintf("name in item %d", i+1), body)
		}
		extensions = append(extensions, item.extension())
	}
	return extensions, nil
}

// Extension asks for one extension. An error with NotFound() says that there
// is none of that name; an answer that shows another is an error.
func (c *Client) Extension(ctx context.Context, name string) (Extension, error) {
	var extension Extension
	err := c.call(ctx, transport.Request{Op: "asking for extension " + name}, func(body []byte) error {
		var answer wireExtension
		if err := decode(body, &answer); err != nil {
			return err
		}
		if answer.Name == "" {
			return missing("name", body)
		}
		if answer.Name != name {
			return fmt.Errorf("the answer shows extension %q%s", answer.Name, quoted(body))
		}
		extension = answer.extension()
		return nil
	}, "extension", "v1", "extensions", name, "summary")
	return extension, err
}
