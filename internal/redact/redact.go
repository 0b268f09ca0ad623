// Package redact takes secrets out of texts that others wrote: the message of a
// server that repeats the key it was sent, the error of a library, a line of a
// file. It knows a secret by its value and finds it in the forms in which such
// texts have it: as it is, escaped, encoded, folded over lines, in part. It also
// knows what is secret in an address by its place there.
//
// Where secrets come from, and which texts are shown, the callers know.
package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Placeholder stands wherever a secret was.
const Placeholder = "xxxxx"

// fragment is how many characters in a row of a secret are redacted also where
// the rest is missing: what is shown of a text is cut somewhere. Fewer are
// likely to be something else, and help nobody.
const fragment = 12

// shortest is the least number of bytes of a secret: what is shorter stands in
// any text by chance.
const shortest = 4

// Redactor takes out secrets. It is not changed after New and may be used by several
// goroutines. A nil one takes out nothing.
type Redactor struct {
	// needles are what is taken out, by their length.
	needles map[int]map[string]struct{}
	// begins has a bit for what the first bytes of a needle may be: it answers for
	// nearly all places of a text that none begins there.
	begins [slots / 64]uint64
}

const slots = 1 << 20

// New makes a redactor of secrets; those of less than four bytes are passed over.
func New(secrets ...string) *Redactor {
	r := &Redactor{needles: map[int]map[string]struct{}{}}
	for _, secret := range secrets {
		if len(squeeze(secret)) < shortest {
			continue
		}
		for _, form := range forms(secret) {
			r.add(squeeze(form))
		}
	}
	return r
}

// add takes a text as a secret, and all parts of it that are long enough.
func (r *Redactor) add(text string) {
	length := min(fragment, len(text))
	if length < shortest {
		return
	}
	if r.needles[length] == nil {
		r.needles[length] = map[string]struct{}{}
	}
	for i := range len(text) - length + 1 {
		needle := text[i : i+length]
		r.needles[length][needle] = struct{}{}
		r.begins[slot(needle)/64] |= 1 << (slot(needle) % 64)
	}
}

// slot is a number below slots for the first bytes of a text, of which there are
// enough.
func slot(text string) uint32 {
	first := uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24
	return first * 0x9E3779B1 >> 12
}

// Error is an error whose text shows no secret, and neither user nor password of an
// address; what it wraps stays to be found.
func (r *Redactor) Error(err error) error {
	if err == nil {
		return nil
	}
	plain := err.Error()
	if text := Userinfo(r.Text(plain)); text != plain {
		return &redactedError{text, err}
	}
	return err
}

type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }

func (e *redactedError) Unwrap() error { return e.err }

// mayHold is false for nearly every text without a secret, and asks little.
func (r *Redactor) mayHold(text string) bool {
	var last uint32
	n := 0
	for i := 0; i < len(text); {
		c, size := rune(text[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(text[i:])
		}
		if isFolding(c) {
			i += size
			continue
		}
		for range size {
			last = last>>8 | uint32(text[i])<<24
			i++
			if n++; n >= shortest {
				if at := last * 0x9E3779B1 >> 12; r.begins[at/64]>>(at%64)&1 != 0 {
					return true
				}
			}
		}
	}
	return false
}

// Text is a text with Placeholder in the place of each secret, and of each part of
// one. White space and marks that are not seen do not break a secret: what was
// folded in a narrow column is found.
func (r *Redactor) Text(text string) string {
	if r == nil || !r.mayHold(text) {
		return text
	}
	squeezed, at := squeezeWithPlaces(text)
	var b strings.Builder
	shown := 0 // everything before it is in b
	for i := 0; i < len(squeezed); {
		end := r.secretAt(squeezed, i)
		if end == i {
			i++
			continue
		}
		// Parts of one secret overlap: go on as long as another begins within.
		for j := i + 1; j <= end && j < len(squeezed); j++ {
			end = max(end, r.secretAt(squeezed, j))
		}
		b.WriteString(text[shown:at[i]])
		b.WriteString(Placeholder)
		shown, i = at[end-1]+1, end
	}
	if shown == 0 {
		return text
	}
	b.WriteString(text[shown:])
	return b.String()
}

// secretAt is where the longest needle that begins at i ends; i where none does.
func (r *Redactor) secretAt(text string, i int) int {
	end := i
	if i+shortest > len(text) {
		return end
	}
	if at := slot(text[i:]); r.begins[at/64]>>(at%64)&1 == 0 {
		return end
	}
	for length, needles := range r.needles {
		if i+length > len(text) {
			continue
		}
		if _, found := needles[text[i:i+length]]; found {
			end = max(end, i+length)
		}
	}
	return end
}

// isFolding says that a character may stand between two parts of a text that
// was folded or drawn into a table, or is not seen at all.
func isFolding(r rune) bool {
	return r <= ' ' || r == '|' || r > '~' && (unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r >= 0x2500 && r <= 0x257f)
}

func squeeze(text string) string {
	squeezed, _ := squeezeWithPlaces(text)
	return squeezed
}

// squeezeWithPlaces takes out what folds a text, and gives for each byte that is
// left where it stood.
func squeezeWithPlaces(text string) (string, []int) {
	squeezed := make([]byte, 0, len(text))
	at := make([]int, 0, len(text))
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		if !isFolding(r) {
			for j := i; j < i+size; j++ {
				squeezed = append(squeezed, text[j])
				at = append(at, j)
			}
		}
		i += size
	}
	return string(squeezed), at
}
