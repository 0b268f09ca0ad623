package changes

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/ksrelease/ksrelease/config"
)

// settings are the keys of .ksrelease.yaml that have another value for an extension than they
// had for it at a base.
func (f *finder) settings(tree *baseTree, t *today, then *was) []string {
	before, ok := tree.config.Declared(f.absolute(then.rel), tree.isExtension(f))
	if !ok {
		return nil
	}
	return differingSettings(t.source.Settings, before)
}

// differingSettings are the keys in which two settings differ, sorted as the config has them.
func differingSettings(a, b config.Settings) []string {
	var keys []string
	walkSettings("", reflect.ValueOf(a), reflect.ValueOf(b), &keys)
	return keys
}

// walkSettings goes through two structs of one type. A map or list that differs is named as a
// whole, but for the rules, each of which is a key.
func walkSettings(at string, a, b reflect.Value, keys *[]string) {
	switch {
	case a.Kind() == reflect.Struct:
		for i := range a.NumField() {
			if field := a.Type().Field(i); field.IsExported() {
				walkSettings(strings.TrimPrefix(at+"."+keyOf(field.Name), "."), a.Field(i), b.Field(i), keys)
			}
		}
	case a.Kind() == reflect.Map && a.Len()+b.Len() > 0:
		for _, name := range namesOf(a, b) {
			key := reflect.ValueOf(name).Convert(a.Type().Key())
			ours, theirs := a.MapIndex(key), b.MapIndex(key)
			if ours.IsValid() != theirs.IsValid() || ours.IsValid() && !reflect.DeepEqual(ours.Interface(), theirs.Interface()) {
				*keys = append(*keys, at+"."+name)
			}
		}
	case (a.Kind() == reflect.Slice || a.Kind() == reflect.Map) && a.Len()+b.Len() == 0: // nil and empty
	case !reflect.DeepEqual(a.Interface(), b.Interface()):
		*keys = append(*keys, at)
	}
}

// keyOf is the key of a field, as the config has it: CAFile is ca_file.
func keyOf(field string) string {
	var b strings.Builder
	runes := []rune(field)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// namesOf are the keys of two maps, sorted, each once.
func namesOf(a, b reflect.Value) []string {
	names := map[string]bool{}
	for _, m := range []reflect.Value{a, b} {
		for _, key := range m.MapKeys() {
			names[key.String()] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
