package commandline

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/failure"
)

// pets is a grammar that is not that of ksrelease: nothing here knows a command.
type pets struct {
	Run struct {
		Dir    string   `short:"C" placeholder:"DIR"`
		Only   []string `placeholder:"NAME"`
		DryRun bool
		Quiet  bool     `short:"q"`
		Loud   bool     `short:"l"`
		Say    string   `may-be-empty:""`
		Ask    string   `value-optional:"" placeholder:"RULE"`
		Kind   string   `enum:"cat,dog" default:"cat"`
		Paths  []string `arg:"" optional:"" name:"path"`
	} `cmd:"" aliases:"go"`
	Zoo struct {
		Open struct {
			Release string `arg:"" name:"name@version"`
		} `cmd:""`
	} `cmd:""`
}

func model(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := kong.New(&pets{}, kong.Name("pets"))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

func TestArrange(t *testing.T) {
	grammar := model(t)
	for line, want := range map[string]string{
		"":                           "--help",
		"help":                       "--help",
		"--version":                  "version",
		"run":                        "run",
		"run a -q b":                 "run -q -- a b",
		"a":                          "-- a",
		"-C d run a --only x b":      "run -C d --only x -- a b",
		"-Cd go a":                   "go -Cd -- a",
		"run -qlC d a":               "run -q -l -C d -- a",
		"run --only=x a":             "run --only=x -- a",
		"--dry-run a":                "run --dry-run -- a",
		"-q --dry-run":               "run -q --dry-run",
		"--dry-run --dry-run=false":  "",
		"a --dry-run":                "-- a",
		"run -- --only":              "run -- --only",
		"run - a":                    "run -- - a",
		"run --ask -q":               "run --ask -q",
		"run --ask x y":              "run --ask x -- y",
		"run --bogus a b":            "run --bogus a b",
		"run -qx a":                  "run -x a",
		"zoo open a@1":               "zoo open -- a@1",
		"zoo":                        "zoo",
		"-C d":                       "",
		"run --only":                 "run --only",
		"run run":                    "run -- run",
		"zoo a open":                 "zoo -- a open",
		"run --only x --only y a -q": "run --only x --only y -q -- a",
	} {
		got, err := Arrange(grammar, strings.Fields(line))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v; want %s", line, got, err, want)
		}
	}
}

func TestEmptyValues(t *testing.T) {
	grammar := model(t)
	for _, test := range []struct {
		args []string
		want string // the error; "" for none
	}{
		{[]string{"run", "--only", ""}, "--only names no extension"},
		{[]string{"run", "--only", "", "-C", ""}, "--only names no extension"},
		{[]string{"run", "--only= , "}, "--only names no extension"},
		{[]string{"run", "--only", "a,,b"}, `--only "a,,b": item 2 of it names no extension`},
		{[]string{"run", "-C", " "}, "-C names no folder"},
		{[]string{"run", "a", ""}, `the path "" names no extension`},
		{[]string{"zoo", "open", ""}, `the name@version "" names no version`},
		{[]string{"zoo", ""}, ""}, // kong refuses the argument
		{[]string{"run", "--say", ""}, ""},
		{[]string{"run", "--kind", ""}, ""}, // kong knows the words
		{[]string{"run", "--ask", ""}, "--ask names no rule"},
		{[]string{"run", "--only", "", "--bogus"}, ""}, // kong refuses the flag
	} {
		_, err := Arrange(grammar, test.args)
		var empty *EmptyValueError
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%q: %v", test.args, err)
		case test.want != "" && (!errors.As(err, &empty) || err.Error() != test.want || failure.Hint(err) == ""):
			t.Errorf("%q: %v", test.args, err)
		}
	}
}

func TestFlagNames(t *testing.T) {
	var grammar struct {
		Plain string `aliases:"simple" short:"p"`
		Color bool   `negatable:""`
		Shade bool   `negatable:"light"`
	}
	parser, err := kong.New(&grammar)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range parser.Model.Flags {
		got = append(got, FlagNames(f)...)
	}
	if want := []string{"-h", "--help", "-p", "--plain", "--simple", "--color", "--no-color", "--shade", "--light"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
