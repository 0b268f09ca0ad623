// Package planfile keeps the plan of a dry run in a file, for somebody to approve, and says
// whether what a later run plans is still that. A plan is a contract: it names what it was made
// of (revision, config, version of the program, place to release to), what is to be done with
// each extension, and by digests what each is.
package planfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/regularfile"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Version is the form of the file.
const Version = 1

// CodeUnreadable is the code of what is wrong with a file that is no plan.
const CodeUnreadable = "plan/unreadable"

// sizeLimit bounds a file that is read, in bytes: a plan of ten thousand extensions has some
// MiB.
const sizeLimit = 64 << 20

// File is a plan as the file has it.
type File struct {
	Plan    int       `json:"ksrelease_plan"` // Version
	Created time.Time `json:"created"`
	Made
	Options
	Extensions []Extension `json:"extensions"` // sorted as in reports
}

// Made is what a plan was made of.
type Made struct {
	Tool     results.Tool `json:"tool"`
	Revision string       `json:"revision,omitempty"` // the commit; empty where there is none
	Config   string       `json:"config,omitempty"`   // the SHA-256 of the config, "sha256:" and 64 hex digits; empty without a config
	Target   string       `json:"target"`             // where to release to, as it is shown to users
}

// Options are those of the dry run, which hold for the run that carries it out.
type Options struct {
	Targets      []string `json:"targets,omitempty"` // names; none means all of the config
	Skip         []string `json:"skip,omitempty"`    // stages
	AllOrNothing bool     `json:"all_or_nothing,omitempty"`
	AllowMissing bool     `json:"allow_missing_dependencies,omitempty"`
}

// Extension is what the plan has of one extension.
type Extension struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Path    string `json:"path"`
	// Does is what the plan does with it: results.DecisionRelease, results.DecisionWait, or the
	// outcome with which it has ended already: exists, drift, blocked, failed.
	Does          string `json:"does"`
	ContentDigest string `json:"content_digest,omitempty"`
	// PackageDigest is the SHA-256 of the package to be sent, "sha256:" and 64 hex digits. It
	// is left out where it cannot be known before assets have been uploaded.
	PackageDigest string       `json:"package_digest,omitempty"`
	Seen          results.Seen `json:"seen"`
	// Targets are the places that it is released to, in the order of the config; absent where
	// the project names none. Does and Seen are those of all together then.
	Targets []Target `json:"targets,omitempty"`
}

// Target is what the plan has of an extension in one of several places.
type Target struct {
	Name string       `json:"name"`
	Does string       `json:"does"` // as that of an extension; it may be left-out, too
	Seen results.Seen `json:"seen"`
}

// Of makes the plan of a dry run that was finished. The error says why there is none.
func Of(made Made, options Options, result *results.Document) (*File, error) {
	if result == nil || result.Finished == nil {
		return nil, errors.New("the dry run did not come to its end")
	}
	plan := &File{Plan: Version, Created: *result.Finished, Made: made, Options: options, Extensions: []Extension{}}
	for _, x := range result.Extensions {
		if x.Outcome == results.NotReached {
			return nil, fmt.Errorf("%s was not reached: %s", x.Name, x.Reason)
		}
		plan.Extensions = append(plan.Extensions, extensionOf(x))
	}
	return plan, nil
}

func extensionOf(x results.Extension) Extension {
	made := Extension{Name: x.Name, Version: x.Version, Path: x.Path, Does: does(x.Outcome, x.Seen), Seen: x.Seen}
	for _, t := range x.Targets {
		made.Targets = append(made.Targets, Target{t.Name, does(t.Outcome, t.Seen), t.Seen})
	}
	if x.Package != nil {
		made.ContentDigest = x.Package.ContentDigest
		if x.Package.SizeWithin == 0 {
			made.PackageDigest = x.Package.Digest
		}
	}
	return made
}

// does is what is done with an extension, or how it has ended. What a dry run ends as planned
// is open in a run.
func does(outcome results.Outcome, seen results.Seen) string {
	if outcome == results.Planned || outcome == results.NotReached {
		return seen.Decision
	}
	return string(outcome)
}

// Write writes a plan as a whole or not at all. It makes the folder.
func (f *File) Write(path string) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.WriteSynced(path, append(text, '\n'), 0o644)
}

