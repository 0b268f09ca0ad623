package main

import (
	"errors"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/marketplace/externalurl"
	"github.com/ksrelease/ksrelease/internal/projectbundle"
)

// serveReadOnly serves bundles, or a folder of packages, until it is interrupted.
func (c *serveCommand) serveReadOnly(a *app.App) error {
	if c.Faults != "" || c.ExternalURL != "" {
		return app.Usage(errors.New("--faults and --external-url are for a marketplace"), "leave them out: addresses in the index are relative")
	}
	listener, err := listen(c.Addr)
	if err != nil {
		return err
	}
	handler, what, end, err := projectbundle.Showing{Bundles: c.Bundle, Charts: c.Charts}.Handler(a, listener.Addr())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer end()
	at := externalurl.LocalURL(listener.Addr().String())
	a.Stderr.Print(`serving %s at %s

  helm        helm repo add local %s`, what, at, at)
	if len(c.Bundle) > 0 {
		a.Stderr.Print("  images      %s/NAME:TAG, without TLS", listener.Addr().String())
	}
	a.Stderr.Print("\nCtrl-C ends it.")
	return serveUntilStopped(a, marketplace.NewServer(handler), listener)
}
