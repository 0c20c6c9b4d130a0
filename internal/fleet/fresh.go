package fleet

import (
	"context"
	"errors"
)

// Fresh tells whether a store is so new that nothing in it is sealed: only then
// may a new secret key be made for it.
func Fresh(ctx context.Context, store Store) (fresh bool, err error) {
	err = store.View(ctx, func(tx Tx) error {
		if _, err := tx.Setting(ctx, keyCheck); !errors.Is(err, ErrNotFound) {
			return err
		}
		// A database that an older version made has nodes and no key-check.
		fresh = true
		for _, deleted := range []bool{false, true} {
			nodes, err := tx.ListNodes(ctx, NodeQuery{ListQuery: ListQuery{Limit: 1, Deleted: deleted}})
			if err != nil {
				return err
			}
			fresh = fresh && nodes.Total == 0
		}
		return nil
	})
	return fresh, storeError(err)
}
