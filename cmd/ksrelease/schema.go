package main

import (
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/schema"
)

type schemaCommand struct {
	Of string `arg:"" optional:"" name:"document" enum:"config,result,event,status" default:"config" help:"config: .ksrelease.yaml, for editors. What is printed as JSON: result, the result document; event, a line of --output json; status, that of status."`
}

// Run prints the schema that editors and ksrelease itself go by, or that of what is printed.
func (c *schemaCommand) Run(a *app.App) error {
	a.Stdout.Own(map[string][]byte{"config": schema.JSON, "result": schema.Result, "event": schema.Event, "status": schema.Status}[c.Of])
	return nil
}
