// Package target says what a place to release to is, for those who release to one and for
// those who are one: KubeSphere Cloud is package kscloud below. A target is safe for concurrent
// use; the suite in targettest checks all that is written here.
package target

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// Target is a place that extensions are released to: KubeSphere Cloud, a chart museum, a
// registry, a directory. These methods are what every such place can do. What only some
// can do are small interfaces of their own, which a target has or has not: [KeyHolder],
// [AssetStore], [Checker], [Reviewer], [Withdrawer], [Signed], [Delayed].
//
// A target is safe for concurrent use, ends every request with its context, and says by
// methods of its errors what they mean (see internal/failure). The
// suite internal/target/targettest checks all that is written here.
type Target interface {
	Reader
	// Publish sends a package. A version that is there already stays the one that it is
	// and is no second version: a draft is replaced, and anything more than a draft
	// is left as it is, with an error. Where the target has reviews the package is a draft
	// after that, and else it is published.
	//
	// What signs the package is published with it where the target has a place for that, so that
	// nobody sees the package without it. A version that is there is signed by nobody again.
	Publish(ctx context.Context, pkg *extension.Package) (Snapshot, error)
}

// Reader asks a target and changes nothing.
type Reader interface {
	// Index reads what those who install from the target see; each call asks anew.
	Index(ctx context.Context) (Index, error)
	// Fetch downloads the archive of an entry by KubeSphere's URL rule.
	Fetch(ctx context.Context, entry Entry) ([]byte, error)
	// FetchAsset downloads an icon or a screenshot of a published package.
	FetchAsset(ctx context.Context, url string) ([]byte, error)
	// Snapshot is the state of one version, asked of the target itself and not of its
	// index, which may be late. Its Status is [StatusNone] where the target has no such
	// version. Unreadable is an error, never none.
	Snapshot(ctx context.Context, name, version string) (Snapshot, error)
}

// KeyHolder is a target that takes releases of those alone who have a key.
type KeyHolder interface {
	// HasKey says whether there is one. Without one the index can be read, and all else
	// ends with [ErrNoToken].
	HasKey() bool
	// CheckKey proves the key. It is called often and asks once.
	CheckKey(ctx context.Context) error
}

// Silent is a target that may not be asked by every command, such as a program of the repository, which
// a stranger may have changed. What it has is not known then.
type Silent interface {
	// Silence is why it is not asked; nil where it is.
	Silence() error
}

// Silence is why a target is not asked; nil where it is.
func Silence(t Target) error {
	if silent, ok := t.(Silent); ok {
		return silent.Silence()
	}
	return nil
}

// AssetStore is a target that keeps icons and screenshots apart from packages, which then have
// their addresses inside. Elsewhere packages hold them.
type AssetStore interface {
	// AssetURLs estimates the addresses that UploadAssets will give, in order, and says
	// whether they are certain. Without a key it guesses addresses of the usual form.
	AssetURLs(ctx context.Context, name, version string, assets []extension.Asset) (urls []string, certain bool, err error)
	// UploadAssets stores the assets of one version and returns their addresses, in
	// order. Sending the same assets again is harmless.
	UploadAssets(ctx context.Context, name, version string, assets []extension.Asset) ([]string, error)
}

// Checker is a target that knows of packages that it would refuse, whatever it has. It is asked
// before anything is sent anywhere.
type Checker interface {
	// Fits says why the target would refuse a package; nil where nothing is known against it. It
	// changes nothing.
	Fits(ctx context.Context, pkg *extension.Package) error
}

// Reviewer is a target where a published package is a draft until somebody submits it for
// review: draft → submitted → active, or rejected.
type Reviewer interface {
	// Submit hands a draft in for review.
	Submit(ctx context.Context, snapshotID, message string) error
}

// AtHand is a target that knows the status of a version without a request, such as a marketplace in this
// process.
type AtHand interface {
	// StatusAtHand is that of a version, as Snapshot has it; [StatusNone] also where it is not known.
	StatusAtHand(name, version string) string
}

