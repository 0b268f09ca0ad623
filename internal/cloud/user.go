package cloud

import (
	"context"

	"github.com/ksrelease/ksrelease/internal/transport"
)

// User asks who the API key belongs to, and so whether it is valid: an error
// with Unauthorized() says it is not.
func (c *Client) User(ctx context.Context) (string, error) {
	var user string
	err := c.call(ctx, transport.Request{Op: "asking who the API key belongs to"}, func(body []byte) error {
		var answer struct {
			UserID id `json:"user_id"`
		}
		if err := decode(body, &answer); err != nil {
			return err
		}
		if user = string(answer.UserID); user == "" {
			return missing("user_id", body)
		}
		return nil
	}, "user", "v1", "user")
	return user, err
}
