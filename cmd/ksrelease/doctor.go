package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/doctor"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target/kscloud"
	"github.com/ksrelease/ksrelease/internal/transport"
)

type doctorCommand struct {
	place
	deadline
	localFlags
	Names             []string `arg:"" optional:"" name:"name" help:"Only these extensions of the repository."`
	Repository        string   `placeholder:"URL" help:"Look at this Helm repository alone; no config is read."`
	Depth             int      `default:"3" placeholder:"N" help:"How many versions the cluster keeps of each extension; 0: all; default: ${default}."`
	KubesphereVersion string   `name:"kubesphere-version" placeholder:"VERSION" help:"Version of KubeSphere in the cluster, such as 4.1.3."`
	KubernetesVersion string   `name:"kubernetes-version" placeholder:"VERSION" help:"Version of Kubernetes in the cluster, as kubectl version says it."`
	MaxDownloads      int      `default:"100" placeholder:"N" help:"Download at most so many packages; default: ${default}."`
	Output            string   `enum:"text,json" default:"text" help:"text or json."`
}

// maxDoctorBytes is how much doctor downloads at most.
const maxDoctorBytes = 512 << 20

// Run replays what a cluster makes of the Helm repository.
func (c *doctorCommand) Run(a *app) error {
	if err := c.valid(); err != nil {
		return err
	}
	ctx, cancel := c.begin(a.stop)
	defer cancel()
	a.warnOnStderr()
	report := &doctor.Report{
		SchemaVersion: 1, Command: "doctor", Tool: results.Tool{Name: "ksrelease", Version: programVersion()},
		Time: time.Now().UTC().Truncate(time.Second), Checks: []doctor.Check{},
	}
	source, cluster, err := c.source(ctx, a)
	if err != nil {
		return err
	}
	defer source.close()
	report.Repository, err = doctor.Replay(ctx, source.Target.(doctor.Source), cluster)
	if err != nil {
		err = &graceful.CutError{Err: fmt.Errorf("%w before all was looked at", context.Cause(ctx))}
	}
	report.Count()
	report.Redact(a.redact.Text)
	if c.Output == "json" {
		a.stdout.JSON(report, "  ")
	} else {
		a.stdout.Print("%s", report.Text(a.stdout.Columns()))
	}
	switch {
	case err != nil:
		return err
	case report.Unauthorized():
		return &outcomeError{code: exitAuth}
	case report.Totals.Failed+report.Totals.Errors > 0:
		return &outcomeError{code: exitNotReleased}
	}
	return nil
}

// valid judges the flags.
func (c *doctorCommand) valid() error {
	for _, v := range []struct{ flag, version string }{{"--kubesphere-version", c.KubesphereVersion}, {"--kubernetes-version", c.KubernetesVersion}} {
		if _, err := semver.NewVersion(v.version); v.version != "" && err != nil {
			return usage(fmt.Errorf("%s %q is no version", v.flag, v.version), "such as "+v.flag+" 1.30.2")
		}
	}
	switch {
	case c.Depth < 0 || c.MaxDownloads < 0:
		return usage(errors.New("--depth and --max-downloads take no negative number"), "")
	case c.Repository != "" && c.isLocal():
		return usage(errors.New("--repository and --local name two repositories"), "give one of them")
	}
	return nil
}

// source connects to the repository: that of the config, or one of others.
func (c *doctorCommand) source(ctx context.Context, a *app) (*clients, doctor.Cluster, error) {
	cluster := doctor.Cluster{
		Depth: c.Depth, KubeSphere: c.KubesphereVersion, Kubernetes: c.KubernetesVersion, Only: c.Names,
		Downloads: c.MaxDownloads, Bytes: maxDoctorBytes, Parallelism: 4,
	}
	if c.Repository != "" {
		u, err := transport.ParseServer("--repository", c.Repository)
		if err != nil {
			return nil, cluster, usage(err, "such as --repository https://charts.example.com")
		}
		links, err := a.dialRepository(u)
		cluster.URL, cluster.HasPassword = c.Repository, u.User != nil
		return links, cluster, err
	}
	p, err := c.open(ctx, a)
	if err != nil {
		return nil, cluster, err
	}
	links, err := a.dial(ctx, p, whereIf(c.isLocal()), c.dir(p), cluster.Parallelism)
	if err != nil {
		return nil, cluster, err
	}
	cluster.URL = links.repository
	_, cluster.HasPassword = a.env(repositoryUser)
	cluster.HasPassword = cluster.HasPassword && !c.isLocal()
	return links, cluster, nil
}

// dialRepository connects to a Helm repository that no config names. Nobody's user and
// password are sent to it but those in its address.
func (a *app) dialRepository(at *url.URL) (*clients, error) {
	if password, ok := at.User.Password(); ok {
		a.redact.Add(password)
	}
	web := transport.New(transport.Options{UserAgent: userAgent(), Attempts: doctor.Attempts, Dial: a.connect, Warn: a.warnings.Add})
	target, err := kscloud.New(kscloud.Options{
		RepositoryURL: at.String(), PasswordRefused: "write user and password into the address: https://USER:PASSWORD@HOST",
		Transport: web, UserAgent: userAgent(),
	})
	if err != nil {
		return nil, usage(err, "")
	}
	return &clients{Target: target, name: "the Helm repository", repository: at.String(), close: web.Close}, nil
}
