package replay

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
)

// Result is what a cluster makes of the repository. The names of its fields in JSON are
// documented (docs/doctor.md), and stay.
type Result struct {
	// Loads is false where KubeSphere cannot load the index: it goes on with what it read
	// before, and Extensions is what it would read of the rest.
	Loads      bool        `json:"loads"`
	Extensions []Extension `json:"extensions"` // sorted by name
	Problems   []Problem   `json:"problems"`   // the worst first
}

// Extension is one extension of the repository.
type Extension struct {
	Name string `json:"name"`
	// Shown are the versions that users can choose from, highest first.
	Shown []string `json:"shown"`
	// BeyondDepth are those that are lower than the depth takes.
	BeyondDepth []string `json:"beyond_depth"`
	// Recommended is the one that is installed unless somebody chooses another; empty where
	// none fits.
	Recommended string `json:"recommended"`
	// Versions are all entries of the index, in KubeSphere's order.
	Versions []Version `json:"versions"`
}

// State is what becomes of a version.
type State string

// The states of a version.
const (
	StateShown   State = "shown"
	StateBeyond  State = "beyond-depth"
	StateDropped State = "dropped"
	StateRefused State = "refused"   // by the API server
	StateBehind  State = "held-back" // behind one that is refused
)

// Version is an entry of the index.
type Version struct {
	Version string `json:"version"`
	State   State  `json:"state"`
	// LookedAt says that its package was looked at. Without that it is taken for one in
	// which nothing is wrong.
	LookedAt bool `json:"looked_at"`
	// KubeVersion and KSVersion are its constraints.
	KubeVersion string `json:"kube_version,omitempty"`
	KSVersion   string `json:"ks_version,omitempty"`
	// Fits says whether the constraints hold, as far as the versions of the cluster are
	// given; null where it was not looked at.
	Fits *bool `json:"fits"`
	Line int   `json:"line,omitempty"`
}

// Problem is something wrong, with all entries of which it is.
type Problem struct {
	Code     Code                `json:"code"`
	Severity diagnostic.Severity `json:"severity"`
	Effect   Effect              `json:"effect"`
	Message  string              `json:"message"`
	Hint     string              `json:"hint"`
	Entries  []Place             `json:"entries"`
}

// Place is an entry that has a problem.
type Place struct {
	Extension string `json:"extension,omitempty"`
	Version   string `json:"version,omitempty"`
	Line      int    `json:"line,omitempty"` // of the index, from 1
	Detail    string `json:"detail,omitempty"`
}

// Result is what is known now.
func (r *Replay) Result() *Result {
	b := &builder{replay: r, result: &Result{Loads: true, Extensions: []Extension{}, Problems: []Problem{}}, at: map[string]int{}}
	for _, refused := range r.index.Refusals() {
		code := CodeIndexRefused
		if refused.HelmAlone {
			code = CodeIndexForHelm
		} else {
			b.result.Loads = false
		}
		b.add(&fault{code: code}, Place{refused.Chart, refused.Version, refused.Line, refused.Cause})
	}
	if empty := r.index.Empty(); empty != nil {
		b.result.Loads = false
		b.add(&fault{code: CodeEmptyEntry}, Place{empty.Chart, "", empty.Line, ""})
	}
	for _, x := range r.extensions {
		b.extension(x)
	}
	b.sort()
	return b.result
}

// builder puts the result together.
type builder struct {
	replay *Replay
	result *Result
	at     map[string]int // of problems, by what they have in common
}

// add adds an entry to a problem. What has another hint is another problem.
func (b *builder) add(f *fault, place Place) {
	k := kindOf(f.code)
	hint := cmp.Or(f.hint, k.hint)
	if place.Detail == "" {
		place.Detail = f.detail
	}
	key := string(f.code) + "\x00" + hint
	i, ok := b.at[key]
	if !ok {
		i = len(b.result.Problems)
		b.at[key] = i
		b.result.Problems = append(b.result.Problems, Problem{Code: f.code, Severity: k.severity, Effect: k.effect, Message: k.message, Hint: hint})
	}
	b.result.Problems[i].Entries = append(b.result.Problems[i].Entries, place)
}

