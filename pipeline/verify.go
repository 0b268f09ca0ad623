package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
)

// How often the index and the review are asked: soon at first, because a local
// marketplace answers at once, then ever more patiently.
const (
	firstPoll = 500 * time.Millisecond
	lastPoll  = 15 * time.Second
)

// errVerifyTimeout is the cause of a context that ended with verify.timeout.
var errVerifyTimeout = errors.New("verify.timeout is over")

// verifyStage walks to the version as KubeSphere does until it is there, and
// with verify.until: active until it is approved. Being slow is not failing:
// what is not seen in time ends as unverified.
func verifyStage(ctx context.Context, env *environment, r *release) error {
	settings := r.source.Settings.Verify
	limited, cancel := context.WithTimeoutCause(ctx, settings.Timeout, errVerifyTimeout)
	defer cancel()
	limited, stop := context.WithCancelCause(limited)
	defer stop(nil)

	untilActive := settings.Until == config.UntilActive && !env.unasked && env.reviews
	if untilActive { // nobody can see a review without the key
		defer context.AfterFunc(env.refused, func() { stop(context.Cause(env.refused)) })()
	}

	since := r.sentAt
	if r.action == actVerify {
		since = time.Now() // the plan has looked already
	}
	err := awaitSeen(limited, env, r, since)
	seen := err == nil
	if err == nil && untilActive {
		err = awaitActive(limited, env, r, since)
	}
	if untilActive && err != nil {
		for _, refusal := range []error{err, context.Cause(limited)} {
			if Unauthorized(refusal) {
				return keyRefused(ctx, env, r, seen, refusal)
			}
		}
	}
	return unverified(ctx, limited, r, err)
}

// keyRefused ends an extension that was sent, and whose review can no longer be
// waited for. The refusal is its cause: what can be done about it is the same as
// where a plan or an upload is refused.
func keyRefused(ctx context.Context, env *environment, r *release, seen bool, refusal error) error {
	reason := "submitted, and in the Helm repository"
	if !seen { // the index needs no key: one look more
		at, err := env.index.since(ctx, time.Now())
		if err != nil {
			reason = "submitted"
		} else if _, complaint := listed(ctx, at, r); complaint != "" {
			reason = "submitted, and not in the Helm repository yet"
		}
	}
	return &ended{outcome: Unverified, reason: reason + "; the API key was refused before its review was seen", cause: refusal}
}

// pending is why waiting ended without success. replaced is what differs where
// the repository has something else to the end than what was sent: a submission
// hands in whatever the draft holds, and another run may have put its package
// there just before.
type pending struct{ last, replaced string }

func (p *pending) Error() string { return p.last }

// awaitSeen looks at each reading of the index from since on until the version
// is seen in one.
func awaitSeen(ctx context.Context, env *environment, r *release, since time.Time) error {
	last, replaced := notThere, ""
	said, saidCached := notThere, false
	at, err := env.index.since(ctx, since)
	for err == nil {
		complaint, other, fatal := seen(ctx, env, r, at)
		switch {
		case fatal != nil:
			return fatal
		case complaint == "":
			return nil
		case ctx.Err() == nil: // else it was cut short and saw nothing
			last, replaced = complaint, other
			cached := at.latest().cached()
			if cached != "" {
				last += "; " + cached
			}
			if complaint != said || (cached != "") != saidCached {
				said, saidCached = complaint, cached != ""
				sayWaiting(r, last)
			}
		}
		at, err = env.index.after(ctx, at, patience(since))
	}
	return &pending{last, replaced}
}

// notThere is what is wrong at first, and for a while, with every version.
const notThere = "it is not in the Helm repository yet"

// sayWaiting says why a version does not count as seen, as soon as that is known:
// what is wrong in the index or with the package does not go away by waiting.
func sayWaiting(r *release, why string) { r.tell("waiting: " + why) }

