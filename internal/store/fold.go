package store

import (
	"database/sql/driver"
	"fmt"
	"strings"

	"modernc.org/sqlite"
)

// fold makes text comparable without regard to case. Upper case first, because
// some letters (the Greek sigmas) differ in lower case only.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

// searchText joins what q is looked up in by a character that text does not have.
func searchText(fields ...string) string { return fold(strings.Join(fields, "\x1f")) }

// SQLite's own lower() knows ASCII only; the migrations need the one that writes.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("promfleet_fold", 1,
		func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			s, ok := args[0].(string)
			if !ok {
				return nil, fmt.Errorf("promfleet_fold: a %T is no text", args[0])
			}
			return fold(s), nil
		})
}
