package security

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/bits"
	"path"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Secrets is the rule secrets.
func Secrets() rule.Rule {
	return rule.Rule{
		Name:    "secrets",
		Summary: "no file of the package holds a private key, a token or a password of a registry",
		Why: "A package is public: whoever can reach the Helm repository can download it, and a version that is out cannot " +
			"be called back. A key or token in it has to be taken for known. That goes for what is within packaged subcharts " +
			"(charts/*.tgz), too.",
		Fix: "Take it out, and withdraw it where it came from: it may be in the history of the repository, too. Let the chart " +
			"make it when it is installed, or read it from a Secret that the administrator makes.\n\n" +
			"What only looks like a secret can be silenced at its line:\n\n" +
			"# ksrelease:ignore secrets a key for tests, nothing trusts it",
		Source: "The published forms of tokens of KubeSphere Cloud, GitHub, GitLab, AWS, Slack and npm; RFC 7468 on keys; " +
			"docker's config.json.",
		Codes: []rule.Code{
			{Name: "token", Meaning: "an access token or key of a service is packed"},
			{Name: "private-key", Meaning: "a private key is packed"},
			{Name: "registry-password", Meaning: "a password of an image registry is packed"},
			{Name: "key-file", Meaning: "a file is packed that holds keys by its name"},
		},
		Default: rule.Error,
		Run:     checkSecrets,
	}
}

// tokenForm is how a service writes its tokens: what they begin with, and what
// follows that.
type tokenForm struct {
	Code   string // of the finding
	What   string
	Of     string // who gives such tokens
	Prefix string
	Rest   *lazyregexp.Regexp
}

// tokenForms are looked for in every file, so each has a prefix that is rare by
// itself: the search is for that alone.
var tokenForms = []tokenForm{
	{"token", "an API key", "KubeSphere Cloud", "kck-", lazyregexp.New(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)},
	{"token", "a token", "GitHub", "ghp_", lazyregexp.New(`^[0-9A-Za-z]{36,}\b`)},
	{"token", "a token", "GitHub", "gho_", lazyregexp.New(`^[0-9A-Za-z]{36,}\b`)},
	{"token", "a token", "GitHub", "ghs_", lazyregexp.New(`^[0-9A-Za-z]{36,}\b`)},
	{"token", "a token", "GitHub", "github_pat_", lazyregexp.New(`^[0-9A-Za-z]{22}_[0-9A-Za-z]{59}\b`)},
	{"token", "a token", "GitLab", "glpat-", lazyregexp.New(`^[0-9A-Za-z_-]{20,}`)},
	{"token", "an access key", "AWS", "AKIA", lazyregexp.New(`^[0-9A-Z]{16}\b`)},
	{"token", "a token", "Slack", "xoxb-", lazyregexp.New(`^[0-9]+-[0-9A-Za-z-]{20,}`)},
	{"token", "a token", "Slack", "xoxp-", lazyregexp.New(`^[0-9]+-[0-9A-Za-z-]{20,}`)},
	{"token", "a token", "npm", "npm_", lazyregexp.New(`^[0-9A-Za-z]{36}\b`)},
}

// The beginnings of other secrets. Those in base64 are of "-----BEGIN" and of
// {"auths", at the beginning of a text, as a Secret's data has them.
const (
	pemBegin       = "-----BEGIN "
	pemBase64      = "LS0tLS1CRUdJTi"
	dockerAuth     = `"auth"`
	dockerBase64   = "eyJhdXRocy"
	minSecretBytes = 32 // of a decoded key; a placeholder has fewer
)

// keyStores are files that hold keys in a form of their own. Some of them are never
// packed (see extension.Load), but may be within a subchart that is a package.
var keyStores = []string{
	"*.pfx", "*.p12", "*.jks", "*.keystore", ".netrc", ".pgpass", ".htpasswd",
	".env", ".env.*", ".envrc", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519",
}

func checkSecrets(pass *rule.Pass) {
	for _, file := range pass.Ext.Files {
		secretsOf(pass, helmchart.Source{File: file.Name}, file.Data)
	}
	for _, file := range pass.PackagedFiles() {
		secretsOf(pass, helmchart.Source{File: file.Archive, Inside: file.Inside}, file.Data)
	}
}

