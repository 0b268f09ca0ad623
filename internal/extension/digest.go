package extension

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// contentDigestFormat names what ContentDigest hashes and in which way. It is
// hashed as well; a new format gets a new name, and with it new digests.
const contentDigestFormat = "ksrelease.dev/content-digest/v1"

// ContentDigest is a digest of what the extension consists of, "sha256:" and 64
// hex digits. It is the same for the same content wherever it is packed, and in
// both forms of the package: where assets were uploaded to, time stamps, the
// order of files and the derived Chart.yaml have no part in it. Of extension.yaml
// it takes every byte, with each reference to a file by the digest of that file;
// files of the static directory count by these references only, as they do in
// the pushed package.
//
// It is computed from a source tree or the local form of the package. The pushed
// form has addresses in place of the assets, so of one that was read back
// take the annotation in FoundChart, as far as it is to be trusted.
func (e *Extension) ContentDigest() string {
	e.digestOnce.Do(func() { e.digest = e.computeDigest() })
	return e.digest
}

func (e *Extension) computeDigest() string {
	h := sha256.New()
	hashField(h, []byte(contentDigestFormat))
	hashField(h, []byte(e.chartType))
	hashField(h, []byte(e.appVersion))
	for _, f := range e.Files {
		switch {
		case f.Name == MetadataFile:
			hashField(h, []byte(f.Name))
			hashField(h, e.metadataByDigest())
		case e.isStatic(f.Name):
		default:
			hashField(h, []byte(f.Name))
			hashField(h, f.Data)
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// metadataByDigest is extension.yaml with the digest of each asset in place of
// the reference to it. One that cannot be edited is taken as it is, followed by
// the digests: Pack tells why.
func (e *Extension) metadataByDigest() []byte {
	edits := e.assetEdits(func(a Asset) string { return a.Digest })
	if data, err := applyEdits(e.Document, edits); err == nil {
		return data
	}
	data := append([]byte(nil), e.Document.Source()...)
	for _, edit := range edits {
		data = append(data, edit.Value...)
	}
	return data
}

// assetEdits replaces each reference to an asset by what value gives for it.
func (e *Extension) assetEdits(value func(Asset) string) []Edit {
	var edits []Edit
	for _, a := range e.Assets {
		for _, pointer := range a.Pointers {
			edits = append(edits, Edit{Pointer: pointer, Value: value(a)})
		}
	}
	return edits
}

// hashField hashes data behind its length, so that no two lists of fields look
// the same.
func hashField(h hash.Hash, data []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(data)))
	h.Write(length[:])
	h.Write(data)
}
