package account

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/ksrelease/ksrelease/internal/app"
)

// Whoever waits for a key that does not come is not in the way of an interrupt.
func TestLoginIsInterruptedWhileItReads(t *testing.T) {
	silent, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	defer writer.Close()
	stop, interrupt := context.WithCancelCause(t.Context())
	a := &app.App{Stdin: silent, Stop: stop}
	failed := make(chan error)
	go func() {
		_, err := (&LoginCommand{TokenStdin: true}).key(a, "https://apis.example.com")
		failed <- err
	}()
	interrupt(errors.New("interrupted"))
	if err := <-failed; err == nil || err.Error() != "reading the API key from standard input: interrupted" {
		t.Errorf("%v", err)
	}
}
