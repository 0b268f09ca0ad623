package places

import (
	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/command"
)

// webhook is a service.
func (m *Maker) webhook(t config.Target) (target.Place, error) {
	web, err := m.client(t, t.Webhook.URL, "url")
	if err != nil {
		return target.Place{}, err
	}
	made := command.NewWebhook(command.WebhookOptions{
		Name: t.Name, URL: t.Webhook.URL, Secret: t.Webhook.Secret, Timeout: t.Webhook.Timeout,
		Redact: m.Redact.Text, Transport: web,
	})
	return target.Place{Target: made, URL: "the service of " + t.Name, Noun: "the service"}, nil
}
