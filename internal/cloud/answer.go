package cloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/ksrelease/ksrelease/internal/transport"
)

// checkAnswer looks at an answer of success before it is read: a page is no
// answer of the marketplace, whatever its status.
func checkAnswer(answer *transport.Response, read func(body []byte) error) error {
	if transport.IsPage(answer.Body) {
		if answer.Redirected {
			return fmt.Errorf("a page came instead of JSON, after a redirect to %s: check cloud.server, the API key and the proxy settings", answer.URL)
		}
		return errors.New("a page came instead of JSON: check cloud.server and the proxy settings")
	}
	return read(bytes.TrimSpace(answer.Body))
}

// decode reads a JSON answer. Errors are in words of JSON, without types of
// Go; a body that ends too early wraps io.ErrUnexpectedEOF.
func decode(body []byte, into any) error {
	if len(body) == 0 {
		return fmt.Errorf("the answer is empty where JSON was expected: %w", io.ErrUnexpectedEOF)
	}
	err := json.Unmarshal(body, into)
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(body)):
		return fmt.Errorf("the answer ends in the middle of its JSON: %w", io.ErrUnexpectedEOF)
	case errors.As(err, &syntax):
		return fmt.Errorf("the answer is no JSON%s", quoted(body))
	case errors.As(err, &shape) && shape.Field != "":
		return fmt.Errorf("the answer has another shape than expected: %s holds a JSON %s%s", shape.Field, shape.Value, quoted(body))
	case errors.As(err, &shape):
		return fmt.Errorf("the answer has another shape than expected: it is a JSON %s%s", shape.Value, quoted(body))
	}
	return fmt.Errorf("the answer has another shape than expected%s", quoted(body))
}

// missing is the error of an answer without the value it was asked for.
func missing(what string, body []byte) error {
	return fmt.Errorf("the answer has no %s%s", what, quoted(body))
}

func quoted(body []byte) string {
	excerpt := transport.Excerpt(body)
	if excerpt == "" {
		return ""
	}
	if runes := []rune(excerpt); len(runes) > 120 {
		excerpt = string(runes[:120]) + "…"
	}
	return "; it begins: " + excerpt
}

// ignore accepts an answer whose content says nothing ("empty or any"), but
// not junk: what is neither empty nor JSON was not written by the marketplace.
func ignore(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	var any json.RawMessage
	return decode(body, &any)
}

// id is an identifier: a decimal string of 18 digits, which stays a string. A
// server that writes it as a number is understood as well, digit by digit.
type id string

func (i *id) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*i = id(text)
		return nil
	}
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return errors.New("not an identifier")
	}
	*i = id(number)
	return nil
}
