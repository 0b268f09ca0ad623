package main

import (
	"bytes"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/explaining"
)

type completionCommand struct {
	Shell string `arg:"" name:"bash|zsh|fish|powershell" enum:"${shells}" help:"The shell to print it for."`
}

// Help says how the script gets into each shell.
func (c *completionCommand) Help() string {
	return `bash, for this session or, in ~/.bashrc, for all:

    source <(ksrelease completion bash)

bash 3.2, that of macOS, cannot read it that way:

    eval "$(ksrelease completion bash)"

zsh, in ~/.zshrc after compinit, or as a file named _ksrelease in a folder of $fpath:

    source <(ksrelease completion zsh)

fish, for this session, or for all:

    ksrelease completion fish | source
    ksrelease completion fish > ~/.config/fish/completions/ksrelease.fish

PowerShell, for this session or, in the file of $PROFILE, for all:

    ksrelease completion powershell | Out-String | Invoke-Expression

Scripts ask the program for the names of the extensions, which it reads from the project.`
}

// Run prints the completion script. It is made of the grammar that kong has
// read, so that it cannot fall behind the commands.
func (c *completionCommand) Run(a *app.App, parser *kong.Kong) error {
	var script bytes.Buffer
	err := commandline.WriteCompletion(&script, c.Shell, parser.Model, completionWords(parser.Model))
	if err != nil {
		return err
	}
	a.Stdout.Own(script.Bytes())
	return nil
}

// completionWords are the words that complete a value, by what the help calls it.
func completionWords(model *kong.Application) map[string][]string {
	words := map[string][]string{"RULE": explaining.RuleNames()}
	for _, command := range model.Children {
		if !command.Hidden {
			words["command"] = append(words["command"], command.Name)
		}
	}
	return words
}
