package proving

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/proof"
)

// State writes the statements of what was reproduced to the byte, a line for each package: signed,
// where the config has a key for it. Of the others it says that there is none. version is that of
// ksrelease.
func (p *Proving) State(all []proof.Result, version string) error {
	var lines bytes.Buffer
	for _, r := range all {
		if r.Verdict != proof.Reproduced {
			p.app.Stderr.Print("no statement of %s: only what is reproduced to the byte is stated", strings.TrimSpace(r.Name+" "+r.Version))
			continue
		}
		statement, err := r.State(p.remote, version)
		if err != nil {
			return err
		}
		line, err := statement.Line()
		if err != nil {
			return err
		}
		if p.keys.SignsData() {
			if line, err = p.keys.Envelope(proof.StatementMediaType, bytes.TrimSuffix(line, []byte("\n"))); err != nil {
				return fmt.Errorf("signing the statement of %s %s: %w", r.Name, r.Version, err)
			}
			line = append(line, '\n')
		}
		lines.Write(line)
	}
	if lines.Len() == 0 {
		return nil
	}
	if err := atomicfile.Write(p.options.Statement, lines.Bytes(), 0o644); err != nil {
		return failure.WithHint(fmt.Errorf("writing the statements: %w", err), "name a file that can be written with --statement")
	}
	return nil
}