// sort puts the problems into the order of the codes.
func (b *builder) sort() {
	rank := map[Code]int{}
	for i, k := range kinds {
		rank[k.code] = i
	}
	slices.SortStableFunc(b.result.Problems, func(x, y Problem) int {
		return cmp.Or(cmp.Compare(rank[x.Code], rank[y.Code]), cmp.Compare(x.Hint, y.Hint))
	})
}

func (c *candidate) place() Place {
	return Place{Extension: c.Name, Version: c.shownVersion(), Line: c.Line}
}

// extension judges one extension.
func (b *builder) extension(x *extension) {
	out := Extension{Name: x.name, Shown: []string{}, BeyondDepth: []string{}, Versions: []Version{}}
	if x.invalid != nil {
		b.add(&fault{code: CodeName}, Place{Extension: x.name, Line: x.entries[0].Line})
	}
	var kept []*candidate
	blocked := x.invalid != nil
	held := false
	for _, c := range x.entries {
		v := c.judged(b.replay.options)
		switch {
		case blocked:
			v.State = StateDropped
		case c.isDropped():
			v.State = StateDropped
			b.add(c.why(), c.place())
		case len(kept) >= b.replay.depth(x):
			v.State = StateBeyond
			out.BeyondDepth = append(out.BeyondDepth, v.Version)
		default:
			kept = append(kept, c)
			refusals := c.found.refusals(c.Entry, len(kept) == 1)
			for _, f := range refusals {
				b.add(f, c.place())
			}
			switch {
			case held:
				v.State = StateBehind
			case len(refusals) > 0:
				v.State = StateRefused
				held = true
			default:
				v.State = StateShown
				out.Shown = append(out.Shown, v.Version)
			}
		}
		out.Versions = append(out.Versions, v)
	}
	out.Shown = slices.Compact(out.Shown)
	out.Recommended = recommended(out.Versions)
	b.remarks(x, kept, &out)
	b.result.Extensions = append(b.result.Extensions, out)
}

// judged is a version with what is known of it, but for its state.
func (c *candidate) judged(options Options) Version {
	v := Version{Version: c.shownVersion(), LookedAt: c.found != nil, Line: c.Line}
	if c.found == nil || c.found.fault != nil {
		return v
	}
	v.KubeVersion, v.KSVersion = c.found.Spec.KubeVersion, c.found.Spec.KSVersion
	fits := holds(v.KubeVersion, options.Kubernetes) && holds(v.KSVersion, options.KubeSphere)
	v.Fits = &fits
	return v
}

// holds judges a constraint as KubeSphere's controller does (checkVersionConstraint in
// pkg/controller/core/util.go): one that cannot be read never holds. Without a version
// nothing else is judged.
func holds(constraint string, version *semver.Version) bool {
	if constraint == "" {
		return true
	}
	parsed, err := semver.NewConstraint(constraint)
	return err == nil && (version == nil || parsed.Check(version))
}

// recommended is the highest version that is shown and fits, pre-releases among them
// (getRecommendedExtensionVersion).
func recommended(versions []Version) string {
	for _, v := range versions {
		if v.State == StateShown && (v.Fits == nil || *v.Fits) {
			return v.Version
		}
	}
	return ""
}

