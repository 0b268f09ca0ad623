package transport

import "context"

// noMore is why no further attempt is made after the first step of a context that ends
// gracefully: a request that is under way goes on to its answer or its deadline, but one that
// would have to wait is not made.
func noMore(stop context.Context) string {
	return context.Cause(stop).Error() + " before the next attempt"
}
