package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// PlainJSON says what is wrong with JSON without the names of Go.
func PlainJSON(err error) error {
	var (
		syntax  *json.SyntaxError
		typeOf  *json.UnmarshalTypeError
		message = err.Error()
	)
	switch {
	case errors.As(err, &typeOf):
		return fmt.Errorf("its field %s is of another type", typeOf.Field)
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("it is no JSON document")
	case strings.HasPrefix(message, "json: unknown field "):
		return fmt.Errorf("it has the unknown key %s", strings.TrimPrefix(message, "json: unknown field "))
	}
	return fmt.Errorf("it cannot be decoded (%s)", strings.TrimPrefix(message, "json: "))
}
