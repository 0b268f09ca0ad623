package app

import "context"

// Reading are the flags of a command that reads a project and what is published of it, and releases
// nothing.
type Reading struct {
	Place
	Deadline
	CacheFlag
	LocalFlags
}

// Start begins the time of the command and opens its project. What is warned of goes to standard
// error from then on. end is called when the command is done.
func (r Reading) Start(a *App) (ctx context.Context, p *Project, end func(), err error) {
	ctx, end = r.Begin(a.Stop)
	if p, err = r.Open(ctx, a); err != nil {
		end()
		return nil, nil, nil, err
	}
	a.WarnOnStderr()
	return ctx, p, end, nil
}
