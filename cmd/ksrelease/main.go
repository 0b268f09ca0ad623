// Command ksrelease releases the KubeSphere extensions of a monorepo.
//
// This package has the grammar of the command line, and each command in a file. What all of
// them start from is in internal/app.
package main

import (
	"errors"
	"io"
	"log"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/baseline"
	_ "github.com/ksrelease/ksrelease/internal/collector"
	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/completing"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/signals"
	"github.com/ksrelease/ksrelease/internal/worker"
)

// version is set by the linker; see the Makefile.
var version = ""

func main() {
	if worker.Asked() {
		serveWorker()
	}
	os.Exit(realMain())
}

// serveWorker looks at extensions for the process that has started this one.
func serveWorker(adjust ...func(*lint.Options)) {
	log.SetOutput(io.Discard)
	worker.Serve(os.Stdin, os.Stdout, adjust...)
}

func realMain(adjust ...func(*app.App)) int {
	// Helm's packages log remarks on values to the standard logger; what
	// matters of that is a finding of lint.
	log.SetOutput(io.Discard)

	// A reader that goes away (`ksrelease run | head`) must not end a release
	// halfway; what is written to it is lost, no more.
	signal.Ignore(syscall.SIGPIPE)

	app.LinkedVersion = version
	a := &app.App{Stdin: os.Stdin, Stdout: output.New(os.Stdout), Stderr: output.New(os.Stderr), Env: os.LookupEnv, UserCache: os.UserCacheDir}
	for _, f := range adjust {
		f(a)
	}
	// A terminal that is stopped, or a pipe that nobody reads, holds up no extension.
	defer output.Background(a.Stdout, a.Stderr)()
	if a.Stderr.IsTerminal() {
		signals.Stops(a.Stderr.Leave, a.Stderr.Forget)
	}
	ctx, signalled := signals.Context(func() bool { return a.Reads.Active() }, a.Exit)
	a.Stop = ctx
	code := execute(a, os.Args[1:])
	if by := signalled(); by != 0 && !a.StopIsEnd {
		return by
	}
	return code
}

// execute runs one command line and returns the exit code.
func execute(a *app.App, args []string) int {
	spoken, err := language.Choose(a.Env)
	language.Use(spoken)
	return a.Execute(args, func() error {
		if err != nil {
			return app.Usage(err, "set it to en or zh; without it, the language is that of the locale")
		}
		if completing.Answer(a, args, func() *kong.Application { return parserOf(a, &cli{}).Model }, completionWords) {
			return nil
		}
		parsed, err := readLine(a, partFor(args), args)
		if err != nil {
			parsed, err = readLine(a, &cli{}, args) // which knows what else there is
		}
		if err != nil {
			return err
		}
		return parsed.Run()
	})
}

// readLine reads a command line by a grammar: cli, or a part of it.
func readLine(a *app.App, commands any, args []string) (*kong.Context, error) {
	parser := parserOf(a, commands)
	words, err := commandline.Arrange(parser.Model, args)
	if err != nil {
		return nil, app.Usage(err, "")
	}
	parsed, err := parser.Parse(words)
	if err != nil {
		return nil, app.Usage(err, "see "+helpFor(err))
	}
	return parsed, nil
}

// parserOf reads command lines by a grammar.
func parserOf(a *app.App, commands any) *kong.Kong {
	parser, err := kong.New(commands, append(grammar(),
		kong.Writers(a.Stdout.Lines(), a.Stderr.Lines()),
		kong.Exit(func(code int) { panic(app.Exited(code)) }),
		kong.Bind(a),
	)...)
	if err != nil {
		panic(err) // the grammar is wrong; a test holds it
	}
	return parser
}

// partFor is the part of cli that a command line needs: the command that it begins with. Kong
// makes a model of all commands first, which takes 2 MB and a fifth of a start. Help and
// completion are about all of them.
func partFor(args []string) any {
	all := &cli{}
	if len(args) == 0 || slices.ContainsFunc(args, func(word string) bool { return strings.HasPrefix(word, "-h") || strings.HasPrefix(word, "--help") }) {
		return all
	}
	for field := range reflect.TypeFor[cli]().Fields() {
		if strings.ToLower(field.Name) == args[0] && !slices.Contains([]string{"Completion", "Help", "Man"}, field.Name) {
			field.Index, field.Offset = nil, 0
			return reflect.New(reflect.StructOf([]reflect.StructField{field})).Interface()
		}
	}
	return all
}

// grammar is how the command line is read and explained.
func grammar() []kong.Option {
	return []kong.Option{
		kong.Name("ksrelease"),
		kong.Description("Releases the KubeSphere extensions of a monorepo: declared in .ksrelease.yaml, checked as KubeSphere would, pushed, and seen in the Helm repository."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Help(commandline.PrintHelp),
		commandline.Translated(),
		kong.Vars{"stages": strings.Join(skippable(), ","), "shells": strings.Join(commandline.Shells, ","), "marketplace_addr": marketplace.DefaultAddr, "baseline": baseline.Name, "reports": report.Help()},
	}
}

// helpFor is the help of the command that was typed wrong.
func helpFor(err error) string {
	words := []string{"ksrelease"}
	var wrong *kong.ParseError
	if errors.As(err, &wrong) {
		for _, at := range wrong.Context.Path {
			if at.Command != nil {
				words = append(words, at.Command.Name)
			}
		}
	}
	return strings.Join(append(words, "--help"), " ")
}
