// Package tagging decides which tags of released versions are missing: one for each version
// that is released with the content of the commit that is checked out.
package tagging

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/tags"
)

// Status is what becomes of the tag of a version.
type Status string

// The statuses.
const (
	Made    Status = "made"    // it was missing, and is made
	Missing Status = "missing" // likewise, in a dry run, or where none could be made
	There   Status = "there"   // there is one, which stays where it is
	None    Status = "none"    // there is none, and none is to be made: see Reason
	Failed  Status = "failed"  // whether it is to be made is not known, or it cannot be made: see Reason
)

// Entry is one version, and its tag.
type Entry struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Tag     string `json:"tag,omitempty"`    // without refs/tags/
	Commit  string `json:"commit,omitempty"` // which the tag means, or would mean
	Status  Status `json:"status"`
	Reason  string `json:"reason,omitempty"`
	// Hint is what to do about a failure.
	Hint string `json:"remedy,omitempty"`
	// Released says that the version is released with the content of the commit that is
	// checked out: the tag may be pushed.
	Released bool `json:"released"`
}

// Plan says what is to be done for each extension of a plan that was made of the commit head:
// those that exist are released. Present are the tags of the repository, and merged those of them
// that are in the history of head, by name.
func Plan(reader *tags.Reader, planned []results.Extension, present []git.Tag, merged map[string]bool, head string) []Entry {
	var texts []string
	commits := map[string]string{}
	for _, tag := range present {
		texts = append(texts, tag.Name)
		commits[tag.Name] = tag.Commit
	}
	releases := reader.Releases(texts)
	entries := make([]Entry, 0, len(planned))
	for _, x := range planned {
		e := Entry{Name: x.Name, Version: x.Version, Released: x.Outcome == results.Exists}
		at := slices.IndexFunc(releases[x.Name], func(t tags.Tag) bool { return t.Means(x.Version) })
		switch {
		case at >= 0:
			e.Tag = releases[x.Name][at].Text
			e.Commit, e.Status = commits[e.Tag], There
			if !merged[e.Tag] {
				e.Reason = elsewhere(e.Commit)
			}
		case !e.Released:
			e.Status, e.Reason, e.Hint = whyNot(x)
		default:
			text, err := reader.Format(x.Name, x.Version)
			e.Tag, e.Commit, e.Status = text, head, Missing
			if err != nil {
				e.Commit, e.Status, e.Reason, e.Hint = "", Failed, err.Error(), failure.Hint(err)
			}
		}
		entries = append(entries, e)
	}
	return entries
}

// elsewhere says where a tag is that is not in the history. (One at an earlier commit is as it
// should be: the extension has not changed since.)
func elsewhere(commit string) string {
	if commit == "" {
		return "it means no commit"
	}
	return fmt.Sprintf("at %s, which is not in the history of this commit; it stays there", git.Short(commit))
}

// whyNot says why a version gets no tag.
func whyNot(x results.Extension) (status Status, reason, hint string) {
	switch x.Outcome {
	case results.Drift:
		return None, "the commit that is checked out is not what was released: " + cmp.Or(x.Reason, "the released version has other content"), ""
	case results.Planned:
		return None, "not released: " + cmp.Or(x.Reason, "the version is not in the Helm repository"), ""
	}
	reason = string(x.Outcome)
	if x.Reason != "" {
		reason += ": " + x.Reason
	}
	if x.Error != nil {
		return Failed, x.Error.Message, x.Error.Hint
	}
	return Failed, reason, ""
}

// ToMake are the tags that are missing, annotated with name and version.
func ToMake(entries []Entry) (all []git.NewTag) {
	for _, e := range entries {
		if e.Status == Missing {
			all = append(all, git.NewTag{Name: e.Tag, Message: e.Name + " " + strings.TrimPrefix(e.Version, "v")})
		}
	}
	return all
}

// ToPush are the tags of released versions.
func ToPush(entries []Entry) (names []string) {
	for _, e := range entries {
		if e.Released && (e.Status == Made || e.Status == There) {
			names = append(names, e.Tag)
		}
	}
	return names
}