// awaitActive asks for the review until the version is approved. That may take
// days, so a version that was seen before is looked for once more then.
func awaitActive(ctx context.Context, env *environment, r *release, since time.Time) error {
	last := "it is not reviewed yet"
	for waited := false; ; waited = true {
		complaint, err := reviewed(ctx, env, r)
		switch {
		case err != nil:
			return err
		case complaint == "" && waited:
			return awaitSeen(ctx, env, r, time.Now())
		case complaint == "":
			return nil
		case ctx.Err() == nil:
			last = complaint
		}
		if !Sleep(ctx, patience(since)) {
			return &pending{last: last}
		}
	}
}

// patience is how long to wait for the next look, for one who waits since then:
// each wait is half as long again as the one before.
func patience(since time.Time) time.Duration {
	return min(firstPoll+time.Since(since)/2, lastPoll)
}

// unverified turns the end of waiting into the outcome.
func unverified(ctx, limited context.Context, r *release, err error) error {
	var p *pending
	if !errors.As(err, &p) {
		return err
	}
	why := interruption(limited)
	if ctx.Err() == nil && errors.Is(context.Cause(limited), errVerifyTimeout) {
		if p.replaced != "" {
			return drift(r, p.replaced+"; another run, or somebody else, replaced the draft before it was submitted")
		}
		why = "not seen within " + r.source.Settings.Verify.Timeout.String()
	}
	return &ended{outcome: Unverified, reason: why + ": " + p.last}
}

// seen looks for the version in a reading of the index and walks to it. The
// complaint is empty when nothing is wrong; other is that of walk.
func seen(ctx context.Context, env *environment, r *release, at *reading) (complaint, other string, err error) {
	entry, complaint := listed(ctx, at, r)
	if complaint == "" && env.slots != nil {
		if err := env.slots.Acquire(ctx, 1); err != nil {
			return "it is in the index, and was not looked at yet", "", nil
		}
		defer env.slots.Release(1)
		// The index may be another by the time it is this extension's turn.
		entry, complaint = listed(ctx, at.latest(), r)
	}
	if complaint != "" {
		return complaint, "", nil
	}
	if complaint, other, err := walk(ctx, env, r, entry); complaint != "" || err != nil {
		return complaint, other, err
	}
	return stillListed(ctx, env, r, at.latest(), entry), "", nil
}

// listed finds the version in a reading, by string equality, and only where
// KubeSphere would: it loads the whole index or nothing of it.
func listed(ctx context.Context, at *reading, r *release) (Entry, string) {
	entry, ok, err := at.lookup(ctx, r.result.Name, r.result.Version)
	if err != nil {
		return Entry{}, withAdvice(err)
	}
	if !ok {
		return Entry{}, notThere
	}
	r.sayTwice(entry)
	if err := at.index.Refused(); err != nil {
		return Entry{}, "it is in the index, but " + withAdvice(err)
	}
	if entry.OwnName != "" && entry.OwnName != entry.Name {
		return Entry{}, fmt.Sprintf("it is in the index, but its entry has the name %q there, so KubeSphere passes over it", entry.OwnName)
	}
	return entry, ""
}

// withAdvice is an error with what can be done about it, in one line, where
// that is more than to wait.
func withAdvice(err error) string {
	var t temporary
	if advice := Remedy(err); advice != "" && !(errors.As(err, &t) && t.Temporary()) {
		return err.Error() + ": " + advice
	}
	return err.Error()
}

// sayTwice warns of a version that is in the index more than once.
func (r *release) sayTwice(entry Entry) {
	if entry.Times > 1 {
		r.run.warnOnce(fmt.Sprintf("the index has %s %s %d times: KubeSphere takes the last of them, and so does this run", r.result.Name, r.result.Version, entry.Times))
	}
}

// stillListed looks back at the index after the walk, which may have taken
// minutes where the archive came only at the third attempt.
func stillListed(ctx context.Context, env *environment, r *release, at *reading, walked Entry) (complaint string) {
	if time.Since(at.asked) > lastPoll {
		var err error
		if at, err = env.index.since(ctx, time.Now().Add(-lastPoll)); err != nil {
			return "its archive was there, and the index not looked at again yet"
		}
	}
	entry, complaint := listed(ctx, at, r)
	if complaint == "" && (entry.Digest != walked.Digest || !slices.Equal(entry.URLs, walked.URLs)) {
		complaint = "the index has changed while its archive was looked at"
	}
	return complaint
}

