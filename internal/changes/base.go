package changes

import (
	"context"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/tags"
)

// Auto is the value of --since that chooses the base by itself.
const Auto = "auto"

// request is a pull request, as its CI describes it.
type request struct {
	variable string // that says so
	branch   string // into which it is to be merged; empty where commit is known
	commit   string // where it began
}

// requestOf finds out whether a CI runs this for a pull request: GitHub Actions (Variables
// reference, GITHUB_BASE_REF), GitLab (Predefined CI/CD variables reference,
// CI_MERGE_REQUEST_…) and Jenkins (Branch API plugin, CHANGE_TARGET).
func requestOf(env func(string) (string, bool)) (request, bool) {
	get := func(name string) string {
		value, _ := env(name)
		return value
	}
	if branch := get("GITHUB_BASE_REF"); branch != "" {
		return request{variable: "GITHUB_BASE_REF", branch: branch}, true
	}
	if commit := get("CI_MERGE_REQUEST_DIFF_BASE_SHA"); commit != "" {
		return request{variable: "CI_MERGE_REQUEST_DIFF_BASE_SHA", branch: get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"), commit: commit}, true
	}
	if branch := get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"); branch != "" {
		return request{variable: "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", branch: branch}, true
	}
	if branch := get("CHANGE_TARGET"); branch != "" {
		return request{variable: "CHANGE_TARGET", branch: branch}, true
	}
	return request{}, false
}

// base is the commit at which a pull request began.
func (q request) base(ctx context.Context, r *git.Repository) (Base, error) {
	if q.commit != "" {
		commit, err := r.Resolve(ctx, q.commit)
		if err != nil {
			return Base{}, fmt.Errorf("the base of the pull request (%s): %w", q.variable, err)
		}
		ref := q.branch
		if ref == "" {
			ref = git.Short(commit)
		}
		return Base{BaseMergeBase, ref, commit}, nil
	}
	if r.Head == "" {
		_, err := r.Resolve(ctx, "HEAD")
		return Base{}, err
	}
	// A checkout of CI has the branch of the remote alone; a clone of a user may have both,
	// and its own may be old.
	name := "origin/" + q.branch
	commit, err := r.Resolve(ctx, name)
	if git.ReasonOf(err) == git.UnknownRef {
		if local, localErr := r.Resolve(ctx, q.branch); localErr == nil {
			name, commit, err = q.branch, local, nil
		}
	}
	if err != nil {
		return Base{}, fmt.Errorf("the branch that the pull request is for (%s): %w", q.variable, err)
	}
	base, err := r.MergeBase(ctx, commit, r.Head)
	if err != nil {
		return Base{}, fmt.Errorf("the base of the pull request (%s): %w", q.variable, err)
	}
	return Base{BaseMergeBase, name, base}, nil
}

// newestTags are the newest tags of extensions, by name. Tags that the checked-out commit does
// not contain are those of another branch, and count only where there is no other.
func newestTags(ctx context.Context, r *git.Repository, patterns []tags.Pattern, names []string) (map[string]Base, error) {
	all, err := r.Tags(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	merged := map[string]bool{}
	if r.Head != "" {
		if merged, err = r.Merged(ctx, r.Head); err != nil {
			return nil, err
		}
	}
	commits := map[string]string{}
	var here, anywhere []string
	for _, tag := range all {
		if tag.Commit == "" {
			continue
		}
		commits[tag.Name] = tag.Commit
		anywhere = append(anywhere, tag.Name)
		if merged[tag.Name] {
			here = append(here, tag.Name)
		}
	}
	reader := tags.NewReader(patterns, names)
	bases := map[string]Base{}
	for _, some := range [][]string{anywhere, here} {
		for name, tag := range reader.Newest(some) {
			bases[name] = Base{BaseTag, tag.Text, commits[tag.Text]}
		}
	}
	return bases, nil
}

// needsGit is the error of a question that only git can answer.
func needsGit(since string, err error) error {
	if hint := failure.Hint(err); hint != "" {
		return failure.WithHint(fmt.Errorf("--since %s asks git what changed: %w", since, err), "%s", hint)
	}
	return fmt.Errorf("--since %s asks git what changed: %w", since, err)
}
