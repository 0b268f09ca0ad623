package wire

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What is wrong with a request is said without types of Go.
func TestRefusalsNameNoTypesOfGo(t *testing.T) {
	for _, body := range []string{`[]`, `{"message": 5}`, `{"message": `, `x`} {
		var into struct {
			Message string `json:"message"`
		}
		err := ReadJSON(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)), &into)
		if err == nil || strings.Contains(err.Error(), "Go ") || strings.Contains(err.Error(), "json:") {
			t.Errorf("%s: %v", body, err)
		}
	}
}
