package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/ksrelease/ksrelease/internal/registry"
)

// lockPause is the time between two looks at a lock that another process has.
const lockPause = 100 * time.Millisecond

// lock keeps other copies on this machine away from a repository, until unlock is called: of two
// processes that copy the same, the second one finds what the first one has brought. A process that was
// killed holds no lock. Where there is no place for locks, nobody is kept away: that costs time, and no
// more.
func (m *Mirror) lock(ctx context.Context, to registry.Reference) (unlock func(), err error) {
	if m.Locks == "" || os.MkdirAll(m.Locks, 0o700) != nil {
		return func() {}, nil
	}
	sum := sha256.Sum256([]byte(to.Name()))
	file := flock.New(filepath.Join(m.Locks, hex.EncodeToString(sum[:8])+".lock"))
	if _, err := file.TryLockContext(ctx, lockPause); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return func() {}, nil
	}
	return func() { _ = file.Close() }, nil // the lock goes with it
}
