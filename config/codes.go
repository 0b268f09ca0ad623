package config

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Rule is the rule of all mistakes in the files that say what is to be done: the config
// and the baseline. Their codes are Rule/NAME; Codes lists them.
const Rule = "configuration"

// The codes of this package. To these come those of yamldoc, under Rule.
const (
	CodeInvalidValue     = Rule + "/invalid-value"
	CodeUnsetVariable    = Rule + "/unset-variable"
	CodeSecretVariable   = Rule + "/secret-variable"
	CodeInvalidReference = Rule + "/invalid-reference"
	CodeTooLarge         = Rule + "/too-large"
	CodeInvalidPattern   = Rule + "/invalid-pattern"
	CodeCostlyPattern    = Rule + "/costly-pattern"
	CodeNoMatch          = Rule + "/no-match"
	CodeExcludesNothing  = Rule + "/excludes-nothing"
	CodeUnreadable       = Rule + "/unreadable"
	CodeNotAnExtension   = Rule + "/not-an-extension"
	CodeVersionTwice     = Rule + "/version-twice"
	CodeUndeclared       = Rule + "/undeclared"
	CodeUnusableCAFile   = Rule + "/unusable-ca-file"
	CodeUnusableKeyFile  = Rule + "/unusable-key-file"
)

// Codes are all codes of Rule, as docs/configuration.md lists them.
func Codes() []diagnostic.Code {
	return append(yamldoc.Codes(),
		diagnostic.Code{Name: "unset-variable", Meaning: "${NAME} names an environment variable that is not set"},
		diagnostic.Code{Name: "secret-variable", Meaning: "${NAME} names an environment variable that holds a credential"},
		diagnostic.Code{Name: "invalid-reference", Meaning: "what begins as ${NAME} is not closed, names no variable, or is nested too deep"},
		diagnostic.Code{Name: "invalid-pattern", Meaning: "a path or exclude is no valid pattern"},
		diagnostic.Code{Name: "costly-pattern", Meaning: "a path or exclude asks for more than can be tried"},
		diagnostic.Code{Name: "no-match", Meaning: "a path matches no extension"},
		diagnostic.Code{Name: "excludes-nothing", Meaning: "an exclude matches nothing that its path matches"},
		diagnostic.Code{Name: "unreadable", Meaning: "a folder or file cannot be read"},
		diagnostic.Code{Name: "not-an-extension", Meaning: "the extension.yaml of a folder is no file"},
		diagnostic.Code{Name: "undeclared", Meaning: "no entry matches an extension of the repository"},
		diagnostic.Code{Name: "version-twice", Meaning: "two extensions have the same name and version"},
		diagnostic.Code{Name: "unusable-ca-file", Meaning: "the file of a ca_file cannot be used"},
		diagnostic.Code{Name: "unusable-key-file", Meaning: "the file of a key that packages are signed with cannot be used"},
	)
}

// mistake is what is wrong with the value that ptr leads to; code is one of Codes.
func mistake(doc *yamldoc.Document, code, message, hint string, ptr ...string) diagnostic.Diagnostic {
	return about(doc.Problem(message, hint, ptr...), code, ptr)
}

// about gives a diagnostic its code, and what it is about.
func about(d diagnostic.Diagnostic, code string, ptr []string) diagnostic.Diagnostic {
	d.Code, d.Severity, d.Subject = code, diagnostic.Error, strings.Join(ptr, "/")
	return d
}

// VersionTwice is the mistake of a version of an extension that lies in one place, and in
// another one, too.
func VersionTwice(name, version, place, other string) diagnostic.Diagnostic {
	return diagnostic.Diagnostic{
		Code: CodeVersionTwice, Severity: diagnostic.Error, File: place, Subject: name + " " + version,
		Message: fmt.Sprintf("version %s of the extension %q is also in %s", version, name, other),
		Hint:    "a version can be released from one place only: exclude one of them in the config, or change name or version",
	}
}