// Read reads a plan. What is wrong in it is a diagnostic.List.
func Read(path string) (*File, error) {
	text, err := regularfile.Read(path, sizeLimit)
	if err != nil {
		return nil, fmt.Errorf("reading the plan %s: %w", path, err)
	}
	plan, at, err := parse(text)
	if err != nil {
		return nil, diagnostic.List{{
			Code: CodeUnreadable, Severity: diagnostic.Error, File: path, Range: diagnostic.At(1+bytes.Count(text[:at], []byte("\n")), 0),
			Message: err.Error(), Hint: "name a file that ksrelease run --dry-run --plan FILE has written",
		}}
	}
	return plan, nil
}

// parse is Read of a text; at is where it is wrong, in bytes.
func parse(text []byte) (plan *File, at int, err error) {
	var head struct {
		Plan json.Number `json:"ksrelease_plan"`
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(text, &head); errors.As(err, &syntax) {
		return nil, clamp(syntax.Offset, len(text)), errors.New("it is no JSON: " + syntax.Error())
	} else if err != nil || head.Plan == "" {
		return nil, 0, errors.New(`it is no plan of ksrelease: it has no "ksrelease_plan"`)
	}
	if head.Plan.String() != fmt.Sprint(Version) {
		return nil, 0, fmt.Errorf("it has form %s, and this ksrelease knows form %d: use the version that wrote it", head.Plan, Version)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	plan = &File{}
	if err := decoder.Decode(plan); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return nil, clamp(wrong.Offset, len(text)), fmt.Errorf("%s is a JSON %s, and cannot be", wrong.Field, wrong.Value)
		}
		return nil, clamp(decoder.InputOffset(), len(text)), errors.New(excerpt(strings.TrimPrefix(err.Error(), "json: ")))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, clamp(decoder.InputOffset(), len(text)), errors.New("there is more behind its end")
	}
	known := map[[2]string]bool{}
	for i, x := range plan.Extensions {
		id := [2]string{x.Name, x.Version}
		switch {
		case x.Name == "" || x.Does == "" || slices.ContainsFunc(x.Targets, func(t Target) bool { return t.Name == "" || t.Does == "" }):
			return nil, 0, fmt.Errorf("extensions[%d] has no name, or nothing to do", i)
		case known[id]:
			return nil, 0, fmt.Errorf("%s %s is in it twice", x.Name, x.Version)
		}
		known[id] = true
	}
	return plan, 0, nil
}

// excerpt is the beginning of a text that may quote what a stranger wrote.
func excerpt(text string) string {
	if runes := []rune(text); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return text
}

func clamp(at int64, most int) int { return int(max(0, min(at, int64(most)))) }

