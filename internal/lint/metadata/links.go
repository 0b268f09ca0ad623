package metadata

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Links is the rule links.
func Links() rule.Rule {
	return rule.Rule{
		Name:    "links",
		Summary: "addresses of web pages and e-mail are whole, and lead somewhere; maintainers have names",
		Why: "`home`, `docs`, `sources` and the `url` and `email` of providers and maintainers are links on the page of the " +
			"extension. One without https://, with a blank in it or to an address of your own network is a link that does not " +
			"work for anybody else. A placeholder such as example.com leads to nobody; it is reported as an info.",
		Fix: "Write whole addresses, and e-mail addresses without a name:\n\n" +
			"home: https://web.company.example/\nsources:\n  - https://github.com/company/web\nmaintainers:\n  - name: Web team\n    email: web@company.example",
		Source: "The extension development guide of KubeSphere; `helm lint` of Helm 3 asks maintainers for a name too; RFC 3986 and RFC 5322; " +
			"RFC 2606 and RFC 6761 on names for examples and for the own machine. Names that end in .example are left alone: nobody has those by mistake.",
		Codes: []rule.Code{
			{Name: "invalid-address", Meaning: "an address is not whole"},
			{Name: "placeholder", Meaning: "an address leads to a name that is kept for examples"},
			{Name: "private-address", Meaning: "an address leads to your own machine or network"},
			{Name: "password-in-address", Meaning: "an address has a user name or password in it"},
			{Name: "invalid-email", Meaning: "an e-mail address is not one, or more than one"},
			{Name: "maintainer-without-name", Meaning: "a maintainer has no name"},
		},
		Default:  rule.Warning,
		LeavesTo: []string{"schema"},
		Run:      checkLinks,
	}
}

func checkLinks(pass *rule.Pass) {
	for _, field := range [...]string{"home", "docs"} {
		if address, ok := pass.Field(field).(string); ok && address != "" {
			checkAddress(pass, field, address, field)
		}
	}
	sources, _ := pass.Field("sources").([]any)
	for i, source := range sources {
		if address, ok := source.(string); ok {
			checkAddress(pass, "sources", address, "sources", strconv.Itoa(i))
		}
	}
	for _, provider := range pass.Providers() {
		checkContact(pass, "the provider", provider)
	}
	checkMaintainers(pass)
}

func checkMaintainers(pass *rule.Pass) {
	for _, maintainer := range pass.Entries("maintainers") {
		checkContact(pass, "the maintainer", maintainer)
		if pass.IsNamed(maintainer) {
			continue
		}
		pass.Problem(rule.Found("maintainer-without-name"), pass.Ext.Document.Problem("a maintainer has no name", "add name: a person or a team", maintainer.At("name")...))
	}
	maintainers, _ := pass.Field("maintainers").([]any)
	for i, maintainer := range maintainers {
		if name, ok := maintainer.(string); ok && strings.TrimSpace(name) == "" {
			pass.Problem(rule.Found("maintainer-without-name"), pass.Ext.Document.Problem("a maintainer has no name", "name a person or a team, or remove the line", "maintainers", strconv.Itoa(i)))
		}
	}
}

// checkContact looks at the address and e-mail of a provider or maintainer.
func checkContact(pass *rule.Pass, whose string, contact rule.Entry) {
	if address := contact.Text("url"); address != "" {
		checkAddress(pass, "url of "+whose, address, contact.At("url")...)
	}
	if address := contact.Text("email"); address != "" {
		checkEmail(pass, "email of "+whose, address, contact.At("email")...)
	}
}

func checkAddress(pass *rule.Pass, what, address string, pointer ...string) {
	fault := addressFault(address)
	if fault.Cause == "" {
		return
	}
	shown := fmt.Sprintf(" %q", excerpt.OneLine(address))
	if fault.Secret {
		shown = ""
	}
	severity := pass.Severity()
	if fault.Placeholder {
		severity = pass.AtMost(rule.Info)
	}
	pass.ProblemAs(rule.Found(fault.Code, what, strings.Trim(shown, ` "`)), severity, pass.Ext.Document.Problem(what+shown+" "+fault.Cause, fault.Hint, pointer...))
}

// linkFault is what is wrong with an address. Cause completes the sentence that
// the address begins; it is empty for a good one.
type linkFault struct {
	Cause, Hint string
	Code        string // of the finding
	Placeholder bool   // it is well formed, and leads to nobody
	Secret      bool   // the address must not be shown
}

