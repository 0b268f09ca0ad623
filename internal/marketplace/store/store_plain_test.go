package store

import (
	"errors"
	"strings"
	"testing"
)

// What is wrong with a package is said without types of Go.
func TestUnloadableNamesNoTypesOfGo(t *testing.T) {
	said := unloadable(errors.New("cannot load values.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}"))
	if want := "cannot load values.yaml: a list stands where a mapping belongs"; !strings.HasSuffix(said.Error(), want) {
		t.Errorf("%v, want %s", said, want)
	}
}
