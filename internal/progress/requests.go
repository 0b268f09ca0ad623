package progress

import (
	"context"
	"time"

	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Requests is a context whose requests report what they do: a note for each retry, and activities
// for a [Board].
func Requests(ctx context.Context, report func(results.Event)) context.Context {
	show := func(a results.Activity) { report(results.Event{Kind: results.EventActivity, Activity: &a}) }
	ctx = transport.WithNotify(ctx, func(r transport.Retry) {
		report(results.Event{Kind: results.EventNote, Message: r.String()})
	})
	return transport.WithWatch(ctx, transport.Watch{
		Pauses: func(why string, until time.Time) { show(results.Activity{Waiting: why, Again: until}) },
		Sends:  func(s *transport.Sending) { show(results.Activity{Sent: s.Bytes}) },
	})
}
