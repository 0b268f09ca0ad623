package lint

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinks(t *testing.T) {
	with := func(lines string) []string { return []string{"extension.yaml", goodMetadata + lines} }
	provider := func(fields string) []string {
		return []string{"extension.yaml", replaced(goodMetadata, "{name: Example}", "{name: Example, "+fields+"}")}
	}
	testFindings(t, []findingTest{
		{
			name:    "whole ones",
			changes: with("home: https://kubesphere.io/a?b=c#d\ndocs: http://[2001:db8::1]:8080/\nsources: ['https://github.com/x/y#z', 'HTTPS://例子.中国/路']\nmaintainers: [{name: A, email: a.b+c@kubesphere.io, url: 'https://web.lakeside.example'}, Bee]\n"),
		},
		{name: "empty ones", changes: with("home: ''\ndocs:\nsources: []\nmaintainers: [{name: A, url: '', email: ''}]\n")},
		{
			name:    "without a beginning",
			changes: with("home: kubesphere.io/docs\n"),
			want:    []string{`warning links ext/extension.yaml:16:7: home "kubesphere.io/docs" is no web address: it does not begin with https:// or http://`},
			hint:    `did you mean "https://kubesphere.io/docs"?`,
		},
		{
			name:    "as git writes it",
			changes: with("sources: ['git@github.com:kubesphere/web.git']\n"),
			want:    []string{`warning links ext/extension.yaml:16:11: sources "git@github.com:kubesphere/web.git" is no web address: it does not begin with https:// or http://`},
			hint:    `did you mean "https://github.com/kubesphere/web"?`,
		},
		{
			name:    "as git writes it with a scheme",
			changes: with("sources:\n  - ssh://git@github.com/kubesphere/web\n"),
			want:    []string{`warning links ext/extension.yaml:17:5: sources "ssh://git@github.com/kubesphere/web" is no web address: it does not begin with https:// or http://`},
			hint:    `did you mean "https://github.com/kubesphere/web"?`,
		},
		{
			name:    "a file",
			changes: with("docs: ./README.md\n"),
			want:    []string{`warning links ext/extension.yaml:16:7: docs "./README.md" is no web address: it does not begin with https:// or http://`},
			hint:    "write it as https://HOST/PATH",
		},
		{
			name:    "two in one",
			changes: with("home: https://kubesphere.io https://kubesphere.com.cn\n"),
			want:    []string{`warning links ext/extension.yaml:16:7: home "https://kubesphere.io https://kubesphere.com.cn" has a blank or an invisible character in it`},
			hint:    "remove it; a blank in a path is written %20",
		},
		{
			name:    "an empty source",
			changes: with("sources: ['']\n"),
			want:    []string{`warning links ext/extension.yaml:16:11: sources "" is empty`},
			hint:    "write it as https://HOST/PATH, or remove the line",
		},
		{
			name:    "no host",
			changes: with("home: https:///docs\n"),
			want:    []string{`warning links ext/extension.yaml:16:7: home "https:///docs" is a web address without a host`},
		},
		{
			name:    "an address that cannot be read",
			changes: with("home: https://kubesphere.io/%zz\n"),
			want:    []string{`warning links ext/extension.yaml:16:7: home "https://kubesphere.io/%zz" is no web address that can be read`},
		},
		{
			name:    "a password",
			changes: with("home: https://me:hunter2@kubesphere.io/\n"),
			want:    []string{`warning links ext/extension.yaml:16:7: home has a user name or password in it, which everybody can read in the package`},
			hint:    "remove what stands before the @, and change the password",
		},
		{
			name:    "the own machine",
			changes: with("home: http://localhost:8080\ndocs: http://192.168.0.2/docs\n"),
			want: []string{
				`warning links ext/extension.yaml:16:7: home "http://localhost:8080" leads to your own machine or network, where nobody else gets`,
				`warning links ext/extension.yaml:17:7: docs "http://192.168.0.2/docs" leads to your own machine or network, where nobody else gets`,
			},
			hint: "put a public address there, or remove the line",
		},
		{
			name:    "a placeholder",
			changes: provider("url: 'https://www.example.com'"),
			want:    []string{`info links ext/extension.yaml:7:37: url of the provider "https://www.example.com" leads to a name that is kept for examples`},
			hint:    "put the real address there, or remove the line",
		},
		{
			name:    "an e-mail address with a name",
			changes: provider("email: 'Web Team <web@kubesphere.io>'"),
			want:    []string{`warning links ext/extension.yaml:7:39: email of the provider "Web Team <web@kubesphere.io>" is more than an e-mail address`},
			hint:    "write only web@kubesphere.io",
		},
		{
			name:    "no e-mail address",
			changes: with("maintainers:\n  - name: A\n    email: a.kubesphere.io\n"),
			want:    []string{`warning links ext/extension.yaml:18:12: email of the maintainer "a.kubesphere.io" is no e-mail address`},
			hint:    "write it as NAME@HOST",
		},
		{
			name:    "an e-mail address in a network of one's own",
			changes: provider("email: root@web"),
			want:    []string{`warning links ext/extension.yaml:7:39: email of the provider "root@web" names a host that is not on the internet`},
		},
		{
			name:    "an e-mail address for examples",
			changes: provider("email: me@example.org"),
			want:    []string{`info links ext/extension.yaml:7:39: email of the provider "me@example.org" leads to a name that is kept for examples`},
		},
		{
			name:    "maintainers without names",
			changes: with("maintainers:\n  - email: a@kubesphere.io\n  - {name: ' '}\n  - ''\n"),
			want: []string{
				`warning links ext/extension.yaml:17:5: a maintainer has no name`,
				`warning links ext/extension.yaml:18:12: a maintainer has no name`,
				`warning links ext/extension.yaml:19:5: a maintainer has no name`,
			},
			hint: "add name: a person or a team",
		},
		{
			name:    "no addresses at all are for the schema",
			changes: with("home: [https://kubesphere.io]\nmaintainers: [{name: 1, url: 2}]\n"),
			want: []string{
				`error schema ext/extension.yaml:16:7: "home" must be empty or a string, not a list`,
				`error schema ext/extension.yaml:17:22: "name" must be empty or a string, not a number`,
				`error schema ext/extension.yaml:17:30: "url" must be empty or a string, not a number`,
			},
		},
	})
}

