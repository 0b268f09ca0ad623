package marketplace

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What is wrong with a request or a package is said without types of Go.
func TestRefusalsNameNoTypesOfGo(t *testing.T) {
	for _, body := range []string{`[]`, `{"message": 5}`, `{"message": `, `x`} {
		var into struct {
			Message string `json:"message"`
		}
		err := readJSON(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)), &into)
		if err == nil || strings.Contains(err.Error(), "Go ") || strings.Contains(err.Error(), "json:") {
			t.Errorf("%s: %v", body, err)
		}
	}
	said := unloadable(errors.New("cannot load values.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}"))
	if want := "cannot load values.yaml: a list stands where a mapping belongs"; !strings.HasSuffix(said.Error(), want) {
		t.Errorf("%v, want %s", said, want)
	}
}
