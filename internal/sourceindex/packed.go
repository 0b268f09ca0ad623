package sourceindex

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// A summary is kept as its values alone, field by field: less than half of what JSON needs, and read in a
// third of the time. So its form is that of the Go types, and of one build of the program, as all
// that a store of state has.

// Packed is a summary in few bytes, for who keeps those of very many extensions.
type Packed []byte

// Pack gives the summary of the extension at a path as bytes, which the index shares where it has the same.
// It is nil where what Unpack would make of it is another one.
func (x *Index) Pack(path string, known *extension.Summary) Packed {
	packed, ok := pack(known)
	if !ok {
		return nil
	}
	if x != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		if r := x.records[path]; r != nil && bytes.Equal(r.summary, packed) {
			return r.summary
		}
	}
	return packed
}

// Unpack gives the summary that was packed.
func (p Packed) Unpack() *extension.Summary { return unpack(p) }

// pack is a summary as bytes. ok is false where these would be another one.
func pack(s *extension.Summary) (packed []byte, ok bool) {
	buffer := make([]byte, 0, 4<<10)
	packed, ok = appendValue(buffer, reflect.ValueOf(s).Elem())
	packed = bytes.Clone(packed) // of many, what a slice has grown beyond its end would be a third
	return packed, ok && reflect.DeepEqual(s, unpack(packed))
}

// unpack reads what pack has made; nil for what it has not. Its texts share one piece of memory.
func unpack(packed []byte) *extension.Summary {
	s := new(extension.Summary)
	in := &unpacker{reader{rest: packed}, string(packed)}
	in.read(reflect.ValueOf(s).Elem())
	if in.broken || len(in.rest) > 0 {
		return nil
	}
	return s
}

// appendValue appends a value: texts and lists behind their length, which is one more for a list than it
// has, since none is nil. ok is false for a type that no summary has.
func appendValue(out []byte, v reflect.Value) (_ []byte, ok bool) {
	ok = true
	switch v.Kind() {
	case reflect.String:
		return appendText(out, v.String()), true
	case reflect.Bool:
		if v.Bool() {
			return append(out, 1), true
		}
		return append(out, 0), true
	case reflect.Int, reflect.Int64:
		return binary.AppendVarint(out, v.Int()), true
	case reflect.Uint8:
		return append(out, byte(v.Uint())), true
	case reflect.Struct:
		for i := 0; ok && i < v.NumField(); i++ {
			out, ok = appendValue(out, v.Field(i))
		}
		return out, ok
	case reflect.Pointer:
		if v.IsNil() {
			return append(out, 0), true
		}
		return appendValue(append(out, 1), v.Elem())
	case reflect.Slice:
		if v.IsNil() {
			return append(out, 0), true
		}
		out = binary.AppendUvarint(out, uint64(v.Len())+1)
		for i := 0; ok && i < v.Len(); i++ {
			out, ok = appendValue(out, v.Index(i))
		}
		return out, ok
	case reflect.Map:
		if v.IsNil() {
			return append(out, 0), true
		}
		keys := v.MapKeys()
		if v.Type().Key().Kind() != reflect.String {
			return out, false
		}
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
		out = binary.AppendUvarint(out, uint64(len(keys))+1)
		for _, key := range keys {
			if out, ok = appendValue(appendText(out, key.String()), v.MapIndex(key)); !ok {
				return out, false
			}
		}
		return out, true
	case reflect.Interface: // what an import-values of a dependency has
		text, err := json.Marshal(v.Interface())
		return appendText(out, string(text)), err == nil
	}
	return out, false
}

// unpacker reads values out of a text.
type unpacker struct {
	reader
	text string // all of it
}

// words is a text, which is a part of that of all.
func (in *unpacker) words() string {
	n := len(in.bytes())
	if in.broken {
		return ""
	}
	end := len(in.text) - len(in.rest)
	return in.text[end-n : end]
}

// count is how many a list has; -1 for nil. Each has at least a byte.
func (in *unpacker) count() int {
	n := in.uvarint()
	if n > uint64(len(in.rest))+1 {
		in.rest, in.broken = nil, true
		return -1
	}
	return int(n) - 1
}

// read sets a value to what appendValue has appended of one.
func (in *unpacker) read(v reflect.Value) {
	if in.broken {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(in.words())
	case reflect.Bool:
		v.SetBool(in.take(1)[0] == 1)
	case reflect.Int, reflect.Int64:
		v.SetInt(in.varint())
	case reflect.Uint8:
		v.SetUint(uint64(in.take(1)[0]))
	case reflect.Struct:
		for i := range v.NumField() {
			in.read(v.Field(i))
		}
	case reflect.Pointer:
		if in.take(1)[0] == 1 {
			v.Set(reflect.New(v.Type().Elem()))
			in.read(v.Elem())
		}
	case reflect.Slice:
		if n := in.count(); n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := 0; i < n && !in.broken; i++ {
				in.read(v.Index(i))
			}
		}
	case reflect.Map:
		if n := in.count(); n >= 0 {
			v.Set(reflect.MakeMapWithSize(v.Type(), n))
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			for i := 0; i < n && !in.broken; i++ {
				key.SetString(in.words())
				value.SetZero()
				in.read(value)
				v.SetMapIndex(key, value)
			}
		}
	case reflect.Interface:
		in.broken = in.broken || json.NewDecoder(strings.NewReader(in.words())).Decode(v.Addr().Interface()) != nil
	}
}