func TestProvider(t *testing.T) {
	provider := func(entry string) []string {
		return []string{"extension.yaml", replaced(goodMetadata, "provider: {en: {name: Example}}", "provider: {en: {name: Example}, zh: "+entry+"}")}
	}
	testFindings(t, []findingTest{
		{
			name:    "no name in one language",
			changes: provider("{url: 'https://kubesphere.com.cn'}"),
			want:    []string{`warning provider ext/extension.yaml:7:37: the provider has no name in the language zh`},
			hint:    "add name: the company, project or person that offers the extension",
		},
		{
			name:    "an empty name",
			changes: provider("{name: ''}"),
			want:    []string{`warning provider ext/extension.yaml:7:44: the provider has no name in the language zh`},
		},
		{
			name:    "a misspelt name",
			changes: provider("{nmae: 示例}"),
			want:    []string{`warning schema ext/extension.yaml:7:38: unknown key "nmae" in provider.zh`},
		},
		{
			name:    "a text is for the schema",
			changes: provider("示例"),
			want:    []string{`error schema ext/extension.yaml:7:37: "zh" must be a mapping, not a string`},
		},
	})
}

// TestSecretsStayUntold: neither message nor excerpt shows a password.
func TestSecretsStayUntold(t *testing.T) {
	findings := check(t, with(goodFiles(), "extension.yaml", goodMetadata+"home: https://me:hunter2@kubesphere.io/\n"))
	var shown []string
	for _, f := range findings {
		shown = append(shown, fmt.Sprintf("%s\n%s", f.Message, f.Excerpt))
	}
	want := []string{"home has a user name or password in it, which everybody can read in the package\n  16 | home: https://**********@kubesphere.io/\n     |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}