// gitAddress is how git writes an address for ssh: git@github.com:owner/name.git.
var gitAddress = lazyregexp.New(`^(?:ssh://)?[\w.-]+@([\w-]+(?:\.[\w-]+)+)[:/]([\w./~-]+?)(?:\.git)?/?$`)

// bareAddress is an address without its beginning: kubesphere.io/docs.
var bareAddress = lazyregexp.New(`^[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:[/?#]|$)`)

func addressFault(address string) linkFault {
	const form = "write it as https://HOST/PATH"
	if strings.TrimSpace(address) == "" {
		return linkFault{Code: "invalid-address", Cause: "is empty", Hint: form + ", or remove the line"}
	}
	if strings.ContainsFunc(address, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return linkFault{Code: "invalid-address", Cause: "has a blank or an invisible character in it", Hint: "remove it; a blank in a path is written %20"}
	}
	if !rule.HasScheme(address, "https") && !rule.HasScheme(address, "http") {
		return linkFault{Code: "invalid-address", Cause: "is no web address: it does not begin with https:// or http://", Hint: addressHint(address, form)}
	}
	parsed, err := url.Parse(address)
	switch {
	case err != nil:
		return linkFault{Code: "invalid-address", Cause: "is no web address that can be read", Hint: form, Secret: strings.Contains(address, "@")}
	case parsed.Hostname() == "":
		return linkFault{Code: "invalid-address", Cause: "is a web address without a host", Hint: form}
	case parsed.User != nil:
		return linkFault{Code: "password-in-address", Cause: "has a user name or password in it, which everybody can read in the package", Hint: "remove what stands before the @, and change the password", Secret: true}
	}
	return hostFault(parsed.Hostname())
}

// addressHint guesses what was meant by an address that is none of the web.
func addressHint(address, form string) string {
	if m := gitAddress.FindStringSubmatch(address); m != nil {
		return fmt.Sprintf("did you mean %q?", "https://"+m[1]+"/"+m[2])
	}
	if bare := strings.TrimLeft(address, "/"); bareAddress.MatchString(bare) {
		return fmt.Sprintf("did you mean %q?", "https://"+bare)
	}
	return form
}

// hostFault reports hosts that lead nobody to what is meant.
func hostFault(host string) linkFault {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if isPlaceholder(host) {
		return linkFault{Code: "placeholder", Cause: "leads to a name that is kept for examples", Hint: "put the real address there, or remove the line", Placeholder: true}
	}
	private := host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal")
	if ip, err := netip.ParseAddr(host); err == nil {
		private = ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()
	}
	if private {
		return linkFault{Code: "private-address", Cause: "leads to your own machine or network, where nobody else gets", Hint: "put a public address there, or remove the line"}
	}
	return linkFault{}
}

// isPlaceholder reports whether a host is one of those that examples in texts
// use (RFC 2606). Those that end in .example are not meant: a template does not
// leave them behind.
func isPlaceholder(host string) bool {
	for _, name := range [...]string{"example.com", "example.org", "example.net", "invalid", "test"} {
		if host == name || strings.HasSuffix(host, "."+name) {
			return true
		}
	}
	return false
}

func checkEmail(pass *rule.Pass, what, address string, pointer ...string) {
	parsed, err := mail.ParseAddress(address)
	if err != nil {
		pass.Problem(rule.Found("invalid-email", what, address), pass.Ext.Document.Problem(fmt.Sprintf("%s %q is no e-mail address", what, excerpt.OneLine(address)), "write it as NAME@HOST", pointer...))
		return
	}
	if parsed.Address != address {
		pass.Problem(rule.Found("invalid-email", what, address), pass.Ext.Document.Problem(
			fmt.Sprintf("%s %q is more than an e-mail address", what, excerpt.OneLine(address)),
			fmt.Sprintf("write only %s", excerpt.OneLine(parsed.Address)), pointer...))
		return
	}
	host := parsed.Address[strings.LastIndexByte(parsed.Address, '@')+1:]
	fault := hostFault(strings.Trim(host, "[]"))
	if fault.Cause == "" && !strings.ContainsAny(host, ".:") {
		fault = linkFault{Code: "invalid-email", Cause: "names a host that is not on the internet", Hint: "write it as NAME@HOST, with a whole host such as company.example"}
	}
	if fault.Cause == "" {
		return
	}
	severity := pass.Severity()
	if fault.Placeholder {
		severity = pass.AtMost(rule.Info)
	}
	pass.ProblemAs(rule.Found(fault.Code, what, address), severity, pass.Ext.Document.Problem(fmt.Sprintf("%s %q %s", what, excerpt.OneLine(address), fault.Cause), fault.Hint, pointer...))
}
