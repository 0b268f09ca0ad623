// Package account has the commands about the API key of a marketplace: to keep it, to drop it, and to ask
// whose it is.
package account

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/cloud"
	"github.com/ksrelease/ksrelease/internal/credentials"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/signals"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// at are the flags that say which marketplace is meant.
type at struct {
	app.Place
	Server string `placeholder:"URL" help:"Address of the marketplace; default: cloud.server of the config, or KubeSphere Cloud."`
}

// server is the address that was given, else that of the config.
func (c at) server(a *app.App) (string, *app.Project, error) {
	p, err := c.Open(a.Stop, a)
	if err != nil {
		return "", nil, err
	}
	p.WarnAbove()
	if c.Server == "" {
		if _, ok := p.Marketplace(); !ok {
			return "", nil, app.Usage(errors.New("no target of the config is a marketplace, and no other is logged in to"),
				"others take KSRELEASE_NAME_USERNAME and KSRELEASE_NAME_PASSWORD, or KSRELEASE_NAME_TOKEN, by the name of the target; or name a marketplace with --server URL")
		}
		return p.Config.Cloud.Server, p, nil
	}
	if _, err := transport.ParseServer("--server", c.Server); err != nil {
		return "", nil, app.Usage(err, "such as --server https://apis.kubesphere.cloud")
	}
	return c.Server, p, nil
}

// LoginCommand is the command login.
type LoginCommand struct {
	at
	TokenStdin bool `help:"Read the API key from standard input."`
}

// Run asks for the key, tries it, and keeps it.
func (c *LoginCommand) Run(a *app.App) error {
	server, p, err := c.server(a)
	if err != nil {
		return err
	}
	known, err := p.Servers()
	if err != nil {
		return err
	}
	key, err := c.key(a, server)
	if err != nil {
		return err
	}
	a.Redact.Add(key)
	a.WarnOnStderr()
	web := a.Client(transport.Options{Dial: a.Connect, Servers: known, Warn: a.Warnings.Add})
	defer web.Close()
	market, err := cloud.New(cloud.Options{Server: server, Token: key, Transport: web})
	if err != nil {
		return app.Usage(err, "")
	}
	user, err := market.User(a.Stop)
	if failure.Unauthorized(err) { // whoever logs in need not be sent here
		return failure.WithHint(err, "copy the API key once more, all of it, or make another one on the page of your API keys")
	}
	if err != nil {
		return err
	}
	store, err := credentials.Default(a.Env)
	if err != nil {
		return err
	}
	if err := store.Save(server, key); err != nil {
		return err
	}
	a.Stdout.Print("Logged in to %s as %s.\nThe key is kept in %s, readable by you alone.", a.Redact.Text(redact.URL(server)), user, store.File)
	return nil
}

func (c *LoginCommand) key(a *app.App, server string) (string, error) {
	if c.TokenStdin {
		line, err := unlessStopped(a.Stop, func() (string, error) {
			return bufio.NewReader(io.LimitReader(a.Stdin, 64<<10)).ReadString('\n')
		})
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading the API key from standard input: %w", err)
		}
		if line = strings.TrimSpace(line); line == "" {
			return "", app.Usage(errors.New("standard input holds no API key"), "for example: ksrelease login --token-stdin < key.txt")
		}
		return line, nil
	}
	terminal := int(a.Stdin.Fd())
	if !term.IsTerminal(terminal) {
		return "", app.Usage(errors.New("there is no terminal to ask for the API key on"),
			"give it on standard input: ksrelease login --token-stdin < key.txt")
	}
	a.Stderr.Ask("API key for %s: ", a.Redact.Text(redact.URL(server)))
	typed, err := readPassword(a, terminal)
	a.Stderr.Print("")
	if err != nil {
		return "", fmt.Errorf("reading the API key: %w", err)
	}
	key := strings.TrimSpace(string(typed))
	if key == "" {
		return "", app.Usage(errors.New("no API key was typed"), "type the API key, or give it on standard input: ksrelease login --token-stdin < key.txt")
	}
	return key, nil
}

// readPassword reads a line without echo; an interrupt leaves the terminal as
// it was. A shell shows again what is typed when the program is stopped, as by Ctrl-Z.
func readPassword(a *app.App, terminal int) ([]byte, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, err
	}
	end := signals.Resumed(func() { hide(terminal) })
	line, err := unlessStopped(a.Stop, func() ([]byte, error) { return term.ReadPassword(terminal) })
	end()
	if a.Stop.Err() != nil {
		err = errors.Join(err, term.Restore(terminal, before))
	}
	return line, err
}

// unlessStopped waits for input, which no interrupt ends by itself, or until
// stop is done. The reader is left behind then: the process ends soon.
func unlessStopped[T any](stop context.Context, read func() (T, error)) (T, error) {
	input, err := graceful.Await(stop, read)
	if stop.Err() != nil {
		var none T
		return none, context.Cause(stop)
	}
	return input, err
}

// LogoutCommand is the command logout.
type LogoutCommand struct {
	at
}

// Run drops the key that login kept.
func (c *LogoutCommand) Run(a *app.App) error {
	server, _, err := c.server(a)
	if err != nil {
		return err
	}
	store, err := credentials.Default(a.Env)
	if err != nil {
		return err
	}
	removed, err := store.Remove(server)
	if err != nil {
		return err
	}
	if !removed {
		a.Stdout.Print("There was no key for %s.", a.Redact.Text(redact.URL(server)))
		return nil
	}
	a.Stdout.Print("The key for %s is dropped.", a.Redact.Text(redact.URL(server)))
	return nil
}
