package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/configfile"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/tags"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// ruleImageExists is the one rule whose severity has a key of its own, images.exist.
const ruleImageExists = "image-exists"

// overlay is base with what is written over it. at is where the settings stand
// in the document. The schema has looked at every value; what cannot be read all
// the same is reported, not guessed.
func overlay(doc *yamldoc.Document, base Settings, written configfile.Settings, dir string, at []string, problems *diagnostic.List) Settings {
	s := base
	// A value that is shown is the one that is written: another came out of the
	// environment.
	add := func(err error, key ...string) {
		if err != nil {
			ptr := append(at[:len(at):len(at)], key...)
			raw, _, _ := doc.Raw(ptr...)
			*problems = append(*problems, mistake(doc, CodeInvalidValue, fmt.Sprintf("%q is %q, but %s", key[len(key)-1], cut(raw), err), "", ptr...))
		}
	}
	if written.Images != nil && written.Images.Exist != nil && Severity(*written.Images.Exist) != s.Images.Exist {
		// Another way to write the severity of that rule: what lint.rules of the same mapping says
		// of it counts more.
		s.Lint.Rules = overlayRules(s.Lint.Rules, map[string]Severity{ruleImageExists: Severity(*written.Images.Exist)})
	}
	if written.Lint != nil && written.Lint.Rules != nil {
		rules := rulesOf(written.Lint.Rules)
		s.Lint.Rules = overlayRules(s.Lint.Rules, rules)
		for rule, severity := range rules {
			add(known(severity, Off, Info, Warning, Error), "lint", "rules", rule)
		}
	}
	if written.Lint != nil && written.Lint.Timeout != nil {
		timeout, err := ParseDuration(*written.Lint.Timeout)
		add(err, "lint", "timeout")
		s.Lint.Timeout = timeout
	}
	if written.Lint != nil && written.Lint.Memory != nil {
		memory, err := sizeOf(written.Lint.Memory)
		if err == nil && memory < LeastLintMemory {
			err = errors.New("it must be at least 64MiB")
		}
		add(err, "lint", "memory")
		s.Lint.Memory = memory
	}
	if written.Package != nil && written.Package.Output != nil {
		s.Package.Output = absolute(dir, *written.Package.Output)
	}
	if written.Size != nil && written.Size.Limit != nil {
		limit, err := sizeOf(written.Size.Limit)
		add(err, "size", "limit")
		s.Size.Limit = limit
	}
	if written.Push != nil {
		setWord(&s.Push.Existing, written.Push.Existing)
		setWord(&s.Push.Drift, written.Push.Drift)
		setWord(&s.Push.Dirty, written.Push.Dirty)
		add(known(s.Push.Existing, SkipExisting, FailExisting), "push", "existing")
		add(known(s.Push.Drift, FailDrift, WarnDrift), "push", "drift")
		if written.Push.Dirty != nil {
			add(known(s.Push.Dirty, FailDirty, WarnDirty, AllowDirty), "push", "dirty")
		}
	}
	if written.Verify != nil {
		setWord(&s.Verify.Until, written.Verify.Until)
		add(known(s.Verify.Until, UntilIndexed, UntilActive), "verify", "until")
		if written.Verify.Timeout != nil {
			timeout, err := ParseDuration(*written.Verify.Timeout)
			add(err, "verify", "timeout")
			s.Verify.Timeout = timeout
		}
	}
	s.Images = targetReader{doc, dir, problems}.images(s.Images, written.Images, at)
	if severity, ok := s.Lint.Rules[ruleImageExists]; ok {
		s.Images.Exist = severity
	}
	return s
}

// TagPattern is the form of a pattern of tags, as a regular expression.
const TagPattern = tags.Grammar

// tagPatterns reads the forms of tags. As with known, only one that still looks like a
// reference after expansion can be wrong here.
func tagPatterns(doc *yamldoc.Document, written *configfile.Tags, problems *diagnostic.List) (patterns []tags.Pattern) {
	if written == nil {
		return nil
	}
	for i, text := range written.Patterns {
		p, err := tags.ParsePattern(text)
		if err != nil {
			ptr := []string{"tags", "patterns", strconv.Itoa(i)}
			raw, _, _ := doc.Raw(ptr...)
			*problems = append(*problems, mistake(doc, CodeInvalidValue, fmt.Sprintf("the pattern of tags is %q, but %s", cut(raw), err), "", ptr...))
		}
		patterns = append(patterns, p)
	}
	return patterns
}

