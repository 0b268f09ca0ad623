package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/doctor"
	"github.com/ksrelease/ksrelease/internal/doctor/checks"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/places"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/kscloud"
	"github.com/ksrelease/ksrelease/internal/transport"
)

type doctorCommand struct {
	app.Place
	app.Deadline
	app.CacheFlag
	app.LocalFlags
	Names             []string `arg:"" optional:"" name:"name" help:"Only these extensions of the repository."`
	Repository        string   `placeholder:"URL" help:"Look at this Helm repository alone; no config is read."`
	Depth             int      `default:"3" placeholder:"N" help:"How many versions the cluster keeps of each extension; 0: all; default: ${default}."`
	KubesphereVersion string   `name:"kubesphere-version" placeholder:"VERSION" help:"Version of KubeSphere in the cluster, such as 4.1.3."`
	KubernetesVersion string   `name:"kubernetes-version" placeholder:"VERSION" help:"Version of Kubernetes in the cluster, as kubectl version says it."`
	MaxDownloads      int      `default:"100" placeholder:"N" help:"Download at most so many packages; default: ${default}."`
	Output            string   `enum:"text,json" default:"text" help:"text or json."`
}

// Run replays what a cluster makes of the Helm repository, and checks what a release needs.
// What is known is printed, whatever ends it.
func (c *doctorCommand) Run(a *app.App) error {
	cluster := doctor.Cluster{
		Depth: c.Depth, KubeSphere: c.KubesphereVersion, Kubernetes: c.KubernetesVersion, Only: c.Names, Downloads: c.MaxDownloads,
	}
	if err := cluster.Validate(); err != nil {
		return app.Usage(err, "")
	}
	if c.Repository != "" && c.IsLocal() {
		return app.Usage(errors.New("--repository and --local name two repositories"), "give one of them")
	}
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	a.WarnOnStderr()
	a.Attempts = doctor.Attempts
	report := doctor.New(app.MadeBy())
	err := c.look(ctx, a, report, cluster)
	report.Print(a.Stdout, c.Output == "json", a.Redact.Text)
	switch {
	case err != nil:
		return err
	case checks.Unauthorized(report.Checks):
		return &app.OutcomeError{Code: app.ExitAuth}
	case report.IsWrong():
		return &app.OutcomeError{Code: app.ExitNotReleased}
	}
	return nil
}

// look fills in the report. An error is what kept it from looking at all.
func (c *doctorCommand) look(ctx context.Context, a *app.App, report *doctor.Report, cluster doctor.Cluster) error {
	var checker *checks.Checker
	if a.Stderr.IsTerminal() {
		cluster.Progress = func(done int) { a.Stderr.Status(output.Format("%d packages looked at", done)) }
		defer a.Stderr.Wipe()
	}
	links, err := c.foreign(a)
	if c.Repository == "" {
		checker, links, err = c.own(ctx, a, report)
		_, cluster.HasPassword = a.Env(places.RepositoryUser)
		cluster.HasPassword = cluster.HasPassword && !c.IsLocal()
	}
	if err != nil {
		return err
	}
	defer links.Close()
	cluster.URL = links.Places.Repository
	source, _ := links.Marketplace().(doctor.Source)
	if err := report.Run(ctx, checker, source, cluster); err != nil {
		return &graceful.CutError{Err: fmt.Errorf("%w before all was looked at", context.Cause(ctx))}
	}
	if checker != nil {
		return checker.Project.Err
	}
	return nil
}

// own connects to the repository of the config, or to the local one, and gathers what is
// checked. What fails here is in the report, too.
func (c *doctorCommand) own(ctx context.Context, a *app.App, report *doctor.Report) (*checks.Checker, *app.Clients, error) {
	checker := &checks.Checker{}
	p, err := c.Open(ctx, a)
	if err != nil {
		report.Fail(ctx, checker, checks.NameConfig, err)
		return nil, nil, err
	}
	checker.Project = checks.Project{
		File: p.Config.File, Root: p.Root, Output: p.Config.Defaults.Package.Output, Limit: p.Config.Defaults.Size.Limit,
	}
	if p.Config.File != "" {
		sources, err := p.Sources(ctx, nil)
		checker.Project.Extensions, checker.Project.Err = len(sources), err
		for _, s := range sources {
			checker.Project.Names = append(checker.Project.Names, naming.GuessName(s.Path))
		}
	}
	links, err := c.DialAll(ctx, a, p, app.TargetFlags{})
	if err != nil {
		name := checks.NameKey
		switch {
		case c.IsLocal():
			name = checks.NameMarketplace
		case p.Config.NamesTargets:
			name = checks.NameTarget
		}
		report.Fail(ctx, checker, name, err)
		return nil, nil, err
	}
	servers, err := p.Servers()
	if err != nil {
		links.Close()
		return nil, nil, err
	}
	checker.Places, checker.Targets = links.Places, doctor.Besides(links.Targets(), checker.Project.Names)
	checker.Web = transport.New(transport.Options{UserAgent: app.UserAgent(), Attempts: 1, Patience: time.Second, Dial: a.Connect, Servers: servers})
	return checker, links, nil
}

// foreign connects to a Helm repository that no config names; nil where none is asked for.
// Nobody's user and password are sent to it but those in its address.
func (c *doctorCommand) foreign(a *app.App) (*app.Clients, error) {
	if c.Repository == "" {
		return nil, nil
	}
	at, err := transport.ParseServer("--repository", c.Repository)
	if err != nil {
		return nil, app.Usage(err, "such as --repository https://charts.example.com")
	}
	if password, ok := at.User.Password(); ok {
		a.Redact.Add(password)
	}
	web := transport.New(transport.Options{UserAgent: app.UserAgent(), Attempts: doctor.Attempts, Dial: a.Connect, Warn: a.Warnings.Add})
	repository, err := kscloud.New(kscloud.Options{
		RepositoryURL: at.String(), RepositorySetting: "--repository", PasswordRefused: "write user and password into the address: https://USER:PASSWORD@HOST",
		Transport: web, UserAgent: app.UserAgent(),
	})
	if err != nil {
		return nil, app.Usage(err, "")
	}
	return app.ClientsOf(target.Marketplace(repository), checks.Places{Repository: at.String()}, web.Close), nil
}
