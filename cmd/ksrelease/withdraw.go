package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/withdrawal"
)

// release names one version of one extension on the command line.
type released struct {
	Name, Version string
}

// UnmarshalText reads NAME@VERSION.
func (r *released) UnmarshalText(text []byte) error {
	name, version, ok := strings.Cut(string(text), "@")
	if !ok || name == "" || version == "" {
		return fmt.Errorf("%q: write NAME@VERSION, such as alc@1.2.0", text)
	}
	r.Name, r.Version = name, version
	return nil
}

func (r released) String() string { return r.Name + "@" + r.Version }

type withdrawCommand struct {
	app.Place
	app.CacheFlag
	app.LocalFlags
	Release released `arg:"" name:"name@version" help:"The version to take back."`
	Message string   `may-be-empty:"" default:"withdrawn with ksrelease" help:"The message to the reviewers."`
}

// Run takes a submission back and makes sure that it is.
func (c *withdrawCommand) Run(a *app.App) error {
	p, err := c.Open(a.Stop, a)
	if err != nil {
		return err
	}
	p.WarnAbove()
	at := c.ForReading()
	if at != app.Configured && marketplace.Exists(c.Folder(p)) {
		at = app.Local // a withdrawal writes, where there is anything to withdraw
	}
	options := app.DialOptions{At: at, Dir: c.Folder(p), Parallelism: p.Config.Parallelism}
	if at == app.Configured {
		market, ok := p.Marketplace()
		if !ok {
			return app.Usage(errors.New("no target of the config is a marketplace, and no other takes a version back"), "")
		}
		options.Targets = []string{market.Name}
	}
	links, err := a.Dial(a.Stop, p, options)
	if err != nil {
		return err
	}
	defer links.Close()
	a.WarnOnStderr()
	if !links.HasKey() {
		return target.ErrNoToken
	}
	said, err := withdrawal.Take(a.Stop, links.Target, links.Name, c.Release.Name, c.Release.Version, c.Message)
	if err == nil {
		a.Stdout.Print("%s", said)
	}
	return err
}