// secretsOf looks through one file.
func secretsOf(pass *rule.Pass, at helmchart.Source, data []byte) {
	name := cmp.Or(at.Inside, at.File)
	if isKeyStore(path.Base(name)) {
		hint := "leave it out (.helmignore) unless it holds nothing secret"
		if at.Inside != "" {
			hint = "pack the subchart anew without it, unless it holds nothing secret"
		}
		pass.InSourceAs(rule.Found("key-file"), pass.ByDefault(rule.Warning), at, 0, "files of this name hold keys or passwords, and this one is packed", hint)
	}
	if isBinary(data) {
		return
	}
	for _, found := range secretsIn(data) {
		reportSecret(pass, at, name, data, found)
	}
}

func isKeyStore(base string) bool {
	return slices.ContainsFunc(keyStores, func(pattern string) bool {
		ok, err := path.Match(pattern, base)
		return ok && err == nil
	})
}

// isBinary looks for what no text has, in the part that file(1) looks at, too.
func isBinary(data []byte) bool {
	return bytes.IndexByte(data[:min(len(data), 1024)], 0) >= 0
}

// reportSecret reports one secret. It has no excerpt: what is reported goes into logs and
// reports, where a secret has no business either.
func reportSecret(pass *rule.Pass, at helmchart.Source, name string, data []byte, found secret) {
	severity := pass.Severity()
	hint := "take it out and withdraw it: who has the package has it"
	if path.Ext(name) == ".md" {
		// Manuals show what a key looks like. Nobody can know whether one is shown or lost.
		severity = pass.ByDefault(rule.Warning)
		hint += "; if it only shows what one looks like, cut it short"
	}
	line, column := rule.Position(data, found.Offset)
	if at.Inside != "" {
		pass.Report(rule.Found(found.Code, at.Inside, found.Of), severity, rule.Finding{
			File: at.File, Hint: hint,
			Message: fmt.Sprintf("%s stands here, and is packed (%s, line %d, in the package)", found.What, at.Inside, line),
		})
		return
	}
	pass.Report(rule.Found(found.Code, found.Of), severity, rule.Finding{
		File: name, Range: diagnostic.At(line, column), Hint: hint,
		Message: found.What + " stands here, and is packed",
	})
}

// secret is something that must not be known.
type secret struct {
	// Code is that of the finding, and Of whose secret it is, or of which form.
	Code, Of string
	What     string
	Offset   int
}

// secretsIn finds the secrets in a text: those of real form and length whose
// content is no placeholder.
func secretsIn(text []byte) []secret {
	found := make([][]secret, len(beginnings)) // in the order of these
	eachBeginning(text, func(which, at int) {
		if s, ok := secretAt(text, which, at); ok {
			s.Offset = at
			found[which] = append(found[which], s)
		}
	})
	return slices.Concat(found...)
}

// secretAt is the secret at a place with one of the beginnings.
func secretAt(text []byte, which, at int) (secret, bool) {
	if which < len(tokenForms) {
		form := tokenForms[which]
		rest := form.Rest.Find(text[at+len(form.Prefix):])
		return secret{Code: form.Code, Of: form.Of, What: form.What + " of " + form.Of}, rest != nil && !continues(text, at) && !isExample(string(rest))
	}
	switch beginnings[which] {
	case pemBegin:
		kind := privateKey(text[at:])
		return secret{Code: "private-key", Of: kind, What: "a private key (" + kind + ")"}, kind != ""
	case pemBase64:
		kind := privateKey(fromBase64(text[at:]))
		return secret{Code: "private-key", Of: kind, What: "a private key (" + kind + ", in base64)"}, kind != ""
	case dockerAuth:
		return secret{Code: "registry-password", What: "a password of an image registry"}, isRegistryPassword(text[at+len(dockerAuth):])
	}
	config := fromBase64(text[at:])
	i := bytes.Index(config, []byte(dockerAuth))
	return secret{Code: "registry-password", What: "a password of an image registry (in base64)"}, i >= 0 && isRegistryPassword(config[i+len(dockerAuth):])
}

// beginnings are those of all secrets, of tokens first.
var beginnings = func() (all []string) {
	for _, form := range tokenForms {
		all = append(all, form.Prefix)
	}
	return append(all, pemBegin, pemBase64, dockerAuth, dockerBase64)
}()

// firstFour has, for each byte, 16 bits for each of four places: those of the beginnings
// that have this byte there. Each beginning has four bytes at least.
var firstFour = func() (table [256]uint64) {
	if len(beginnings) > 16 {
		panic("16 beginnings of secrets can be looked for at once")
	}
	for which, beginning := range beginnings {
		for place := range 4 {
			table[beginning[place]] |= 1 << (16*place + which)
		}
	}
	return table
}()

