package places

import (
	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/chartmuseum"
)

// chartmuseum is a ChartMuseum.
func (m *Maker) chartmuseum(t config.Target) (target.Place, error) {
	web, err := m.client(t, t.ChartMuseum.URL, "url")
	if err != nil {
		return target.Place{}, err
	}
	l, err := m.login(t)
	if err != nil {
		return target.Place{}, err
	}
	museum, err := chartmuseum.New(chartmuseum.Options{
		URL: t.ChartMuseum.URL, Username: l.user, Password: l.password, Token: l.token,
		Setting: m.setting(t, "url"), Access: refused(t, l), Delay: t.ChartMuseum.Cache, Transport: web, Cache: m.Cache,
	})
	if err != nil {
		return target.Place{}, err
	}
	return target.Place{Target: museum, URL: redact.URL(t.ChartMuseum.URL), Base: redact.URL(t.ChartMuseum.URL), Noun: "the museum", Shows: "its index.yaml"}, nil
}
