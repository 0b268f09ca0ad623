// Package results has what comes of a run: its events while it goes on, and the result
// document. The pipeline makes both, and reports are made of them.
package results

import (
	"slices"
	"time"
)

// Outcome is how an extension ended. Every extension ends in exactly one.
type Outcome string

// The outcomes. Those from Drift on mean that an extension is not released as
// asked, and make the exit code 1 (drift only where push.drift is "fail").
const (
	Released   Outcome = "released"    // sent, and seen in each target
	Planned    Outcome = "planned"     // a dry run would release it
	Linted     Outcome = "linted"      // it was read and holds to the rules, and no more was asked for
	Packed     Outcome = "packed"      // its archive was made, and no more was asked for
	Exists     Outcome = "exists"      // that version is in each target with the same content
	Drift      Outcome = "drift"       // that version is in a target with other content
	Blocked    Outcome = "blocked"     // it is kept back: something it depends on failed, or it has other content elsewhere
	Failed     Outcome = "failed"      // a stage failed
	Unverified Outcome = "unverified"  // sent, not seen in time
	NotReached Outcome = "not-reached" // interrupted before its turn, or in the middle of it
	LeftOut    Outcome = "left-out"    // the target does not take this version, by its settings
)

// Outcomes lists all outcomes in the order in which counts are printed.
func Outcomes() []Outcome {
	return []Outcome{Released, Planned, Linted, Packed, Exists, Drift, Blocked, Failed, Unverified, NotReached, LeftOut}
}

// Document is the result document of a run, in the shape in which
// `--report FILE.json` writes it.
type Document struct {
	SchemaVersion int    `json:"schema_version"` // 1
	Command       string `json:"command"`        // that made it: "run", "lint" or "package"
	Tool          Tool   `json:"tool"`
	// Revision is the git commit of the work tree, in hexadecimal digits; absent without
	// git, a work tree or a commit.
	Revision string `json:"revision,omitempty"`
	// Committed says whether all that is packed is as that commit has it; absent where it is
	// not known.
	Committed *bool `json:"committed,omitempty"`
	// Targets are the places that the run releases to, in the order of the config; absent for
	// commands that release nothing.
	Targets []Place `json:"targets,omitempty"`
	DryRun  bool    `json:"dry_run"`
	// Selection is what chose the extensions; absent where all were meant, or names and
	// paths on the command line say which.
	Selection *Selection `json:"selection,omitempty"`
	// Shard is the part of the work that the run was for, such as 2/5; absent for the whole.
	Shard string `json:"shard,omitempty"`
	// Since is what changed, for a run of that alone (--since); absent for any other.
	Since    *Since     `json:"since,omitempty"`
	Started  time.Time  `json:"started"`
	Finished *time.Time `json:"finished"` // null while the run goes on, or when it was killed
	// Hooks are the commands of the project that were run before and after everything
	// else, in that order.
	Hooks []Hook `json:"hooks,omitempty"`
	// Warnings are on the run as a whole: an address without TLS, keys that
	// others can read.
	Warnings   []string        `json:"warnings,omitempty"`
	Extensions []Extension     `json:"extensions"`
	Totals     map[Outcome]int `json:"totals"` // every outcome, also those with 0, but left-out only where there are some
	// Announcements are those that were sent, or would be; absent where there is nothing to
	// announce.
	Announcements []Announcement `json:"announcements,omitempty"`
	// Error is what kept the command from beginning: a mistake on the command line or
	// in the configuration. There are no extensions then.
	Error *CommandError `json:"error,omitempty"`

	// AuthRefused says that a target has refused its key, or that there was
	// none where one was needed: what decides between exit code 1 and 3.
	AuthRefused bool `json:"-"`
}

// Selection is what chose the extensions of a run among those that are declared.
type Selection struct {
	By   string `json:"by"`   // "tag", "title" or "comment"
	Text string `json:"text"` // the tag, title or comment
	// Extensions are the chosen ones by their names, each with its version; that is empty
	// where no certain one was asked for.
	Extensions map[string]string `json:"extensions"`
}

