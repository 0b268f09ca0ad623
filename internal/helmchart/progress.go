package helmchart

import "context"

type templatesKey struct{}

// WithTemplates makes renderings under ctx say which template they begin.
func WithTemplates(ctx context.Context, begin func(template string)) context.Context {
	return context.WithValue(ctx, templatesKey{}, begin)
}

// atTemplate says which template is begun, "" where that is not known.
func atTemplate(ctx context.Context, template string) {
	if begin, ok := ctx.Value(templatesKey{}).(func(string)); ok {
		begin(template)
	}
}
