package seat

import "golang.org/x/sync/errgroup"

// InTurn does something at the same time of all that are admitted, and waits for them. They are admitted
// one after the other, in order, so that what waits for its turn takes no goroutine.
func InTurn[T any](all []T, admit func(T) bool, do func(T)) {
	var group errgroup.Group
	for _, one := range all {
		if admit(one) {
			group.Go(func() error {
				do(one)
				return nil
			})
		}
	}
	_ = group.Wait() // nothing here fails
}

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
