package helmchart

import (
	"context"
	"errors"
	"testing"
)

// gate is a value whose template waits for somebody to open it.
type gate struct{ reached, open chan struct{} }

// Pass is what the template calls.
func (g gate) Pass() string {
	close(g.reached)
	<-g.open
	return ""
}

// TestEndOfContext: a template that takes long holds nobody up.
func TestEndOfContext(t *testing.T) {
	ext := load(t, with(goodFiles(), "charts/web/templates/slow.yaml", "{{ .Release.gate.Pass }}"))
	loaded, err := Load(ext)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g := gate{make(chan struct{}), make(chan struct{})}
	defer close(g.open)
	loaded.Renderer.top["Release"].(map[string]any)["gate"] = g
	go func() {
		<-g.reached
		cancel()
	}()
	if _, err := loaded.Renderer.render(ctx, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the rendering ended with %v", err)
	}
}