// Since is what a run is narrowed to: what changed since a base, and what needs it.
type Since struct {
	Ref  string `json:"ref"`  // as it was asked for: a ref, or auto
	Base string `json:"base"` // what it stands for, in words: "the merge base with origin/main"
	// Changed are the names of the extensions that changed, sorted.
	Changed []string `json:"changed"`
	// Dependents are those that did not, with the changed ones that each needs.
	Dependents map[string][]string `json:"dependents,omitempty"`
}

// Announcement says what became of an announcement of releases. The address is not in it.
type Announcement struct {
	Kind       string             `json:"kind"`       // "webhook", "feishu", "dingtalk", "wecom" or "slack"
	Setting    string             `json:"setting"`    // where it is configured: "announce[0]"
	Extensions []string           `json:"extensions"` // NAME VERSION
	Status     AnnouncementStatus `json:"status"`
	Error      string             `json:"error,omitempty"`
}

// AnnouncementStatus says what became of an announcement.
type AnnouncementStatus string

// The statuses of an announcement.
const (
	AnnouncementPlanned AnnouncementStatus = "planned" // by a dry run
	AnnouncementSent    AnnouncementStatus = "sent"
	AnnouncementFailed  AnnouncementStatus = "failed"
)

// CommandError is why a command did nothing.
type CommandError struct {
	Message string `json:"message"`
	Hint    string `json:"remedy,omitempty"`
	// Problems are the mistakes in files, each with its place. Their rule is RuleConfig.
	Problems []Finding `json:"problems,omitempty"`
}

// RuleConfig is the rule that a mistake in the configuration breaks: no rule of lint.
const RuleConfig = "configuration"

// Tool is the program that made a result document.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Place is a place that a run releases to.
type Place struct {
	// Name is that of the config and of --target; the kind where the config gives none.
	Name string `json:"name"`
	Kind string `json:"kind"` // "marketplace", "directory", "oci" and so on
	// URL is where it is: an address without user, password and key, or a path; absent where
	// there is none.
	URL string `json:"url,omitempty"`
	// Repository is the Helm repository in which versions of the marketplace are seen, an address
	// without user and password; absent for others.
	Repository string `json:"repository,omitempty"`
}

// Extension is what is known of one extension. Until the extension has
// ended its Outcome is NotReached, so that a document left behind by a killed
// run is true.
type Extension struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Path    string   `json:"path"`
	Outcome Outcome  `json:"outcome"`
	Reason  string   `json:"reason,omitempty"`
	Stages  []Stage  `json:"stages"`
	Package *Package `json:"package"` // null until it is packed
	Assets  []Asset  `json:"assets"`
	// Targets say what became of it in each place that it was to be released to, in the order
	// of the config; absent where the project names none. The outcome and what goes with it
	// are those of the targets together (Summarize).
	Targets []Target `json:"targets,omitempty"`
	// Hooks are the commands that were run for it before it was read, and when all
	// extensions had ended, in that order.
	Hooks []Hook `json:"hooks,omitempty"`
	// Previous is the version before this one that the target has, as the plan saw it: the highest one
	// below, or else the highest. It is absent where there is none, or nobody looked.
	Previous string `json:"previous,omitempty"`
	// Address is where the package is, as the index of the target has it: an address, or a file.
	Address    string `json:"address,omitempty"`
	SnapshotID string `json:"snapshot_id,omitempty"`
	// Review is "open" for a version that was released, or exists, and that nobody has approved yet,
	// and "approved" where the run has seen that. It is absent where there are no reviews, and where the
	// version exists and the target was not asked for more.
	Review string `json:"review,omitempty"`
	// ReviewMessage is what the reviewer said of a version that was not approved.
	ReviewMessage string `json:"review_message,omitempty"`
	// Differs are all files in which the version that is there differs, for Drift, sorted
	// by name; absent where that is not known, and Reason says why.
	Differs []Difference `json:"differs,omitempty"`
	// Committed says whether all that is packed is as the commit has it, and Uncommitted are
	// the files that are not, sorted by name; both are absent where that is not known.
	Committed   *bool         `json:"committed,omitempty"`
	Uncommitted []Uncommitted `json:"uncommitted,omitempty"`
	// Images says what was copied of its images to mirrors, or in a dry run would be; absent where
	// no mirror is configured.
	Images   *Images   `json:"images,omitempty"`
	Findings []Finding `json:"findings"`
	// Silenced is the number of findings that comments in the extension silence;
	// they are not among Findings, nor are those of the baseline.
	Silenced int    `json:"silenced,omitempty"`
	Known    int    `json:"in_baseline,omitempty"`
	Error    *Error `json:"error"` // null unless a stage failed; an unverified extension may have one, too

	// AsAsked says whether it ended as the settings ask: what decides between
	// exit code 0 and 1.
	AsAsked bool `json:"-"`
	// Seen is what the plan saw of it in the target.
	Seen Seen `json:"-"`
}

