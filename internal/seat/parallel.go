package seat

import "golang.org/x/sync/errgroup"

// InParallel does something of each at the same time, and waits for all. Work is held back by
// seats, not here, because what only waits should take no place.
func InParallel[T any](all []T, do func(T)) {
	if len(all) == 1 {
		do(all[0])
		return
	}
	var group errgroup.Group
	for _, one := range all {
		group.Go(func() error {
			do(one)
			return nil
		})
	}
	_ = group.Wait() // nothing here fails
}
