package redact

import (
	"net/url"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/canary"
)

func TestURL(t *testing.T) {
	for address, want := range map[string]string{
		"https://host/a%2Fb?force=true":                       "https://host/a%2Fb?force=true",
		"https://user:" + canary.Token + "@host/x":            "https://xxxxx@host/x",
		"https://" + canary.Token + "@host/x#" + canary.Token: "https://xxxxx@host/x",
		"https://host/x?a=1&X-Amz-Signature=abc&api_key=d&b=": "https://host/x?a=1&X-Amz-Signature=xxxxx&api_key=xxxxx&b=",
		"https://host/x?%74oken=" + canary.Token:              "https://host/x?%74oken=xxxxx",
		"https://u:" + canary.Token + "@ho st/x":              "https://xxxxx@ho st/x",
		"https://u:p@" + canary.Token + "@ho st/x":            "https://xxxxx@ho st/x",
	} {
		if got := URL(address); got != want {
			t.Errorf("URL(%s) = %s, want %s", address, got, want)
		}
	}
}

// A secret as user, password or value of a secret parameter is never shown.
func FuzzURL(f *testing.F) {
	f.Add("host", "token")
	f.Add("ho st", "%70assword")
	f.Add("[::1", "sig")
	f.Fuzz(func(t *testing.T, host, parameter string) {
		if strings.Contains(host+parameter, "canary") {
			t.Skip()
		}
		address := "https://canary.Token:canary.Token@" + host + "/"
		if u, err := url.Parse(address); err == nil && u.User != nil && isSecretName(parameter) && !strings.ContainsAny(parameter, "&=#") {
			address += "?" + parameter + "=canary"
		}
		if got := URL(address); strings.Contains(got, "canary") {
			t.Errorf("URL(%q) = %q", address, got)
		}
	})
}
