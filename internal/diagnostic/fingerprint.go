package diagnostic

import (
	"crypto/sha256"
	"encoding/hex"
)

// Fingerprint is what a diagnostic is known by: what is wrong, where, and what it is
// about. It has no line, so that code may move, and no words, so that messages may
// change. Two diagnostics of an extension may have the same: whoever counts, counts
// them.
type Fingerprint struct {
	Code    string
	File    string // as in the Diagnostic: relative to the extension
	Subject string
}

// Fingerprint is that of the diagnostic.
func (d Diagnostic) Fingerprint() Fingerprint { return Fingerprint{d.Code, d.File, d.Subject} }

// String is 16 hexadecimal digits of a hash of the fingerprint, for reports and the
// names of files: the first eight bytes of the SHA-256 of its parts, each with a zero
// byte behind it. It stays the same for as long as the parts do.
func (f Fingerprint) String() string {
	sum := sha256.Sum256([]byte(f.Code + "\x00" + f.File + "\x00" + f.Subject + "\x00"))
	return hex.EncodeToString(sum[:8])
}
