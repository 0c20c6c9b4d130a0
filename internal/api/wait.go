package api

import (
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// wait is a query parameter that says for how many seconds a call may be held. A
// default by tag would take 0 for absent, and 0 is how a caller says "at once".
type wait[B waitBounds] struct {
	Seconds int
	given   bool
}

// waitBounds are what a wait is if it is not given, and at the most, in seconds.
type waitBounds interface{ bounds() (standard, most int) }

// Schema implements huma.SchemaProvider.
func (wait[B]) Schema(huma.Registry) *huma.Schema {
	var b B
	standard, most := b.bounds()
	lower, upper := 0.0, float64(most)
	return &huma.Schema{Type: huma.TypeInteger, Minimum: &lower, Maximum: &upper, Default: standard}
}

// Receiver implements huma.ParamWrapper.
func (w *wait[B]) Receiver() reflect.Value { return reflect.ValueOf(w).Elem().Field(0) }

// OnParamSet implements huma.ParamReactor.
func (w *wait[B]) OnParamSet(given bool, _ any) { w.given = given }

func (w wait[B]) duration() time.Duration {
	seconds := w.Seconds
	if !w.given {
		var b B
		seconds, _ = b.bounds()
	}
	return time.Duration(seconds) * time.Second
}
