package main

import (
	"slices"

	"github.com/ksrelease/ksrelease/internal/account"
	"github.com/ksrelease/ksrelease/internal/manual"
	"github.com/ksrelease/ksrelease/internal/previewing"
	"github.com/ksrelease/ksrelease/internal/projectbundle"
	"github.com/ksrelease/ksrelease/internal/projectcache"
	"github.com/ksrelease/ksrelease/internal/projectimages"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/pipeline"
)

// cli is the grammar of the command line.
type cli struct {
	Run         runCommand                    `cmd:"" help:"Plan, then release. With --dry-run, plan only."`
	Plan        planCommand                   `cmd:"" help:"Divide what a run would release among jobs of CI."`
	Check       checkCommand                  `cmd:"" help:"Read the config and every extension.yaml, offline, and report all problems at once."`
	Lint        lintCommand                   `cmd:"" help:"Hold the extensions to the rules of KubeSphere and report all findings."`
	Package     packageCommand                `cmd:"" help:"Lint and pack: leaves NAME-VERSION.tgz and its checksum in the output directory."`
	Init        initCommand                   `cmd:"" help:"Find the extensions of a repository and write a .ksrelease.yaml."`
	Adopt       adoptCommand                  `cmd:"" help:"Explain how CI files and scripts release extensions, and write the config and workflow that replace them."`
	Changes     changesCommand                `cmd:"" help:"Show which extensions changed since a commit, or since what is published, and whether their versions did."`
	Status      statusCommand                 `cmd:"" help:"Show versions here, in the marketplace and in the Helm repository, and what a run would do."`
	Diff        diffCommand                   `cmd:"" help:"Show what an administrator will notice: objects, values, images, rights, definitions, texts."`
	Preview     previewing.Command            `cmd:"" help:"Write a page of how KubeSphere shows the extensions, next to what is published, with findings, sizes and differences."`
	Tag         tagCommand                    `cmd:"" help:"Make the missing git tags of released versions, annotated, all of them or none."`
	Prove       proveCommand                  `cmd:"" help:"Build what is published again from the commit that it names, and compare to the byte."`
	Bump        bumpCommand                   `cmd:"" help:"Give extensions their next version: extension.yaml, subcharts, CHANGELOG, constraints of dependents."`
	Notes       notesCommand                  `cmd:"" help:"Print the release notes of a version: its section in the CHANGELOG, in each language."`
	Doctor      doctorCommand                 `cmd:"" help:"Show what a cluster makes of the Helm repository, and check what a release needs."`
	Bundle      projectbundle.BundleCommand   `cmd:"" help:"Write extensions, their pictures and images to one file, for a network without a way out; list and verify such files."`
	Unbundle    projectbundle.UnbundleCommand `cmd:"" help:"Bring a bundle to targets and a registry on the other side."`
	Images      projectimages.Commands        `cmd:"" help:"The container images that the extensions need: list them, ask registries for them, copy them to a mirror."`
	Report      reportCommand                 `cmd:"" help:"Print the result of a run from its journal, and write other reports of it; report merge, of several runs."`
	Withdraw    withdrawCommand               `cmd:"" help:"Take a submission back: it is a draft again."`
	Login       account.LoginCommand          `cmd:"" help:"Keep the API key of a marketplace."`
	Logout      account.LogoutCommand         `cmd:"" help:"Drop the API key of a marketplace."`
	Whoami      account.WhoamiCommand         `cmd:"" help:"Ask the marketplace whose API key a run would use, and say where that was found."`
	Schema      schemaCommand                 `cmd:"" help:"Print the JSON Schema of .ksrelease.yaml, or of what is printed as JSON."`
	Cache       projectcache.Commands         `cmd:"" help:"What commands keep for later ones: show it, and remove it."`
	Marketplace marketplaceCommand            `cmd:"" help:"The local marketplace: serve it, approve and reject what was submitted to it."`
	Help        helpCommand                   `cmd:"" help:"Print the help of a command."`
	Version     versionCommand                `cmd:"" help:"Print the version."`
	Man         manual.Command                `cmd:"" help:"Write the manual pages."`
	Completion  completionCommand             `cmd:"" help:"Print the completion script of a shell."`
}

// skippable are the stages that --skip takes: without a package there is
// nothing to send.
func skippable() []string {
	return slices.DeleteFunc(pipeline.StageNames(), func(s string) bool { return s == results.StagePackage })
}
