package gitlab

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/results"
)

// What GitLab takes of a file of variables (app/services/ci/parse_dotenv_artifact_service.rb, and
// its page "GitLab CI/CD artifacts reports types"): less than 5 KB, 20 variables, and in each
// line a name, "=" and a value. One line of another form refuses the whole file, and fails the
// upload with it.
const (
	mostBytes = 5<<10 - 1
	mostNames = 1000 // bytes of a list of extensions, so that all four fit
)

// plain is what may stand in a value: GitLab may expand "$" in it later, keeps quotes, and
// takes blanks off at both ends.
var plain = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)

// Dotenv is what came of a run as variables of later jobs:
//
//	KSRELEASE_AS_ASKED=true
//	KSRELEASE_RELEASED=2
//	KSRELEASE_RELEASED_NAMES=alc@1.2.0,bee@1.0.0
//
// A list of names that is too long ends earlier; the number counts all.
func Dotenv(r *results.Document) ([]byte, error) {
	var b strings.Builder
	set := func(name, value string) { fmt.Fprintf(&b, "KSRELEASE_%s=%s\n", name, value) }
	set("AS_ASKED", fmt.Sprint(r.Error == nil && r.Finished != nil && r.AsAsked()))
	if plain.MatchString(r.Command) {
		set("COMMAND", r.Command)
	}
	set("DRY_RUN", fmt.Sprint(r.DryRun))
	set("EXTENSIONS", fmt.Sprint(len(r.Extensions)))
	notAsAsked := 0
	for _, x := range r.Extensions {
		if !x.AsAsked {
			notAsAsked++
		}
	}
	set("NOT_AS_ASKED", fmt.Sprint(notAsAsked))
	for _, o := range []results.Outcome{results.Released, results.Planned, results.Exists, results.Failed} {
		name := strings.ToUpper(string(o))
		var names []string
		size, count := 0, 0
		for _, x := range r.Extensions {
			if x.Outcome != o {
				continue
			}
			count++
			if id := x.Name + "@" + x.Version; plain.MatchString(x.Name) && plain.MatchString(x.Version) && size+len(id) < mostNames {
				names = append(names, id)
				size += len(id) + len(",")
			}
		}
		set(name, fmt.Sprint(count))
		if len(names) > 0 {
			set(name+"_NAMES", strings.Join(names, ","))
		}
	}
	if b.Len() > mostBytes {
		return nil, fmt.Errorf("writing variables for GitLab: %d bytes are more than it takes", b.Len())
	}
	return []byte(b.String()), nil
}
