package extension

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Summary is what is known of an extension without its content.
type Summary struct {
	Metadata Metadata
	// Size is [Extension.ContentSize], in bytes.
	Size int64
	// Whole says that no chart that it depends on is missing.
	Whole bool
	// ArchiveDigest is that of the extension, and Said the content digest that its Chart.yaml carries.
	ArchiveDigest, Said string
	// ContentDigest and Tree are ContentDigest and TreeDigest, where somebody has asked for them;
	// else they are empty.
	ContentDigest, Tree string
	// Assets are those of the extension, without Data.
	Assets []Asset
	// Places are those of some keys of extension.yaml, from line 1 and column 1.
	Places map[string]Place
}

// Place is one in extension.yaml.
type Place struct{ Line, Column int }

// placed are the keys at which there may be something to say of an extension that nobody looks at:
// its version, and what it depends on.
var placed = []string{"version", "externalDependencies"}

// Summarize gives what is known of an extension by now. It computes no digest.
func Summarize(e *Extension) *Summary {
	s := &Summary{
		Metadata: e.Metadata, Size: e.ContentSize(), Whole: len(e.MissingDependencies()) == 0,
		ArchiveDigest: e.ArchiveDigest, Said: saidDigest(e), ContentDigest: e.digest.known(), Tree: e.tree.known(),
		Places: map[string]Place{},
	}
	for _, a := range e.Assets {
		a.Data = nil
		s.Assets = append(s.Assets, a)
	}
	for _, key := range placed {
		line, column := e.Document.Place(key)
		s.Places[key] = Place{line, column}
	}
	return s
}

// saidDigest is the content digest that a package carries; empty where it carries none.
func saidDigest(e *Extension) string {
	found, err := e.FoundChart()
	if err != nil || found == nil {
		return ""
	}
	return found.Annotations[ContentDigestAnnotation]
}

// CompareDigest is [Compared] for an extension that is known by its summary. ok is false where the
// summary does not say enough for a verdict.
func (s *Summary) CompareDigest(listed string) (verdict DigestVerdict, ok bool) {
	switch {
	case !IsContentDigest(listed):
		return DigestUnknown, true
	case !strings.HasPrefix(listed, contentDigestPrefix) || s.ContentDigest == "":
		return DigestUnknown, false
	case listed == s.ContentDigest:
		return DigestSame, true
	case listed == s.Said:
		return DigestUnknown, true
	}
	return DigestOther, true
}

// Compared is [Extension.CompareDigest], but for an extension that carries the digest which is
// listed: a package whose pictures are addresses, such as one of a bundle, says what its digest is,
// and it cannot be computed from it. That decides nothing: the contents have to be compared.
func Compared(e *Extension, listed string) DigestVerdict {
	verdict := e.CompareDigest(listed)
	if verdict == DigestOther && listed == saidDigest(e) {
		return DigestUnknown
	}
	return verdict
}

// treeDigestName is the format of TreeDigest.
const treeDigestName = "ksrelease.dev/tree-digest/v2"

// TreeDigest is a digest of all that can be seen of an extension, "sha256:" and 64 hex digits: every
// byte of its files as they are, what is left out of it, and what was found out when it was read.
// Nothing that depends on the extension alone is another one for two extensions of the same digest,
// but for how messages call it (Path) and of which commit it says to be packed (Origin).
//
// What the content digest covers whole is not hashed a second time: with that digest, and the names of these
// files, no byte of them can be another one.
func TreeDigest(e *Extension) string {
	return e.tree.get(func() string {
		c := e.Content()
		h := sha256.New()
		hashField(h, []byte(treeDigestName))
		hashField(h, []byte(e.ContentDigest()))
		for i, files := range [][]File{c.Files, {{Name: ChartFile, Data: c.FoundChart}}, c.Outside} {
			hashField(h, []byte{byte(len(files) >> 24), byte(len(files) >> 16), byte(len(files) >> 8), byte(len(files))})
			for _, f := range files {
				hashField(h, []byte(f.Name))
				if i == 0 && hasAllOf(e, f.Name) {
					hashField(h, []byte("in the content digest"))
					continue
				}
				hashField(h, []byte("all of it"))
				hashField(h, f.Data)
			}
		}
		// Display and Origin have no part in it, and the digest and the files are above.
		c.Display, c.Origin, c.ContentDigest, c.Files, c.Outside, c.FoundChart = "", nil, "", nil, nil, nil
		hashField(h, fmt.Appendf(nil, "%#v %t", c, e.foundChart != nil)) // texts, numbers, and lists of them
		return "sha256:" + hex.EncodeToString(h.Sum(nil))
	})
}
