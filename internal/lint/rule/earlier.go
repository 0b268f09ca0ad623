package rule

import "github.com/ksrelease/ksrelease/internal/extension"

// Earlier is an extension as it was at some point, against which rules hold what it is now. It
// goes to the worker that lints the extension, so it is data alone.
type Earlier struct {
	// Of is what that point is known by, in words for a message: "main", "the tag web/v1.2.0".
	Of string
	// Version is the one that it had; empty where it was not there.
	Version string
	// Differs are the files whose content is another today, sorted. It is empty where the
	// content is the same: settings of ksrelease and line ends are no content.
	Differs []string
	// Between are the versions that it had between then and now, if any, the oldest first.
	Between []string
	// Before are versions that it had before then with other content, and where that is seen.
	Before []Past
	// Files are its files, as extension.Extension has them, for rules that compare content; nil
	// where only the rest is known.
	Files []extension.File
}

// Past is a version that an extension had once.
type Past struct {
	Version string
	Where   string // in words for a message: "in commit 12ab34cd56ef", "the tag web/v1.2.0"
}

// Earlier is what a rule that compares holds the extension against. It is never nil.
func (p *Pass) Earlier() *Earlier {
	if !p.Rule.Compares {
		panic("the rule compares with an earlier version, and does not declare it")
	}
	return p.Since
}
