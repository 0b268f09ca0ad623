// Package credentials finds and keeps the API key of the marketplace: in the
// environment, in the file that `ksrelease login` writes, or in the one of
// ksbuilder. It does not ask for keys, check them, or send them anywhere.
package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// Variable is the environment variable that goes before every file.
const Variable = "KSRELEASE_TOKEN"

// maxFile is the largest file of keys that is read, in bytes.
const maxFile = 1 << 20

// Token is an API key that cannot be printed by accident: every form of
// formatting, JSON and structured logging shows a mark in its place. Value is
// the only way to it.
type Token struct {
	// A pointer, because fmt calls no method of a field that is not exported
	// and prints what it finds there: for a pointer, its address.
	value  *string
	source string
}

// NewToken wraps an API key; source says where it is from, for messages.
func NewToken(value, source string) Token { return Token{value: &value, source: source} }

// Value is the API key itself, for the header of a request.
func (t Token) Value() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// Source says where the key is from: the name of the variable or of the file.
func (t Token) Source() string { return t.source }

// IsZero says that there is no key.
func (t Token) IsZero() bool { return t.Value() == "" }

const redacted = "[redacted]"

// String shows no key.
func (t Token) String() string { return redacted }

// GoString shows no key.
func (t Token) GoString() string { return redacted }

// Format shows no key, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON shows no key.
func (t Token) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalText shows no key; YAML and XML ask for it.
func (t Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue shows no key.
func (t Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// ErrNotFound says that there is no API key for the server anywhere.
var ErrNotFound = errors.New("no API key: run `ksrelease login`, or set " + Variable)

// Store is where keys are kept and looked for.
type Store struct {
	// File is the credentials file of ksrelease. Empty where the user has no
	// folder for one: then there is no key in it, and none can be saved.
	File string
	// KSBuilder is the configuration file of ksbuilder; empty: none.
	KSBuilder string
	// Env looks up a variable, as os.LookupEnv does.
	Env func(string) (string, bool)
}

// Default is the store of this user: credentials.json in the folder ksrelease
// of the user's configuration folder, and ~/.ksbuilder/config.json. Where there
// is no HOME, as in some containers and CI jobs, there are no files, and the
// variable is all there is. The error is always nil.
func Default(env func(string) (string, bool)) (Store, error) {
	store := Store{Env: env}
	if dir, err := os.UserConfigDir(); err == nil {
		store.File = filepath.Join(dir, "ksrelease", "credentials.json")
	}
	if home, err := os.UserHomeDir(); err == nil {
		store.KSBuilder = filepath.Join(home, ".ksbuilder", "config.json")
	}
	return store, nil
}

// Find looks for the key of a server: the variable, the file of ksrelease, the
// file of ksbuilder if it is about that very server. warnings report a file
// that others can read. The error is ErrNotFound, or says which file cannot be
// read and what to do.
func (s Store) Find(server string) (token Token, warnings []string, err error) {
	if value, _ := s.Env(Variable); strings.TrimSpace(value) != "" {
		return clean(value, Variable), nil, nil
	}
	for _, look := range []func(string) (Token, []string, error){s.findOwn, s.findKSBuilder} {
		token, more, err := look(server)
		warnings = append(warnings, more...)
		if err != nil || !token.IsZero() {
			return token, warnings, err
		}
	}
	return Token{}, warnings, ErrNotFound
}
