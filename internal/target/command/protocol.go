package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// action is what a command or a service is asked to do.
type action string

// The actions. Only publish has to be known.
const (
	actionPublish  action = "publish"
	actionSnapshot action = "snapshot"
	actionIndex    action = "index"
	actionFetch    action = "fetch"
)

// The statuses of an answer.
const (
	statusNone   = "none"   // there is no such version
	statusActive = "active" // it is there
	statusExists = "exists" // of publish: it is there with other content, and was left as it is
)

// schemaVersion is that of requests. It changes where something in them means something else.
const schemaVersion = 1

// request is what is asked, as JSON.
type request struct {
	SchemaVersion int    `json:"schema_version"`
	Action        action `json:"action"`
	Target        string `json:"target"`         // the name of the target
	Time          string `json:"time,omitempty"` // of a webhook: RFC 3339, so that an old request is known
	Name          string `json:"name,omitempty"`
	Version       string `json:"version,omitempty"`
	Filename      string `json:"filename,omitempty"`
	Size          int64  `json:"size,omitempty"`
	Digest        string `json:"digest,omitempty"` // of the package: sha256:…
	ContentDigest string `json:"content_digest,omitempty"`
	File          string `json:"file,omitempty"`    // of a command: the package to read, or to write
	Package       []byte `json:"package,omitempty"` // of a webhook: the package, in base64
	// Provenance and Signature are what signs the package, as texts. A command finds them as
	// files next to it.
	Provenance string `json:"provenance,omitempty"`
	Signature  string `json:"signature,omitempty"`
}

// what says in words what is asked.
func (r request) what() string {
	return strings.TrimSpace(string(r.Action) + " " + r.Name + " " + r.Version)
}

// publishing is the request to take a package.
func publishing(pkg *extension.Package) request {
	return request{
		Action: actionPublish, Name: pkg.Name, Version: pkg.Version, Filename: pkg.Filename,
		Size: int64(len(pkg.Data)), Digest: pkg.Digest, ContentDigest: pkg.ContentDigest, Package: pkg.Data,
		Provenance: string(pkg.Provenance), Signature: string(pkg.Signature),
	}
}

// answer is what comes back, as JSON. Fields that it does not know are passed over.
type answer struct {
	Status        string     `json:"status"`
	Digest        string     `json:"digest"`
	ContentDigest string     `json:"content_digest"`
	Versions      *[]version `json:"versions"`
	Package       []byte     `json:"package"`
}

// version is one of an index.
type version struct {
	Name          string `json:"name"`
	Version       string `json:"version"`
	Digest        string `json:"digest"`
	ContentDigest string `json:"content_digest"`
}

// parse reads an answer, which is one JSON object and means something to the action.
func parse(q request, text []byte) (answer, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return answer{}, errors.New("the answer is empty")
	}
	var a answer
	from := json.NewDecoder(bytes.NewReader(text))
	if err := from.Decode(&a); err != nil {
		return answer{}, errors.New("the answer is no JSON object of this protocol")
	}
	if _, err := from.Token(); err != io.EOF {
		return answer{}, errors.New("the answer is more than one JSON object")
	}
	return a, check(q, a)
}

// check holds an answer to what the action may be answered.
func check(q request, a answer) error {
	statuses := map[action][]string{actionPublish: {statusActive, statusExists}, actionSnapshot: {statusNone, statusActive}}[q.Action]
	switch {
	case statuses != nil && a.Status != statuses[0] && a.Status != statuses[1]:
		return fmt.Errorf("the status in its answer is %q, and not %q or %q", shown(a.Status), statuses[0], statuses[1])
	case q.Action == actionPublish && a.Status == statusActive && a.Digest != "" && !sameDigest(a.Digest, q.Digest):
		return fmt.Errorf("its answer is that it took the digest %s, and it was sent %s", shown(a.Digest), q.Digest)
	case q.Action == actionIndex && a.Versions == nil:
		return errors.New("there are no versions in its answer: an empty list would say that it has none")
	case q.Action == actionIndex:
		for i, v := range *a.Versions {
			if v.Name == "" || v.Version == "" {
				return fmt.Errorf("versions[%d] in its answer has no name, or no version", i)
			}
		}
	}
	return nil
}

// shown is a word of an answer, as an error has it.
func shown(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

func sameDigest(a, b string) bool {
	a, b = strings.TrimPrefix(a, "sha256:"), strings.TrimPrefix(b, "sha256:")
	return a != "" && a == b
}

// isPackage says that something is what packages are made of.
func isPackage(data []byte) bool { return bytes.HasPrefix(data, []byte{0x1f, 0x8b}) }

// carrier brings a request to who answers it. Its errors say by their methods what they mean;
// errUnknown is that of an action that is not known there.
type carrier interface {
	send(ctx context.Context, q request) (answer, error)
}

// errUnknown is an action that is not known.
var errUnknown = errors.New("the action is not known there")

// errExists is a version that is there with other content, where no answer says it.
var errExists = errors.New("the version is there with other content")
