package proof

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
)

// words says in a few words what came of a proof.
func (r Result) words() string {
	switch r.Verdict {
	case Reproduced:
		return "reproduced: the commit gives the same bytes"
	case SameFiles:
		return "the same files, in another archive: another version of ksrelease or of another tool made it"
	case SameContent:
		return "the same content, packed by another tool"
	case Differs:
		return "DIFFERS from what the commit gives"
	}
	return "NOT PROVED"
}

// mostShown is how many files are named of one version.
const mostShown = 20

// Text prints results.
func Text(to *output.Stream, all []Result) {
	for i, r := range all {
		if i > 0 {
			to.Print("")
		}
		to.Print("%s: %s", output.Name(strings.TrimSpace(r.Name+" "+r.Version)), r.words())
		if r.Digest != "" {
			to.Print("  %s %s, %s, %s", output.Noun("package").Fit(8), r.From, r.Digest, unpack.Size(r.Size))
		} else {
			to.Print("  %s %s", output.Noun("package").Fit(8), r.From)
		}
		if r.Revision != "" {
			to.Print("  %s %s%s", output.Noun("commit").Fit(8), git.Short(r.Revision), r.committed())
		}
		if r.Path != "" {
			to.Print("  %s %s", output.Word("built of").Fit(8), r.Path)
		}
		if s := r.Signed; s != nil {
			if s.By != "" {
				to.Print("  %s %s", output.Word("signed").Fit(8), output.Format("by %s", s.By))
			}
			if s.Key != "" {
				to.Print("  %s %s", output.Word("signed").Fit(8), output.Format("by the key of %s", s.Key))
			}
			if s.Error != nil {
				to.Print("  NOT SIGNED: %s", s.Error.Message)
				if s.Error.Hint != "" {
					to.Print("  → %s", output.Name(language.Hint(s.Error.Hint)))
				}
			}
		}
		for n, d := range r.Differs {
			if n == mostShown {
				to.Print("  and %d more; --output json has them all", len(r.Differs)-n)
				break
			}
			to.Print("  %s", differs(d.File, string(d.Kind), d.Detail))
		}
		if r.Error != nil {
			to.Print("  %s %s", output.Noun("cause").Fit(8), output.Name(language.Hint(r.Error.Message)))
			if r.Error.Hint != "" {
				to.Print("  → %s", output.Name(language.Hint(r.Error.Hint)))
			}
		} else if r.Verdict == Differs && r.Committed != nil && !*r.Committed {
			to.Print("  → what was not committed then is known to nobody: release again from a clean tree, with push.dirty: fail")
		}
	}
}

// committed says what the package says of its work tree.
func (r Result) committed() string {
	switch {
	case r.Committed == nil:
		return ""
	case *r.Committed:
		return ", all of it committed"
	}
	return ", with files that were not committed"
}

// differs says how a file differs, as whoever looks at the published package sees it.
func differs(file, kind, detail string) string {
	if detail != "" {
		file += " (" + detail + ")"
	}
	switch kind {
	case "added":
		return fmt.Sprintf("%s is missing in the published package", file)
	case "removed":
		return fmt.Sprintf("%s is in the published package alone", file)
	case "line-ends":
		return fmt.Sprintf("%s differs in line ends only", file)
	}
	return fmt.Sprintf("%s differs", file)
}

// Redact takes secrets out of results.
func Redact(all []Result, text func(string) string) {
	for i := range all {
		r := &all[i]
		r.From = text(r.From)
		if r.Error != nil {
			r.Error = &Failure{text(r.Error.Message), text(r.Error.Hint)}
		}
		if r.Signed != nil && r.Signed.Error != nil {
			r.Signed.Error = &Failure{text(r.Signed.Error.Message), text(r.Signed.Error.Hint)}
		}
		for j := range r.Differs {
			r.Differs[j].Detail = text(r.Differs[j].Detail)
		}
	}
}
