package commandline

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// AskedReports are the reports that a command line asks for, whatever else is wrong with
// it. A report is replaced even then: whoever reads it would take the one of an earlier
// run for that of this one.
type AskedReports struct {
	Command string   // run, lint, package or report
	Dir     string   // -C, if the command did not get as far as going there
	Files   []string // as they were written
}

// ReportsAsked reads the words of a command line one by one, since the parser stops at
// the first that it does not know.
func ReportsAsked(args []string) AskedReports {
	var asked AskedReports
	commands := []string{"run", "lint", "package", "report"}
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		name, value, given := strings.Cut(args[i], "=")
		if strings.HasPrefix(name, "-C") && len(name) > 2 {
			name, value, given = "-C", strings.TrimPrefix(args[i], "-C"), true
		}
		switch name {
		case "--report", "-C", "--dir":
			if !given && i+1 < len(args) {
				i++
				value = args[i]
			}
			if name == "--report" {
				asked.Files = append(asked.Files, kong.SplitEscaped(value, ',')...)
			} else {
				asked.Dir = value
			}
		case "--dry-run":
			if asked.Command == "" {
				asked.Command = "run"
			}
		}
		if slices.Contains(commands, name) && !slices.Contains(commands, asked.Command) {
			asked.Command = name
		}
	}
	return asked
}