// walk goes as KubeSphere does from an entry of the index to the archive behind
// its first URL, the digest, and name and version inside; and then it holds the
// content against that of the extension. KubeSphere swallows each failure on this
// way, so each is told here. other is what differs where everything fits together
// and the content is not what was sent: an index that is late or a cache may still
// show something else, so that is no verdict yet.
func walk(ctx context.Context, env *environment, r *release, entry Entry) (complaint, other string, err error) {
	verdict, err := r.compareDigest(ctx, entry.ContentDigest)
	if err != nil {
		return "", "", err
	}
	if r.action == actVerify && verdict == extension.DigestOther {
		return "", "", drift(r, "")
	}
	archive, err := env.index.target.Fetch(ctx, entry)
	if err != nil {
		return withAdvice(err), "", nil
	}
	if complaint := wrongDigest(entry, archive); complaint != "" {
		return complaint, "", nil
	}
	files, err := loader.LoadArchiveFiles(bytes.NewReader(archive))
	if err != nil {
		return "its archive does not load in Helm: " + kubesphere.LoadError(err), "", nil
	}
	if complaint := leftOut(r, files); complaint != "" {
		return complaint, "", nil
	}
	asSent := r.pkg != nil && "sha256:"+digestOf(archive) == r.pkg.Digest
	if asSent && r.loads {
		return "", "", nil // lint has loaded this content, and name and version are what was packed
	}
	if complaint, err := inside(ctx, r, files); complaint != "" || err != nil || asSent {
		return complaint, "", err
	}
	difference, err := differs(ctx, env, r, entry, archive)
	if difference == "" && verdict == extension.DigestOther {
		difference = "by its content digest" // in comments, for one, which are no difference to Helm
	}
	switch {
	case err != nil:
		return err.Error(), "", nil
	case difference == "":
		return "", "", nil
	case r.action == actVerify:
		return "", "", drift(r, difference)
	case entry.Digest == "":
		return "the repository serves other content than was sent (" + difference + ")", "", nil
	}
	return "the repository serves other content than was sent (" + difference + ")", difference, nil
}

// inside loads an archive as Helm does, and says why what is in it is not this version.
func inside(ctx context.Context, r *release, files []*loader.BufferedFile) (complaint string, err error) {
	loaded, err := await(ctx, func() (*chart.Chart, error) { return loader.LoadFiles(files) })
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "its archive does not load in Helm: " + kubesphere.LoadError(err), nil
	case loaded.Metadata.Name != r.result.Name || loaded.Metadata.Version != r.result.Version:
		return fmt.Sprintf("its archive holds %s %s", loaded.Metadata.Name, loaded.Metadata.Version), nil
	}
	return "", nil
}

// leftOut says why KubeSphere leaves out a version whose archive has these files,
// without an event or a status: it goes by the extension.yaml in it.
func leftOut(r *release, files []*loader.BufferedFile) (complaint string) {
	at := slices.IndexFunc(files, func(f *loader.BufferedFile) bool { return f.Name == extension.MetadataFile })
	if at < 0 {
		return "its archive has no extension.yaml, so KubeSphere leaves it out"
	}
	source := files[at].Data
	read, err := kubesphere.DecodeExtension(source)
	if err != nil {
		return "KubeSphere leaves it out, because it cannot decode the extension.yaml in its archive: " + err.Error()
	}
	if missing := read.Missing(); len(missing) > 0 {
		complaint = fmt.Sprintf("KubeSphere leaves it out, because it finds no %s in the extension.yaml in its archive", strings.Join(missing, ", no "))
		if line, _ := kubesphere.CutShort(source); line > 0 {
			complaint += fmt.Sprintf(": it reads only what stands before line %d, which is ---; take out that line", line)
		}
		return complaint
	}
	if read.Version != r.result.Version {
		return fmt.Sprintf("KubeSphere reads version %s in the extension.yaml in its archive", read.Version)
	}
	return ""
}

