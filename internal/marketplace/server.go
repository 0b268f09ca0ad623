package marketplace

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer is an http.Server for a marketplace, or for a handler around one, that
// bounds how long a client may take for its request and for the answer, and how much
// its headers may be. It prints nothing.
func NewServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		// The default goes to standard error, which is not for a package to write to.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
}