// Target is what is known of an extension in one of the places that it is released to.
type Target struct {
	Name string `json:"name"` // as in the config and --target
	Kind string `json:"kind"`
	URL  string `json:"url,omitempty"` // where it is, without secrets; it may be a path
	// Outcome, Reason, Stages and the others are as those of an extension. The stages are those
	// that each target has: upload, push and verify.
	Outcome       Outcome      `json:"outcome"`
	Reason        string       `json:"reason,omitempty"`
	AsAsked       bool         `json:"as_asked"`
	Stages        []Stage      `json:"stages"`
	SnapshotID    string       `json:"snapshot_id,omitempty"`
	Previous      string       `json:"previous,omitempty"`
	Address       string       `json:"address,omitempty"`
	Review        string       `json:"review,omitempty"`
	ReviewMessage string       `json:"review_message,omitempty"`
	Differs       []Difference `json:"differs,omitempty"`
	Error         *Error       `json:"error"`

	// Seen is what the plan saw of it there.
	Seen Seen `json:"-"`
}

// How far the review of a version is.
const (
	ReviewOpen     = "open"     // nobody has approved it yet
	ReviewApproved = "approved" // users can install it
)

// Images counts the images of an extension by what became of them in mirrors.
type Images struct {
	Total    int   `json:"total"`
	There    int   `json:"there"`    // they were there
	Copied   int   `json:"copied"`   // or would be, in a dry run
	Replaced int   `json:"replaced"` // their tags were those of images with other platforms
	Bytes    int64 `json:"bytes"`    // that were sent; in a dry run, as many at most
}

// Uncommitted is a file of a package that is not as it was committed.
type Uncommitted struct {
	File string `json:"file"` // a slash path below the extension
	// State is "changed", "removed" (the commit alone has it), "untracked", "ignored", or
	// "line-ends" where CR LF and LF is all that differs.
	State string `json:"state"`
}

// Difference is a file in which a published version differs from the extension.
type Difference struct {
	// File is a slash path below the extension; one in a packaged subchart stands behind
	// its path and a "!": charts/redis-17.0.0.tgz!/values.yaml.
	File string `json:"file"`
	// Kind is "added" (the published version lacks it), "removed" (the published version
	// alone has it), "changed", or "line-ends" where CR LF and LF is all that differs.
	Kind string `json:"kind"`
	// Detail is a field of extension.yaml, or which picture the file is.
	Detail string `json:"detail,omitempty"`
}

// StageStatus is how far a stage came.
type StageStatus string

// A stage that is "started" in a finished document was cut off: if it writes,
// what it sent is in doubt. "planned" is what a plan leaves to its application.
const (
	StageStarted StageStatus = "started"
	StageOK      StageStatus = "ok"
	StagePlanned StageStatus = "planned"
	StageSkipped StageStatus = "skipped"
	StageFailed  StageStatus = "failed"
)

// Stage is one stage of one extension.
type Stage struct {
	Name         string      `json:"name"`
	Status       StageStatus `json:"status"`
	Milliseconds int64       `json:"milliseconds"`
}

// Hook is a command of the config that was run before or after a release.
type Hook struct {
	Stage        string      `json:"stage"`  // StageBefore or StageAfter
	Run          string      `json:"run"`    // as the config has it
	Status       StageStatus `json:"status"` // started, ok or failed
	Milliseconds int64       `json:"milliseconds"`
	// Message says why it failed, with the last lines of what it printed.
	Message string `json:"message,omitempty"`
}