// wrongDigest says that an archive is not the one that the index lists; empty
// where it is, or the index has no digest.
func wrongDigest(entry Entry, archive []byte) (complaint string) {
	listed, digest := strings.TrimPrefix(entry.Digest, "sha256:"), digestOf(archive)
	if listed == "" || listed == digest {
		return ""
	}
	return fmt.Sprintf("the index lists the digest %s, but its archive has %s", short(listed), short(digest))
}

func digestOf(archive []byte) string {
	sum := sha256.Sum256(archive)
	return hex.EncodeToString(sum[:])
}

// differs holds an archive that is not the one that was made here byte for byte
// against the extension: a marketplace may pack anew, as long as the content is
// the same. It says what differs, empty where nothing does.
//
// Where the index has our content digest, an address that ends in the name which
// an asset is uploaded under is that of this asset: its hash is in the name. So
// the host of the assets need not be reached to see that a version is there.
func differs(ctx context.Context, env *environment, r *release, entry Entry, archive []byte) (difference string, err error) {
	published, err := readArchive(ctx, r.result.Name, archive)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return fmt.Sprintf("what is there cannot be read: %v", err), nil
	}
	sent := map[string][]byte{}
	if r.packedWith != nil {
		for _, a := range r.ext.Assets {
			sent[r.packedWith[a.File]] = a.Data
		}
	}
	ext, compared := r.ext, extension.Same
	verdict, err := r.compareDigest(ctx, entry.ContentDigest)
	if err != nil {
		return "", err
	}
	if verdict == extension.DigestUnknown && extension.IsContentDigest(entry.ContentDigest) {
		// It was packed by this tool, and its digest, of the first format, is another:
		// for time stamps alone, or for anything that the digest covers.
		compared = extension.SameContent
	}
	return await(ctx, func() (string, error) {
		same, difference, err := compared(ext, published, func(address string) ([]byte, error) {
			if data, ok := sent[address]; ok {
				return data, nil
			}
			if data, ok := named(ext, address); ok && verdict == extension.DigestSame {
				return data, nil
			}
			return env.index.target.FetchAsset(ctx, address)
		})
		if err != nil || same {
			return "", err
		}
		return difference, nil
	})
}

// readArchive reads a package that was downloaded.
func readArchive(ctx context.Context, name string, archive []byte) (*extension.Extension, error) {
	return await(ctx, func() (*extension.Extension, error) { return extension.Read(name, archive, extension.Limits{}) })
}

// named is the asset that is uploaded under the last part of an address.
func named(ext *extension.Extension, address string) ([]byte, bool) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, false
	}
	for _, a := range ext.Assets {
		if a.RemoteName == path.Base(u.Path) {
			return a.Data, true
		}
	}
	return nil, false
}

// reviewed asks how the review stands.
func reviewed(ctx context.Context, env *environment, r *release) (complaint string, err error) {
	snapshot, err := env.target.Snapshot(ctx, r.result.Name, r.result.Version)
	switch {
	case Unauthorized(err):
		return "", err
	case err != nil:
		return err.Error(), nil
	case snapshot.Status == StatusActive:
		return "", nil
	case snapshot.Status == StatusSubmitted:
		return "it is in the repository, and not reviewed yet", nil
	case snapshot.Status == StatusNone: // which cannot be, as it is in the repository
		return "it is in the repository, but the marketplace does not show it", nil
	case snapshot.Status == StatusDraft:
		return "", withRemedy(errors.New("the submission was taken back"), "run again to submit it anew")
	default:
		r.result.ReviewMessage = snapshot.Message
		return "", withRemedy(fmt.Errorf("the review ended with the status %q%s", snapshot.Status, said(snapshot)), "%s", r.afterRejection())
	}
}

// short is enough of a digest to tell it from another.
func short(digest string) string { return digest[:min(12, len(digest))] }
