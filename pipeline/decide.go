package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/published"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shellword"
	"github.com/ksrelease/ksrelease/internal/target"
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
func decide(ctx context.Context, env *planning, r *release) (lifecycle.Decision, string, error) {
	now, err := env.index.Since(ctx, time.Time{})
	if err != nil {
		return 0, "", err
	}
	switch entry, ok, err := now.Lookup(ctx, r.result.Name, r.result.Version); {
	case err != nil:
		return 0, "", err
	case ok:
		r.result.Seen.Listed, r.result.Seen.Digest, r.result.Seen.ContentDigest = true, entry.Digest, entry.ContentDigest
		r.sayTwice(entry)
		return 0, "", compare(ctx, env, r, entry)
	}
	d, note, err := inTarget(ctx, env, r)
	if err != nil || d != lifecycle.Send {
		return d, note, err
	}
	return d, note, survey(ctx, now, r)
}

// decideStep decides what is to be done with an extension. A run that releases nothing
// decides nothing, but a cycle of dependencies is a failure for it, too: after lint, whose
// findings are the more for it.
func decideStep(ctx context.Context, env *planning, r *release) error {
	if r.order.cycle != nil {
		return r.order.cycle
	}
	if !r.run.decides() {
		r.move(lifecycle.Planned{Decision: lifecycle.Keep})
		return nil
	}
	d, note, err := decide(ctx, env, r)
	if err != nil {
		return err
	}
	r.result.Seen.Decision = d.String()
	r.move(lifecycle.Planned{Decision: d, Note: note})
	r.run.emit(results.Event{Kind: results.EventDecided, Decision: d.String(), Message: note}, r)
	return nil
}

// inTarget decides by what the target has of a version that is not in the index.
func inTarget(ctx context.Context, env *planning, r *release) (lifecycle.Decision, string, error) {
	if env.unasked {
		r.result.Seen.Status = results.StatusUnknown
		return lifecycle.Send, "not in the repository; the marketplace was not asked", nil
	}
	// The key is proved first, once for all.
	if err := env.target.CheckKey(ctx); err != nil {
		return 0, "", err
	}
	r.sent.looked = time.Now()
	snapshot, err := env.target.Snapshot(ctx, r.result.Name, r.result.Version)
	if err != nil {
		return 0, "", err
	}
	r.result.Seen.Status, r.result.Seen.SnapshotID = snapshot.Status, snapshot.ID
	return decideByState(r, snapshot, "before, not in the repository yet")
}

// decideByState decides by what the target says of a version that is not in the
// index. since says when it came about, in the words of the note.
func decideByState(r *release, state target.Snapshot, since string) (d lifecycle.Decision, note string, err error) {
	if state.Status == target.StatusNone {
		return lifecycle.Send, "", nil
	}
	r.result.SnapshotID = state.ID
	switch state.Status {
	case target.StatusDraft:
		return lifecycle.Send, "goes on from the draft in the marketplace", nil
	case target.StatusSubmitted, target.StatusActive:
		return lifecycle.Wait, state.Status + " " + since, nil
	default:
		// A rejection, for one. Nobody can install it, and nobody knows its content:
		// neither exists nor drift could be said of it.
		r.result.ReviewMessage = state.Message
		return 0, "", failure.WithHint(fmt.Errorf("the marketplace has version %s as %q%s, and it is not in the repository", r.result.Version, state.Status, said(state)), "%s", r.afterRejection())
	}
}

// said is what the reviewer of a version has to say, after its status.
func said(s target.Snapshot) string {
	if s.Message == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", s.Message)
}

// afterRejection is what to do about a version whose review did not end well.
func (r *release) afterRejection() string {
	command := "ksrelease withdraw " + shellword.Quote(r.result.Name+"@"+r.result.Version)
	if r.run.Withdraw != nil {
		command = r.run.Withdraw(r.result.Name, r.result.Version)
	}
	return "bump version in extension.yaml, or make it a draft again, which a run replaces: " + command
}

// compare decides between exists and drift for a version in the index. It always ends
// the extension.
func compare(ctx context.Context, env *planning, r *release, entry target.Entry) error {
	// The very package that was sent, which an earlier run left in its output
	// directory: its pictures are addresses, so that its content looks like another.
	if sent := strings.TrimPrefix(r.read.ext.ArchiveDigest, "sha256:"); sent != "" && sent == strings.TrimPrefix(entry.Digest, "sha256:") {
		return &ending{outcome: results.Exists}
	}
	verdict, err := published.CompareDigest(ctx, r.read.ext, entry.ContentDigest)
	if err != nil {
		return err
	}
	switch verdict {
	case extension.DigestSame:
		return &ending{outcome: results.Exists}
	case extension.DigestOther:
		return explained(ctx, env.index.Target, r, entry)
	}
	archive, err := env.index.Target.Fetch(ctx, entry)
	if err != nil {
		return fmt.Errorf("comparing with the version in the repository: %w", err)
	}
	// Only what was published is other content, and not what came instead of it.
	if complaint := published.WrongDigest(entry, archive); complaint != "" {
		return failure.WithHint(fmt.Errorf("comparing with the version in the repository: %s", complaint), "run again later; if it stays so, tell those who run the repository")
	}
	if entry.Digest == "" {
		if _, err := published.Read(ctx, entry.Name, archive); err != nil {
			return failure.WithHint(fmt.Errorf("comparing with the version in the repository: %w", err), "run again later; if it stays so, bump version in extension.yaml")
		}
	}
	difference, err := published.Differs(ctx, r.read.ext, r.packed.urls, entry, archive, env.index.Target)
	switch {
	case err != nil:
		return fmt.Errorf("comparing with the version in the repository: %w", err)
	case difference.IsNone():
		return &ending{outcome: results.Exists}
	default:
		return drift(r, difference, "")
	}
}

// explained is the drift of a version whose content digest is another. What is there is
// downloaded only to name the files that differ.
func explained(ctx context.Context, from target.Reader, r *release, entry target.Entry) error {
	difference, err := published.Explain(ctx, r.read.ext, r.packed.urls, entry, from)
	if err != nil {
		return err
	}
	return drift(r, difference, "")
}

// drift ends an extension whose version is there with other content. how, where it is not
// empty, says how that came about.
func drift(r *release, difference published.Difference, how string) error {
	r.result.Differs = nil
	for _, d := range difference.Files {
		r.result.Differs = append(r.result.Differs, results.Difference{File: d.File, Kind: string(d.Kind), Detail: d.Detail})
	}
	return &ending{outcome: results.Drift, reason: difference.Drift(r.result.Name, r.result.Version, how)}
}