// Package is the archive that is, or would be, sent.
type Package struct {
	Path string `json:"path,omitempty"` // where it was left; empty in a dry run
	Size int64  `json:"size"`           // bytes
	// SizeWithin is by how many bytes the size (or PushedSize) may change with
	// the real addresses of the assets; absent where it is exact.
	SizeWithin int64 `json:"size_within,omitempty"`
	Limit      int64 `json:"limit"` // bytes
	// PackedHard says that the archive was packed as small as can be, since it is near the limit.
	PackedHard    bool   `json:"packed_hard,omitempty"`
	Digest        string `json:"digest"`         // sha256:hex of the archive
	ContentDigest string `json:"content_digest"` // by which drift is seen
	// PushedSize is a forecast of the size with which it would be pushed, where
	// the archive has another form and that was asked for.
	PushedSize int64 `json:"pushed_size,omitempty"`

	// Where the bytes of the pushed form go, if it is near the limit or over it,
	// or if that was asked for: the files in it, the ten of them that take most,
	// and what would make it smaller.
	Files        int           `json:"files,omitempty"`
	Contributors []Contributor `json:"contributors,omitempty"`
	Advice       []Advice      `json:"advice,omitempty"`
	AdvisedSize  int64         `json:"advised_size,omitempty"` // with all advice followed
}

// Contributor is a file of the package. Sizes are in bytes.
type Contributor struct {
	File       string `json:"file"`
	Size       int64  `json:"size"`
	Compressed int64  `json:"compressed"` // its part of the package
	// Inside are the files that take most of a packed subchart, named as in there.
	Inside []Contributor `json:"inside,omitempty"`
}

// Advice is one way to make the package smaller.
type Advice struct {
	What  string `json:"what"`
	Saves int64  `json:"saves"` // bytes of the package
}

// Asset is an icon or screenshot.
type Asset struct {
	File   string `json:"file"`
	URL    string `json:"url,omitempty"`
	Size   int64  `json:"size"`
	Digest string `json:"digest"`
}

// Finding is one finding of lint, or of the size (RuleSize).
type Finding struct {
	// Code says what was found, as RULE/WHAT. It stays when the words of Message
	// change; docs/rules.md lists all.
	Code     string `json:"code"`
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	// EndColumn is the column behind the last character that it is about, in the same
	// line; 0 where that is not known.
	EndColumn int    `json:"end_column,omitempty"`
	Excerpt   string `json:"-"`
	// Fingerprint is the same for the same finding in another run, whatever its words
	// and its line: 16 hexadecimal digits. Within an extension a few may share one.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// Error is why an extension failed.
type Error struct {
	Stage   string `json:"stage"`
	Message string `json:"message"`
	Hint    string `json:"remedy,omitempty"`
}

// AsAsked says whether every extension ended as the settings ask.
func (r *Document) AsAsked() bool {
	for _, e := range r.Extensions {
		if !e.AsAsked {
			return false
		}
	}
	return true
}

// HasWork says whether the run sent anything, or a plan would: a version to a target, or images to
// a mirror.
func (r *Document) HasWork() bool {
	for _, x := range r.Extensions {
		if x.Outcome.isWork() || x.Images != nil && x.Images.Copied > 0 ||
			slices.ContainsFunc(x.Targets, func(t Target) bool { return t.Outcome.isWork() }) {
			return true
		}
	}
	return false
}

// isWork says that something was sent to end so, may have been, or is going to be.
func (o Outcome) isWork() bool { return o == Released || o == Planned || o == Unverified }

// Recount brings Totals in step with Extensions.
func (r *Document) Recount() { r.Totals = Totals(r.Extensions) }

// Totals counts the outcomes of extensions.
func Totals(extensions []Extension) map[Outcome]int {
	t := map[Outcome]int{}
	for _, o := range Outcomes() {
		if o != LeftOut { // which is for projects that have such a target
			t[o] = 0
		}
	}
	for _, e := range extensions {
		t[e.Outcome]++
	}
	return t
}