// Names are the extensions of the plan, each once.
func (f *File) Names() []string {
	var names []string
	for _, x := range f.Extensions {
		names = append(names, x.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// MadeOfOther says what a plan was made of that is not so now, a line each.
func (f *File) MadeOfOther(now Made) (moved []string) {
	differ := func(what, then, now string) {
		if then != now {
			moved = append(moved, fmt.Sprintf("%s is %s, and was %s", what, orNone(now), orNone(then)))
		}
	}
	differ("ksrelease", f.Tool.Version, now.Tool.Version)
	differ("the commit", f.Revision, now.Revision)
	differ("the digest of the config", f.Config, now.Config)
	differ("the place to release to", f.Target, now.Target)
	return moved
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// Moved says what is not as in the plan, of extensions as they are planned now.
func (f *File) Moved(now []results.Extension) []results.Moved {
	var moved []results.Moved
	add := func(name, version, format string, values ...any) {
		moved = append(moved, results.Moved{Name: name, Version: version, What: fmt.Sprintf(format, values...)})
	}
	planned := map[[2]string]Extension{}
	for _, x := range f.Extensions {
		planned[[2]string{x.Name, x.Version}] = x
	}
	for _, x := range now {
		then, ok := planned[[2]string{x.Name, x.Version}]
		if !ok {
			add(x.Name, x.Version, "the plan has no version %s", orNone(x.Version))
			continue
		}
		if what := then.moved(extensionOf(x)); what != "" {
			add(x.Name, x.Version, "%s", what)
		}
	}
	gone := f.missing(now)
	for _, x := range gone[:min(namedAtMost, len(gone))] {
		add(x.Name, x.Version, "the plan has version %s, which is not here", orNone(x.Version))
	}
	return moved
}

// missing are the extensions of the plan that are not here, in its order.
func (f *File) missing(now []results.Extension) []Extension {
	here := map[[2]string]bool{}
	for _, x := range now {
		here[[2]string{x.Name, x.Version}] = true
	}
	return slices.DeleteFunc(slices.Clone(f.Extensions), func(x Extension) bool { return here[[2]string{x.Name, x.Version}] })
}

// namedAtMost is how many versions are named that a plan has and that are not here: a file of a
// stranger may have a million.
const namedAtMost = 20

// Gone says which versions of the plan are not here, of extensions as they are planned now, a line
// each.
func (f *File) Gone(now []results.Extension) (gone []string) {
	missing := f.missing(now)
	for _, x := range missing[:min(namedAtMost, len(missing))] {
		gone = append(gone, fmt.Sprintf("%s %s is not here", x.Name, orNone(x.Version)))
	}
	if more := len(missing) - namedAtMost; more > 0 {
		gone = append(gone, fmt.Sprintf("and %d more", more))
	}
	return gone
}

// moved says what is not as it was; empty where all is, or where what was to be released is
// there with that content: an earlier run has carried out that part.
func (x Extension) moved(now Extension) string {
	otherContent := x.ContentDigest != "" && now.ContentDigest != "" && now.ContentDigest != x.ContentDigest
	if len(x.Targets) == 0 && len(now.Targets) == 0 {
		what, done := x.inTarget("the Helm repository", "the marketplace", Target{Does: x.Does, Seen: x.Seen}, Target{Does: now.Does, Seen: now.Seen}, otherContent)
		if what != "" || done {
			return what
		}
	}
	anyDone := false
	for i, t := range x.Targets {
		if i >= len(now.Targets) || now.Targets[i].Name != t.Name {
			break
		}
		what, done := x.inTarget(t.Name, t.Name, t, now.Targets[i], otherContent)
		if what != "" {
			return "in " + t.Name + ": " + what
		}
		anyDone = anyDone || done
	}
	switch {
	case !slices.EqualFunc(x.Targets, now.Targets, func(a, b Target) bool { return a.Name == b.Name }):
		return fmt.Sprintf("it goes to %s, and the plan is for %s", targetNames(now.Targets), targetNames(x.Targets))
	case !anyDone && x.PackageDigest != "" && now.PackageDigest != "" && now.PackageDigest != x.PackageDigest:
		return "its package is another, of the same content"
	}
	return ""
}

// inTarget says what is not as it was in one place: shown is where versions are seen there, and
// asked what says how they stand. done says that what was to be released is there, with the content
// of the plan: an earlier run has carried out that part.
func (x Extension) inTarget(shown, asked string, then, now Target, otherContent bool) (what string, done bool) {
	done = (then.Does == results.DecisionRelease || then.Does == results.DecisionWait) && now.Does == string(results.Exists)
	switch {
	case done && x.ContentDigest == now.Seen.ContentDigest && now.Seen.ContentDigest != "":
		return "", true
	case now.Seen.Listed && !then.Seen.Listed:
		return fmt.Sprintf("it is in %s now", shown), false
	case !now.Seen.Listed && then.Seen.Listed:
		return fmt.Sprintf("it is not in %s any more", shown), false
	case now.Seen.Digest != then.Seen.Digest:
		return fmt.Sprintf("%s has it with the digest %s, and had it with %s", shown, orNone(now.Seen.Digest), orNone(then.Seen.Digest)), false
	case otherContent:
		return "its content is another", false
	case now.Does != then.Does:
		return fmt.Sprintf("a run would %s, and the plan is to %s", doing(now.Does), doing(then.Does)), false
	case now.Seen.Status != then.Seen.Status:
		return fmt.Sprintf("%s has it as %s, and had it as %s", asked, orNone(now.Seen.Status), orNone(then.Seen.Status)), false
	case now.Seen.SnapshotID != then.Seen.SnapshotID:
		return fmt.Sprintf("%s has another snapshot of it, %s", asked, orNone(now.Seen.SnapshotID)), false
	}
	return "", false
}

// targetNames are the names of targets for people.
func targetNames(targets []Target) string {
	var names []string
	for _, t := range targets {
		names = append(names, t.Name)
	}
	return orNone(strings.Join(names, ", "))
}

// doing is what is done, in the words of a sentence.
func doing(does string) string {
	switch does {
	case results.DecisionRelease:
		return "release it"
	case results.DecisionWait:
		return "wait for it"
	}
	return "end it as " + does
}
