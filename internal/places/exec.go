package places

import (
	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/command"
)

// exec is a command of the project.
func (m *Maker) exec(t config.Target) (target.Place, error) {
	web, err := m.client(t, "")
	if err != nil {
		return target.Place{}, err
	}
	made, end := command.NewExec(command.ExecOptions{
		Name: t.Name, Run: t.Exec.Run, Dir: t.Exec.Dir, Timeout: t.Exec.Timeout, Env: t.Exec.Env,
		Environment: m.Environment(), Redact: m.Redact.Text, Secret: m.Redact.Add, Transport: web, Idle: m.Idle,
	})
	m.ends = append(m.ends, end)
	m.AtExit(end)
	return target.Place{Target: made, URL: "the command of " + t.Name, Noun: "the command"}, nil
}