// remarks are on what an extension shows as a whole.
func (b *builder) remarks(x *extension, kept []*candidate, out *Extension) {
	seen := map[string]string{}
	for _, c := range kept {
		if c.found != nil {
			for _, f := range c.found.remarks {
				b.add(f, c.place())
			}
			for _, constraint := range [...]struct{ key, text string }{{"kubeVersion", c.found.Spec.KubeVersion}, {"ksVersion", c.found.Spec.KSVersion}} {
				place := c.place()
				place.Detail = fmt.Sprintf("%s is %q", constraint.key, constraint.text)
				switch {
				case !holds(constraint.text, nil):
					b.add(&fault{code: CodeConstraint}, place)
				case kubesphere.NotForConsole(constraint.text) != "":
					b.add(&fault{code: CodeConsole}, place)
				}
			}
		}
		version := c.shownVersion()
		if message, hint := naming.VersionProblem(version); message != "" {
			code := CodeOddVersion
			if len(kept) > 1 && isShort(version) {
				code = CodeShortVersion
			}
			place := c.place()
			place.Detail = message + ": " + hint
			b.add(&fault{code: code}, place)
		}
		if b.isAmbiguous(c) {
			b.add(&fault{code: CodeRelativeURL}, c.place())
		}
		if c.version == nil {
			continue
		}
		equal := c.version.String()
		switch other, ok := seen[equal]; {
		case !ok:
			seen[equal] = version
		case other == version:
			b.add(&fault{code: CodeTwice}, c.place())
		default:
			place := c.place()
			place.Detail = "as " + other + ", too"
			b.add(&fault{code: CodeSpelledTwice}, place)
		}
	}
	b.recommendation(x, kept, out)
}

// recommendation are remarks on what is recommended, and what is not.
func (b *builder) recommendation(x *extension, kept []*candidate, out *Extension) {
	if len(out.Shown) > 0 && out.Recommended == "" {
		b.add(&fault{code: CodeNoneFits}, Place{Extension: x.name, Detail: constraintsOf(out)})
	}
	if v, err := semver.NewVersion(out.Recommended); err == nil && v.Prerelease() != "" {
		b.add(&fault{code: CodePreRelease}, Place{Extension: x.name, Version: out.Recommended})
	}
	isStable := func(c *candidate) bool { return c.version != nil && c.version.Prerelease() == "" }
	if len(kept) == 0 || slices.ContainsFunc(kept, isStable) {
		return
	}
	for _, c := range x.entries[len(kept):] {
		if isStable(c) && !c.isDropped() && !slices.Contains(kept, c) {
			b.add(&fault{code: CodeStableHidden}, Place{Extension: x.name, Version: c.shownVersion(), Line: c.Line})
			return
		}
	}
}

// constraintsOf are the constraints of the highest version.
func constraintsOf(x *Extension) string {
	for _, v := range x.Versions {
		if v.State == StateShown {
			var parts []string
			if v.KSVersion != "" {
				parts = append(parts, fmt.Sprintf("ksVersion %q", v.KSVersion))
			}
			if v.KubeVersion != "" {
				parts = append(parts, fmt.Sprintf("kubeVersion %q", v.KubeVersion))
			}
			return v.Version + ": " + strings.Join(parts, ", ")
		}
	}
	return ""
}

// isAmbiguous says whether versions of KubeSphere look for the package of an entry at
// different addresses.
func (b *builder) isAmbiguous(c *candidate) bool {
	if !b.replay.options.Below || len(c.URLs) == 0 || strings.HasPrefix(c.URLs[0], "/") {
		return false
	}
	u, err := url.Parse(c.URLs[0])
	return err == nil && u.Host == ""
}

// isShort says that a version is one or two numbers, which node-semver does not read.
func isShort(version string) bool {
	_, strict := semver.StrictNewVersion(strings.TrimPrefix(version, "v"))
	_, lax := semver.NewVersion(version)
	return strict != nil && lax == nil && strings.Count(strings.SplitN(version, "-", 2)[0], ".") < 2
}

func isSemVer(version string) bool {
	_, err := semver.NewVersion(version)
	return err == nil
}

func isInstallationMode(mode string) bool { return slices.Contains(kubesphere.InstallationModes, mode) }

func sortedKeys(of map[string]string) []string { return slices.Sorted(maps.Keys(of)) }

func digest(archive []byte) string {
	sum := sha256.Sum256(archive)
	return hex.EncodeToString(sum[:])
}

// Unreadable is the result of an index of which nothing can be read.
func Unreadable(refused *helmrepo.Refused) Result {
	b := &builder{result: &Result{Extensions: []Extension{}}, at: map[string]int{}}
	b.add(&fault{code: CodeIndexRefused}, Place{refused.Chart, refused.Version, refused.Line, refused.Cause})
	return *b.result
}
