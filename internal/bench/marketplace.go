package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// marketplace is a local marketplace in a process of its own, as the real one
// would be: what it costs is not counted as ksrelease's.
type marketplace struct {
	address string   // with the scheme, as clients reach it
	far     *farAway // what it is behind; nil where it is near
	near    string   // the address of the server itself
	cmd     *exec.Cmd
	exited  chan error
	output  *bytes.Buffer
}

// startMarketplace serves an empty one, so far away, and returns when it answers.
func startMarketplace(ctx context.Context, ksrelease, dir string, away time.Duration) (*marketplace, error) {
	host, err := freeAddress()
	if err != nil {
		return nil, err
	}
	m := &marketplace{near: "http://" + host, exited: make(chan error, 1), output: &bytes.Buffer{}}
	m.address = m.near
	args := []string{"marketplace", "serve", "--addr", host, "--dir", dir}
	if away > 0 {
		if m.far, err = newFarAway(host, away); err != nil {
			return nil, err
		}
		m.address = "http://" + m.far.host
		args = append(args, "--external-url", m.address) // or it answers to no other host than its own
	}
	m.cmd = exec.CommandContext(ctx, ksrelease, args...)
	m.cmd.Stdout, m.cmd.Stderr = m.output, m.output
	m.cmd.Cancel = func() error { return m.cmd.Process.Signal(os.Interrupt) }
	m.cmd.WaitDelay = 5 * time.Second
	if err := m.cmd.Start(); err != nil {
		if m.far != nil {
			m.far.close()
		}
		return nil, fmt.Errorf("starting the marketplace: %w", err)
	}
	go func() { m.exited <- m.cmd.Wait() }()
	if err := m.answers(ctx); err != nil {
		m.stop()
		return nil, err
	}
	return m, nil
}

// answers waits until the index is served.
func (m *marketplace) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.near+"/index.yaml", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-again.C:
		case err := <-m.exited:
			m.exited <- err // for stop
			return fmt.Errorf("starting the marketplace: it ended before it answered: %w\n%s", err, m.output)
		case <-ctx.Done():
			return fmt.Errorf("waiting for the marketplace to answer at %s: %w", m.near, context.Cause(ctx))
		}
	}
}

// stop ends the process and waits for it.
func (m *marketplace) stop() {
	if m.far != nil {
		m.far.close()
	}
	// The process may have ended on its own; then there is nothing to interrupt.
	_ = m.cmd.Process.Signal(os.Interrupt)
	select {
	case <-m.exited:
	case <-time.After(5 * time.Second):
		_ = m.cmd.Process.Kill()
		<-m.exited
	}
}

// freeAddress is a port of this host on which nothing listens just now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
