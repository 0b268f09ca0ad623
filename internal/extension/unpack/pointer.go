package unpack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// ErrPointer is the error of a package, or an extension.yaml, that Git LFS has not
// fetched.
var ErrPointer = errors.New("it is a pointer of Git LFS, and not the file: run `git lfs pull`")

// longestPointer is what the specification of Git LFS bounds pointers by, in bytes.
const longestPointer = 1024

// IsPointer reports whether a file is a pointer of Git LFS (git-lfs/docs/spec.md), which
// stands in a checkout in place of a file that was not fetched.
func IsPointer(data []byte) bool {
	if len(data) >= longestPointer {
		return false
	}
	for _, head := range []string{"version https://git-lfs.github.com/spec/", "version https://hawser.github.com/spec/"} {
		if bytes.HasPrefix(data, []byte(head)) {
			return bytes.Contains(data, []byte("\noid "))
		}
	}
	return false
}

// pointed is the line of a pointer that has the digest of the content.
var pointed = lazyregexp.New(`(?m)^oid sha256:([0-9a-f]{64})\r?$`)

// PointsTo reports whether a file is a pointer of Git LFS to a content.
func PointsTo(pointer, content []byte) bool {
	if !IsPointer(pointer) {
		return false
	}
	found := pointed.FindSubmatch(pointer)
	sum := sha256.Sum256(content)
	return found != nil && string(found[1]) == hex.EncodeToString(sum[:])
}