// eachBeginning visits the places where a text has one of the beginnings. It goes through
// the text once for all of them, by the algorithm shift-and (Baeza-Yates and Gonnet, "A New
// Approach to Text Searching", 1992): once for each took twice as long.
func eachBeginning(text []byte, visit func(which, at int)) {
	const everyFirst = 1<<16 - 1
	var state uint64
	for i, b := range text {
		state = (state<<16 | everyFirst) & firstFour[b]
		for whole := state >> 48; whole != 0; whole &= whole - 1 {
			which, at := bits.TrailingZeros64(whole), i-3
			if bytes.HasPrefix(text[at:], []byte(beginnings[which])) {
				visit(which, at)
			}
		}
	}
}

// continues reports whether what begins at a place is the middle of a word.
func continues(text []byte, at int) bool {
	if at == 0 {
		return false
	}
	b := text[at-1]
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '_'
}

// privateKey says which private key a text begins with, in PEM; it is empty for
// certificates and public keys, and for a block whose content is none. The text
// may be indented, and its lines may be divided by \n as in JSON.
func privateKey(text []byte) string {
	head, rest, ok := bytes.Cut(text[min(len(pemBegin), len(text)):], []byte("-----"))
	const kind = "PRIVATE KEY"
	if !ok || len(head) > 32 || !bytes.HasSuffix(head, []byte(kind)) {
		return ""
	}
	body, _, ok := bytes.Cut(rest, []byte("-----END "+string(head)+"-----"))
	if !ok {
		return ""
	}
	var block bytes.Buffer
	fmt.Fprintf(&block, "%s%s-----\n", pemBegin, head)
	for line := range bytes.FieldsSeq(bytes.ReplaceAll(body, []byte(`\n`), []byte("\n"))) {
		if !bytes.ContainsRune(line, ':') && !bytes.ContainsRune(line, ',') { // headers of an encrypted key
			block.Write(line)
			block.WriteByte('\n')
		}
	}
	fmt.Fprintf(&block, "-----END %s-----\n", head)
	decoded, _ := pem.Decode(block.Bytes())
	if decoded == nil || len(decoded.Bytes) < minSecretBytes || isExample(string(body)) {
		return ""
	}
	return string(head)
}

// fromBase64 decodes the base64 that a text begins with, as far as it goes.
func fromBase64(text []byte) []byte {
	end := bytes.IndexFunc(text, func(r rune) bool {
		return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '+' || r == '/')
	})
	if end < 0 {
		end = len(text)
	}
	end -= end % 4
	decoded := make([]byte, base64.RawStdEncoding.DecodedLen(end))
	n, _ := base64.RawStdEncoding.Decode(decoded, text[:end])
	return decoded[:n]
}

// registryAuth is what follows "auth" in docker's config.json: user:password in
// base64.
var registryAuth = lazyregexp.New(`^\s*:\s*"([0-9A-Za-z+/]{8,}={0,2})"`)

func isRegistryPassword(text []byte) bool {
	m := registryAuth.FindSubmatch(text[:min(len(text), 4096)])
	if m == nil {
		return false
	}
	decoded, err := base64.StdEncoding.DecodeString(string(m[1]))
	user, password, ok := strings.Cut(string(decoded), ":")
	if err != nil || !ok || user == "" || len(password) < 6 {
		return false
	}
	return !isExample(password) && !strings.Contains(strings.ToLower(password), "pass")
}

// placeholders are what people write where a secret would stand.
var placeholders = []string{"example", "placeholder", "changeme", "change-me", "your", "xxxx", "....", "****", "<", "{{", "${", "dummy", "redacted", "fake", "notreal"}

// isExample reports whether a text is none that a machine has made: it says
// so, or has few different characters, or counts.
func isExample(text string) bool {
	lower := strings.ToLower(text)
	for _, word := range placeholders {
		if strings.Contains(lower, word) {
			return true
		}
	}
	different := map[rune]bool{}
	steps, previous := 0, rune(0)
	for _, r := range lower {
		different[r] = true
		if r == previous || r == previous+1 {
			steps++
		}
		previous = r
	}
	return len(different) < 6 && len(text) >= 16 || len(different) < 3 || 2*steps > len(text)
}
