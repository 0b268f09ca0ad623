package account

import (
	"errors"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/cloud"
	"github.com/ksrelease/ksrelease/internal/credentials"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// WhoamiCommand is the command whoami.
type WhoamiCommand struct {
	at
	Output string `enum:"text,json" default:"text" help:"text or json."`
}

// who is whose API key is used, and where.
type who struct {
	Server string `json:"server"`
	User   string `json:"user"`
	KeyOf  string `json:"key_of"` // the variable, or the file, that it was found in
}

// Run asks the marketplace whose the API key is that a run would use.
func (c *WhoamiCommand) Run(a *app.App) error {
	server, p, err := c.server(a)
	if err != nil {
		return err
	}
	known, err := p.Servers()
	if err != nil {
		return err
	}
	store, err := credentials.Default(a.Env)
	if err != nil {
		return err
	}
	a.WarnOnStderr()
	key, warnings, err := store.Find(server)
	for _, w := range warnings {
		a.Warnings.Add(w)
	}
	switch {
	case errors.Is(err, credentials.ErrNotFound):
		return failure.WithHint(target.ErrNoToken, "run ksrelease login, or set %s", credentials.Variable)
	case err != nil:
		return err
	}
	a.Redact.Add(key.Value())
	web := a.Client(transport.Options{Dial: a.Connect, Servers: known, Warn: a.Warnings.Add})
	defer web.Close()
	market, err := cloud.New(cloud.Options{Server: server, Token: key.Value(), Transport: web})
	if err != nil {
		return app.Usage(err, "")
	}
	user, err := market.User(a.Stop)
	if failure.Unauthorized(err) {
		return failure.WithHint(err, "the API key of %s was refused: run ksrelease login, or set %s", key.Source(), credentials.Variable)
	}
	if err != nil {
		return err
	}
	is := who{Server: a.Redact.Text(redact.URL(server)), User: a.Redact.Text(user), KeyOf: key.Source()}
	if c.Output == "json" {
		a.Stdout.JSON(is, "  ")
		return nil
	}
	a.Stdout.Print("%s at %s, by the API key of %s", is.User, is.Server, is.KeyOf)
	return nil
}
