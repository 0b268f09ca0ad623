package app

import (
	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/command"
)

// exec is a command of the project.
func (m *placeMaker) exec(t config.Target) (target.Place, error) {
	web, err := m.client(t, "")
	if err != nil {
		return target.Place{}, err
	}
	idle := ""
	switch {
	case m.project.runs:
	case m.project.mayRunHooks:
		idle = "--hooks runs it"
	default:
		idle = "commands of the config are run by ksrelease run"
	}
	made, end := command.NewExec(command.ExecOptions{
		Name: t.Name, Run: t.Exec.Run, Dir: t.Exec.Dir, Timeout: t.Exec.Timeout, Env: t.Exec.Env,
		Environment: m.app.Environment(), Redact: m.app.Redact.Text, Secret: m.app.Redact.Add, Transport: web, Idle: idle,
	})
	m.ends = append(m.ends, end)
	return target.Place{Target: made, URL: "the command of " + t.Name, Noun: "the command"}, nil
}
