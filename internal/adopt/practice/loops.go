package practice

import (
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/adopt/shellscript"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// iteration is what a loop goes over.
type iteration string

const (
	overChanges iteration = "each changed file"
	overFolders iteration = "each folder"
	overFiles   iteration = "each folder with an extension.yaml"
	overImages  iteration = "each image of extension.yaml"
	overNames   iteration = "each name in a title, comment or message"
	overPacked  iteration = "each archive"
	overOther   iteration = "each of a list"
)

var (
	changedFiles = lazyregexp.New(`git[^\n|;]*\bdiff\b[^\n|;]*--name-(only|status)|git[^\n|;]*\b(show|log|diff-tree)\b[^\n|;]*--name-only|changed[-_]files|all_changed|ALL_CHANGED|CHANGED_FILES|modified_files`)
	imageLists   = lazyregexp.New(`\.images\b|\['images'\]|images\[\]`)
	archives     = lazyregexp.New(`\.tgz\b|\.tar\.gz\b`)
	titles       = lazyregexp.New(`pull_request\.title|comment\.body|head_commit\.message|MERGE_REQUEST_TITLE|CI_COMMIT_(TITLE|MESSAGE)|CHANGE_TITLE|COMMENT_BODY|(PR|MR|PULL_REQUEST)_(TITLE|BODY)|ghprbCommentBody|ghprbPullTitle|git log [^\n|;]*(%s|%B)`)
	metadata     = lazyregexp.New(`extension\.yaml`)
	folders      = lazyregexp.New(`\*/|/\*|^\*$|-type d|\bls\b|-maxdepth`)
)

// kindOf says what a loop goes over: by what is written there, else by what that was made of.
func kindOf(l shellscript.Loop) iteration {
	for _, text := range []string{l.Over, l.Origin} {
		switch {
		case changedFiles.MatchString(text):
			return overChanges
		case imageLists.MatchString(text):
			return overImages
		case titles.MatchString(text):
			return overNames
		case archives.MatchString(l.Over):
			return overPacked
		case metadata.MatchString(l.Over):
			return overFiles
		case folders.MatchString(l.Over):
			return overFolders
		}
	}
	return overOther
}

// within reports whether a command is in a loop of a kind.
func within(c shellscript.Command, kind iteration) bool {
	for _, l := range c.Loops {
		if kindOf(l) == kind {
			return true
		}
	}
	return false
}

// overOf is what a command is repeated for, in words, by its system and by loops around it.
func overOf(repeated string, c shellscript.Command) string {
	var all []string
	if repeated != "" {
		all = append(all, repeated)
	}
	for _, l := range c.Loops {
		what := string(kindOf(l))
		if kindOf(l) == overChanges && takesFolder(c) {
			what = "the folder of each changed file"
		}
		if !slices.Contains(all, what) {
			all = append(all, what)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "for " + strings.Join(all, ", and for ")
}

// takesFolder reports whether a command gets the folder of what a loop goes over.
func takesFolder(c shellscript.Command) bool {
	text := c.Origin
	for _, l := range c.Loops {
		text += "\n" + l.Origin
	}
	return has(text, "dirname", "%/*", "cut -d/", "cut -d '/'", "cut -d\"/\"", "awk -F/", "awk -F '/'", "dir_names")
}

// verb is what is done to extensions: what is said where one is passed over, and where it is done again.
type verb struct{ not, often string }

var (
	linted   = verb{"a changed file in a subfolder, such as charts/x/templates/a.yaml, is in no folder with an extension.yaml: its extension is not linted", "an extension is linted once for each of its files that changed"}
	packed   = verb{"a changed file in a subfolder, such as charts/x/templates/a.yaml, is in no folder with an extension.yaml: its extension is not packed", "an extension is packed once for each of its files that changed"}
	lookedAt = verb{"a changed file in a subfolder, such as charts/x/templates/a.yaml, is in no folder with an extension.yaml: its extension is not looked at", "an extension is looked at once for each of its files that changed"}
	copied   = verb{"a changed file in a subfolder, such as charts/x/templates/a.yaml, is in no folder with an extension.yaml: its extension is not copied", "an extension is copied once for each of its files that changed"}
	sent     = verb{"a changed file in a subfolder, such as charts/x/templates/a.yaml, is in no folder with an extension.yaml: its extension is not sent", "an extension is sent once for each of its files that changed"}
)

// ofChangedFolders is what goes wrong where scripts go from changed files to folders.
func ofChangedFolders(c shellscript.Command, is verb) []string {
	if !within(c, overChanges) {
		return nil
	}
	var wrong []string
	if has(c.Origin, "dirname", "%/*") {
		wrong = append(wrong, is.not)
	}
	unique := false
	for _, l := range c.Loops {
		unique = unique || has(l.Origin, "sort -u", "uniq", "dir_names")
	}
	if !unique {
		wrong = append(wrong, is.often)
	}
	return wrong
}

// ofFailures is what goes wrong with failures in a loop.
func ofFailures(c shellscript.Command) []string {
	switch {
	case c.Ignored:
		return []string{"its failure is ignored (|| true)"}
	case len(c.Loops) == 0 || c.Tested:
		return nil
	case c.StopsOnError:
		return []string{"the first failure ends the loop: nothing is known of what comes after it"}
	}
	return []string{"only the last one decides whether the step fails: failures before it go unseen"}
}
