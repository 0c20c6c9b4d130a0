package agent

import (
	"errors"
	"maps"

	"promfleet"
)

// leftover keeps account of the bodies in the data path that were fetched and of
// which nothing was applied yet. An apply removes all that it does not need; a
// server that sends manifests which are refused could fill the disk without one.
type leftover struct {
	kept  map[promfleet.Hash]bool // since the last apply
	named map[promfleet.Hash]bool // by the manifest received last
}

// begin begins with another manifest.
func (l *leftover) begin() { l.named = map[promfleet.Hash]bool{} }

func (l *leftover) name(parts []promfleet.Part) {
	for _, p := range parts {
		l.named[p.Hash] = true
	}
}

func (l *leftover) keep(hash promfleet.Hash) {
	if l.kept == nil {
		l.kept = map[promfleet.Hash]bool{}
	}
	l.kept[hash] = true
}

// collected forgets them: an apply has removed what it did not need.
func (l *leftover) collected() { l.kept = nil }

// discard removes what was staged, and the copies of it.
func (t *syncTask) discard() error {
	err := t.a.disk.Discard()
	t.tidy(t.a.drift.lookout.Tidy)
	return err
}

// drop removes what neither the content nor, if it may still be received, the
// manifest names.
func (t *syncTask) dropLeftover(refused bool) error {
	t.tidy(t.a.drift.lookout.Tidy)
	l := &t.a.leftover
	wanted := map[promfleet.Hash]bool{}
	if !refused {
		maps.Copy(wanted, l.named)
	}
	if t.content != nil {
		for _, hash := range t.content.parts {
			wanted[hash] = true
		}
	}
	var errs []error
	for hash := range l.kept {
		if !wanted[hash] {
			delete(l.kept, hash)
			errs = append(errs, t.a.data.DropPart(hash))
		}
	}
	return errors.Join(errs...)
}
