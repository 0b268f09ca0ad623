package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
	"github.com/ksrelease/ksrelease/internal/shellword"
)

// FormatVersion is that of the files of the state.
//
//	1  a plain JSON document, for extensions alone
//	2  a JSON document whose second line is the digest of all that follows it
const FormatVersion = 2

// DamageError says that a file of a marketplace is not as it was written, or is gone.
// Nothing is concluded from such a file, and nothing is removed because of it.
type DamageError struct {
	File string // as the user would open it
	Dir  string // of the marketplace
	What string // as the end of a sentence
}

func (e *DamageError) Error() string { return e.File + ": " + e.What }

// Hint says what the user can do.
func (e *DamageError) Hint() string {
	return "put a good copy of the file back, or run ksrelease marketplace repair --dir " + shellword.Quote(e.Dir) + ", which rebuilds what it can from the packages and keeps all the rest"
}

func (s *Store) Damaged(name, format string, args ...any) *DamageError {
	return &DamageError{File: s.Path(name), Dir: s.Dir, What: fmt.Sprintf(format, args...)}
}

// FormatError says that a file was written by a ksrelease of another time, which alone
// knows what it means.
type FormatError struct {
	File   string
	Format int
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s: its format is %d, this ksrelease knows format %d; use the version of ksrelease that wrote it", e.File, e.Format, FormatVersion)
}

const (
	sealHead   = "{\n  \"format\": 2,\n  \"sha256\": \""
	sealMiddle = "\","
)

// seal encodes a struct as a JSON document that says its own digest: that of all bytes
// behind the line with it. Any change of the file is seen, also one that leaves JSON of
// the right shape: a letter of a status, of a time, of a description.
func seal(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	text = append(text[1:], '\n') // without the brace that opens it
	digest, _, err := digestOf(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return append([]byte(sealHead+digest+sealMiddle), text...), nil
}

// unseal decodes what seal made. The error says what is wrong, as the end of a sentence.
func unseal(data []byte, into any) error {
	rest, ok := bytes.CutPrefix(data, []byte(sealHead))
	if !ok || len(rest) < 64+len(sealMiddle) || string(rest[64:64+len(sealMiddle)]) != sealMiddle {
		return errors.New("it is not what ksrelease writes")
	}
	said, text := string(rest[:64]), rest[64+len(sealMiddle):]
	if digest, _, err := digestOf(bytes.NewReader(text)); err != nil || digest != said {
		return errors.New("its bytes are not those that were written")
	}
	return DecodeStrictly(io.MultiReader(strings.NewReader("{"), bytes.NewReader(text)), into)
}

// DecodeStrictly decodes one JSON document with no key but those of into.
func DecodeStrictly(r io.Reader, into any) error {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return wire.PlainJSON(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("it goes on behind its end")
	}
	return nil
}

// formatOf is the format that a file says it has, 0 where it says none.
func formatOf(data []byte) int {
	rest, ok := bytes.CutPrefix(data, []byte("{\n  \"format\": "))
	if !ok {
		return 0
	}
	digits, _, ok := bytes.Cut(rest, []byte(",\n"))
	if !ok || len(digits) > 9 {
		return 0
	}
	format, err := strconv.Atoi(string(digits))
	if err != nil || format < 0 {
		return 0
	}
	return format
}