// announcement reads one item of announce. As with known, only what still looks like a reference
// after expansion can be wrong here, but for a secret.
func announcement(doc *yamldoc.Document, i int, written configfile.Announcement, problems *diagnostic.List) Announcement {
	a := Announcement{Language: DefaultLanguage, Only: written.Only}
	setWord(&a.Kind, written.Kind)
	set(&a.Secret, written.Secret)
	set(&a.Language, written.Language)
	add := func(err error, key string) {
		if err != nil {
			*problems = append(*problems, mistake(doc, CodeInvalidValue, fmt.Sprintf("%q is wrong: %s", key, err), "", "announce", strconv.Itoa(i), key))
		}
	}
	add(known(a.Kind, AnnounceWebhook, AnnounceFeishu, AnnounceDingTalk, AnnounceWeCom, AnnounceSlack), "kind")
	if written.URL != nil {
		a.URL = *written.URL
		if address, err := url.Parse(a.URL); err != nil || address.Host == "" || address.User != nil {
			add(errors.New("the address must begin with http:// or https:// and a host"), "url")
		}
	}
	if a.Secret != "" && (a.Kind == AnnounceWeCom || a.Kind == AnnounceSlack) {
		add(fmt.Errorf("%s has no signatures", a.Kind), "secret")
	}
	return a
}

// cacheOf reads what is kept of earlier commands.
func cacheOf(doc *yamldoc.Document, base Cache, written *configfile.Cache, dir string, problems *diagnostic.List) Cache {
	if written == nil {
		return base
	}
	add := func(err error, key string) {
		if err != nil {
			raw, _, _ := doc.Raw("cache", key)
			*problems = append(*problems, mistake(doc, CodeInvalidValue, fmt.Sprintf("%q is %q, but %s", key, cut(raw), err), "", "cache", key))
		}
	}
	if written.Limit != nil {
		limit, err := ParseCacheLimit(fmt.Sprint(written.Limit))
		if number, ok := written.Limit.(float64); ok {
			limit, err = int64(number), nil
		}
		add(err, "limit")
		base.Limit = limit
	}
	if written.Remote != nil && *written.Remote != "" {
		base.Remote = *written.Remote
		add(checkCacheRemote(dir, base.Remote), "remote")
	}
	return base
}

// ParseCacheLimit reads how much a cache may take on the disk, in bytes.
func ParseCacheLimit(text string) (int64, error) {
	limit, err := sizeOf(text)
	switch {
	case err != nil:
		return 0, errors.New("it must be a size such as 512MiB or 2GiB")
	case limit < LeastCacheLimit:
		return 0, errors.New("it must be at least 1MiB")
	}
	return limit, nil
}

// checkCacheRemote says what is wrong with a remote cache of a config. What lies in the project may come
// with a pull request, and would say what lint has found.
func checkCacheRemote(dir, remote string) error {
	if address, ok := strings.CutPrefix(remote, "oci://"); ok {
		if !registryForm.MatchString(remote) || !strings.Contains(address, "/") {
			return errors.New("it must be oci:// with a host, and a path of small letters and digits")
		}
		return nil
	}
	path := filepath.FromSlash(remote)
	if !filepath.IsAbs(path) {
		return errors.New("it must be the absolute path of a folder, or oci:// with a host and a repository")
	}
	if below, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(below) {
		return errors.New("it lies in the project, where others may have written it")
	}
	return nil
}

// overlayRules is a new map: the base is shared by all entries.
func overlayRules(base, written map[string]Severity) map[string]Severity {
	rules := make(map[string]Severity, len(base)+len(written))
	maps.Copy(rules, base)
	maps.Copy(rules, written)
	return rules
}

// rulesOf are the severities that were written, by the name of the rule. Which
// rules there are is for the schema to know.
func rulesOf(written map[string]string) map[string]Severity {
	rules := make(map[string]Severity, len(written))
	for name, severity := range written {
		rules[name] = Severity(severity)
	}
	return rules
}

// known is the last word on a value of a fixed set. The schema lets ${NAME}
// stand for one; what the variable holds is checked by the schema once it is put
// in, and only a value that still looks like a reference comes this far.
func known[T ~string](value T, allowed ...T) error {
	words := make([]string, len(allowed))
	for i, one := range allowed {
		if value == one {
			return nil
		}
		words[i] = string(one)
	}
	return fmt.Errorf("it must be one of %s", strings.Join(words, ", "))
}

// sizeOf is a number of bytes of what stands under a key: a number, or a text
// with a unit.
func sizeOf(written any) (int64, error) {
	switch limit := written.(type) {
	case float64:
		return int64(limit), nil
	case string:
		size, err := humanize.ParseBytes(limit)
		if err == nil && size > 0 && size <= math.MaxInt64 {
			return int64(size), nil
		}
	}
	return 0, errors.New("it must be a size such as 512KiB or 1MiB")
}

func set[T any](to *T, written *T) {
	if written != nil {
		*to = *written
	}
}

func setWord[T ~string](to *T, written *string) {
	if written != nil {
		*to = T(*written)
	}
}

// setURL takes an address. As with known, only one that still looks like a
// reference after expansion can be wrong here.
func setURL(to *string, written *string) error {
	if written == nil {
		return nil
	}
	address, err := url.Parse(*written)
	if err != nil || address.Host == "" || address.User != nil || strings.Contains(*written, "${") {
		return errors.New("the address must begin with http:// or https:// and a host")
	}
	*to = strings.TrimRight(*written, "/")
	return nil
}

func setPath(to *string, written *string, dir string) {
	if written != nil && *written != "" {
		*to = absolute(dir, *written)
	}
}

func absolute(dir, path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}
