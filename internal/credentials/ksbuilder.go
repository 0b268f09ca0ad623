package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// findKSBuilder honours a login made with ksbuilder, whose `login` keeps
// {"token": base64, "server": "…"} (v0.4.5). Only for that very server: a key
// goes nowhere its owner has not sent it.
func (s Store) findKSBuilder(server string) (Token, []string, error) {
	if s.KSBuilder == "" {
		return Token{}, nil, nil
	}
	data, err := regularfile.Read(s.KSBuilder, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Token{}, nil, nil
	}
	if err != nil {
		return Token{}, nil, fmt.Errorf("reading the login of ksbuilder in %s: %w; run `ksrelease login`, or set %s", s.KSBuilder, err, Variable)
	}
	var content struct {
		Token  []byte `json:"token"` // base64, as encoding/json reads it
		Server string `json:"server"`
	}
	if json.Unmarshal(data, &content) != nil {
		return Token{}, []string{fmt.Sprintf("%s is not understood and is passed over: run `ksrelease login`", s.KSBuilder)}, nil
	}
	if len(content.Token) == 0 || serverKey(content.Server) != serverKey(server) {
		return Token{}, nil, nil
	}
	return clean(string(content.Token), s.KSBuilder), openToOthers(s.KSBuilder), nil
}
