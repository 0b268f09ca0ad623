package childprocess

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// secretName is a variable that, by its name, holds what proves who somebody is. Only the
// names that programs and CI systems have for such are meant: what a hook lacks, it can name.
var secretName = lazyregexp.New(`(?i)TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL|WEBHOOK|API_?KEY|(^|_)(KEYS?|PAT|AUTH)($|_)|_PWD$|^KSRELEASE_.*USERNAME`)

// notSecret are variables that have such a name and no such value.
var notSecret = []string{"SSH_AUTH_SOCK", "OLDPWD"}

// secretValue is what a secret looks like, whatever the variable is called: an API key of
// KubeSphere Cloud, an address with a password.
var secretValue = lazyregexp.New(`\bkck-[0-9A-Za-z]{4,}-|://[^/\s:@]*:[^/\s@]+@`)

// our are the variables of which no copy is handed on under another name either: those of the
// marketplace, of its Helm repository, and of targets. leastSecret is how many bytes one needs for
// that.
var our = lazyregexp.New(`^KSRELEASE_([A-Z0-9_]+_)?(TOKEN|PASSWORD|PASSPHRASE)$`)

const leastSecret = 8

// Environment is what a command finds: that of the program without secrets, those that are named,
// and variables. withheld are the names of the secrets that are left out, sorted. secret
// gets each one that is handed on because it is named. It is an error where a variable is named
// that is not set.
func Environment(program, named []string, variables map[string]string, secret func(string)) (env, withheld []string, err error) {
	values := map[string]string{}
	for _, v := range program {
		if name, value, ok := strings.Cut(v, "="); ok && name != "" { // Windows has variables such as =C:
			values[name] = value
		}
	}
	all := maps.Clone(values)
	var secrets []string
	for name, value := range all {
		if value = strings.TrimSpace(value); our.MatchString(name) && len(value) >= leastSecret {
			secrets = append(secrets, value)
		}
	}
	for name, value := range all {
		if isSecret(name, value, secrets) {
			delete(values, name)
			withheld = append(withheld, name)
		}
	}
	for _, item := range named {
		name, value, set := strings.Cut(item, "=")
		switch held, ok := all[name]; {
		case set:
			values[name] = value
		case !ok:
			return nil, nil, failure.WithHint(fmt.Errorf("its env names %s, which is not set", name), "set %s, write %[1]s=VALUE, or take it out of env", name)
		default:
			if i := slices.Index(withheld, name); i >= 0 {
				withheld = slices.Delete(withheld, i, i+1)
				secret(held)
			}
			values[name] = held
		}
	}
	maps.Copy(values, variables)
	for name, value := range values {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	slices.Sort(withheld)
	return env, withheld, nil
}

func isSecret(name, value string, secrets []string) bool {
	if value == "" || slices.Contains(notSecret, strings.ToUpper(name)) {
		return false
	}
	return secretName.MatchString(name) || secretValue.MatchString(value) ||
		slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(value, s) })
}
