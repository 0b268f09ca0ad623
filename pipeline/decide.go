package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// decide looks at the index first, which costs one request for the whole run,
// and asks the marketplace only for versions that are not in it:
//
//	marketplace    index      then
//	-              there      exists or drift
//	nothing        nothing    release
//	draft          nothing    release: a draft is replaced
//	submitted …    nothing    wait until it is seen, then exists or drift
//	rejected …     nothing    failed: there is nothing to wait for or to compare
//
// A version exists by string equality. What cannot be read is an error, never
// "nothing".
//
// Of what is to be released it says what is worth knowing, and blocks it if
// something that it requires is nowhere.
func decide(ctx context.Context, env *environment, r *release) error {
	now, err := env.index.since(ctx, time.Time{})
	if err != nil {
		return err
	}
	switch entry, ok, err := now.lookup(ctx, r.result.Name, r.result.Version); {
	case err != nil:
		return err
	case ok:
		r.sayTwice(entry)
		return compare(ctx, env, r, entry)
	}
	if err := inMarketplace(ctx, env, r); err != nil || r.action != actRelease {
		return err
	}
	return survey(ctx, now, r)
}

// inMarketplace decides by what the marketplace has of a version that is not in the
// index.
func inMarketplace(ctx context.Context, env *environment, r *release) error {
	if env.unasked {
		r.note = "not in the repository; the marketplace was not asked"
		return nil
	}
	// The key is proved first, once for all.
	if err := env.target.CheckKey(ctx); err != nil {
		return err
	}
	r.looked = time.Now()
	snapshot, err := env.target.Snapshot(ctx, r.result.Name, r.result.Version)
	if err != nil {
		return err
	}
	return decideByState(r, snapshot, "before, not in the repository yet")
}

// decideByState decides by what the marketplace says of a version that is not in the
// index. since says when it came about, in the words of the note.
func decideByState(r *release, state Snapshot, since string) error {
	if state.Status == StatusNone {
		return nil
	}
	r.result.SnapshotID = state.ID
	switch state.Status {
	case StatusDraft:
		r.note = "goes on from the draft in the marketplace"
	case StatusSubmitted, StatusActive:
		r.action = actVerify
		r.note = state.Status + " " + since
	default:
		// A rejection, for one. Nobody can install it, and nobody knows its content:
		// neither exists nor drift could be said of it.
		r.result.ReviewMessage = state.Message
		return withRemedy(fmt.Errorf("the marketplace has version %s as %q%s, and it is not in the repository", r.result.Version, state.Status, said(state)), "%s", r.afterRejection())
	}
	return nil
}

// said is what the reviewer of a version has to say, after its status.
func said(s Snapshot) string {
	if s.Message == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", s.Message)
}

// afterRejection is what to do about a version whose review did not end well.
func (r *release) afterRejection() string {
	command := "ksrelease withdraw " + ShellWord(r.result.Name+"@"+r.result.Version)
	if r.run.Withdraw != nil {
		command = r.run.Withdraw(r.result.Name, r.result.Version)
	}
	return "bump version in extension.yaml, or make it a draft again, which a run replaces: " + command
}

// compare tells exists from drift for a version in the index. It always ends
// the extension.
func compare(ctx context.Context, env *environment, r *release, entry Entry) error {
	// The very package that was sent, which an earlier run left in its output
	// directory: its pictures are addresses, so that its content looks like another.
	if sent := strings.TrimPrefix(r.ext.ArchiveDigest, "sha256:"); sent != "" && sent == strings.TrimPrefix(entry.Digest, "sha256:") {
		return &ended{outcome: Exists}
	}
	verdict, err := r.compareDigest(ctx, entry.ContentDigest)
	if err != nil {
		return err
	}
	switch verdict {
	case extension.DigestSame:
		return &ended{outcome: Exists}
	case extension.DigestOther:
		return drift(r, "")
	}
	archive, err := env.index.target.Fetch(ctx, entry)
	if err != nil {
		return fmt.Errorf("comparing with the version in the repository: %w", err)
	}
	// Only what was published is other content, and not what came instead of it.
	if complaint := wrongDigest(entry, archive); complaint != "" {
		return withRemedy(fmt.Errorf("comparing with the version in the repository: %s", complaint), "run again later; if it stays so, tell those who run the repository")
	}
	if entry.Digest == "" {
		if _, err := readArchive(ctx, entry.Name, archive); err != nil {
			return withRemedy(fmt.Errorf("comparing with the version in the repository: %w", err), "run again later; if it stays so, bump version in extension.yaml")
		}
	}
	difference, err := differs(ctx, env, r, entry, archive)
	switch {
	case err != nil:
		return fmt.Errorf("comparing with the version in the repository: %w", err)
	case difference == "":
		return &ended{outcome: Exists}
	default:
		return drift(r, difference)
	}
}

func drift(r *release, difference string) error {
	reason := r.result.Version + " is there with other content"
	if difference != "" {
		reason += " (" + difference + ")"
	}
	return &ended{outcome: Drift, reason: reason + ": bump version in extension.yaml"}
}