// Historian is a target that keeps what became of each version of an extension.
type Historian interface {
	// History is all versions that the target has, drafts among them, in its order; none where it
	// does not know the extension.
	History(ctx context.Context, name string) ([]Dated, error)
}

// Withdrawer is a target that gives a submitted version back: it is a draft again.
type Withdrawer interface {
	// Withdraw takes a submission back. No answer of it is a verdict: read the version.
	Withdraw(ctx context.Context, snapshotID, message string) error
}

// Signed is a target that keeps what signs packages, which it publishes with them.
type Signed interface {
	// Signatures reads what signs a version. It does not judge it.
	Signatures(ctx context.Context, name, version string) (Signatures, error)
}

// MostSigns bounds what signs a package, in bytes: a provenance file holds a Chart.yaml.
const MostSigns = 4 << 20

// Signatures are what signs a version in a target.
type Signatures struct {
	Provenance []byte // the provenance file, as `helm verify` reads it; nil where there is none
	Signatures []Signature
}

// Signature is a signature by a key.
type Signature struct {
	// Of is what is signed, where that is not the package itself, but something that names the
	// very package by its digest.
	Of []byte
	// Package is the digest of the package that Of names, "sha256:" before it; empty without Of.
	// Whoever holds a package against the signature compares it: a target may have another one of
	// that version a moment later.
	Package string
	// Value is the signature, in base64.
	Value []byte
}

// Delayed is a target whose index is known to be late, by a cache.
type Delayed interface {
	// Delay is how late it may be.
	Delay() time.Duration
}

// Snapshot is one version of an extension in a target.
type Snapshot struct {
	ID     string // that of the target; empty where it has none
	Status string
	// Message is what the reviewer said of a version that is neither draft nor
	// submitted nor active.
	Message string
}

// Dated is a snapshot of a history.
type Dated struct {
	Snapshot
	Version string
	Updated time.Time // when its status changed last; zero where that is not known
}

// The statuses of a snapshot on which the pipeline decides. Where there are no reviews a
// version is active or none. KubeSphere Cloud has others, a rejection for one, which are
// shown as they are.
const (
	StatusNone      = ""
	StatusDraft     = "draft"
	StatusSubmitted = "submitted"
	StatusActive    = "active"
)

// Index is one state of what a target shows. A target that has no index of its own, such
// as a registry, asks for a name when it is looked up, and keeps the answer.
type Index interface {
	// Lookup finds a version by string equality of name and version, which is
	// what existing means to KubeSphere; never a SemVer match. The error is why
	// the index cannot tell: an entry of that name cannot be read.
	Lookup(ctx context.Context, name, version string) (Entry, bool, error)
	// Versions lists the versions of a name, each once.
	Versions(ctx context.Context, name string) ([]string, error)
	// Refused is why KubeSphere loads nothing of the index, whatever else is in it; nil
	// where it loads it.
	Refused() error
	// Cached says that a cache answered in place of the target, and how old
	// its answer is; empty where none did.
	Cached() string
	// Remarks are what somebody should know of an index that can be loaded.
	Remarks() []string
}

// Entry is a version in the index.
type Entry struct {
	Name, Version string
	Digest        string   // sha256 of the archive in hex, "sha256:" before it or not; may be empty
	URLs          []string // as they stand in the index
	ContentDigest string   // annotation ksrelease.dev/content-digest; empty if another tool pushed it
	// OwnName is the name that the entry has for itself, where that is not Name:
	// KubeSphere passes over such an entry.
	OwnName string
	// Times is how often the index has the version; of several entries this is the
	// last, which is the one that KubeSphere takes.
	Times int
}

// ErrNoToken is why nothing can be asked of a target, or written to it, without an API key.
var ErrNoToken = NoKeyError{Key: "the API key", Noun: "the marketplace"}

// NoKeyError is ErrNoToken of any target.
type NoKeyError struct {
	Key  string // what is lacking: "the API key"
	Noun string // what it is for: "the marketplace"
}

func (e NoKeyError) Error() string {
	return fmt.Sprintf("no %s for %s", strings.TrimPrefix(e.Key, "the "), e.Noun)
}

// Unauthorized says that it is about a key.
func (NoKeyError) Unauthorized() bool { return true }
