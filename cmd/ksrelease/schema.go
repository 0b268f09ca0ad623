package main

import (
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/schema"
)

type schemaCommand struct{}

// Run prints the schema that editors and ksrelease itself go by.
func (c *schemaCommand) Run(a *app.App) error {
	a.Stdout.Own(schema.JSON)
	return nil
}
