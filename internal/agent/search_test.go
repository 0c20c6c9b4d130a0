package agent

import (
	"fmt"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"promfleet"
)

// TestSearch: whichever are bad, the search finds them and no other, in at most
// 2·log2(n)+2 reloads for each, one that is taken and one for the ground.
func TestSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "suspects")
		all := make([]suspect, n)
		for i := range all {
			all[i] = suspect{fmt.Sprint("job", i), promfleet.Hash(fmt.Sprint(i))}
		}
		isBad := map[suspect]bool{}
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, min(n, 5), rapid.ID).Draw(t, "bad") {
			isBad[all[i]] = true
		}
		s := &search{rest: slices.Clone(all), ground: rapid.Bool().Draw(t, "ground")}
		var found []suspect
		for reloads := 0; ; {
			next := s.next()
			if next.over {
				break
			}
			if next.culprit != nil {
				found = append(found, *next.culprit)
				s.found(*next.culprit)
				continue
			}
			asked := slices.Concat(s.passed, next.try)
			if slices.ContainsFunc(slices.Concat(asked, s.withheld()), func(x suspect) bool { return !slices.Contains(all, x) }) ||
				len(asked)+len(s.withheld())+len(found) != n {
				t.Fatalf("%d asked and %d withheld of %d", len(asked), len(s.withheld()), n)
			}
			if slices.ContainsFunc(asked, func(x suspect) bool { return isBad[x] }) {
				reloads += 2
				s.refused()
			} else {
				reloads++
				s.accepted()
			}
			if most := len(isBad)*(2*bits.Len(uint(n-1))+2) + 2; reloads > most {
				t.Fatalf("%d reloads for %d bad of %d, at most %d", reloads, len(isBad), n, most)
			}
		}
		if len(found) != len(isBad) || slices.ContainsFunc(found, func(x suspect) bool { return !isBad[x] }) {
			t.Fatalf("found %v, bad are %v", found, isBad)
		}
		if len(s.passed) != n-len(isBad) {
			t.Fatalf("%d passed", len(s.passed))
		}
	})
}

// TestSearchReview: what changes during a search is tried, what has gone is not.
func TestSearchReview(t *testing.T) {
	a, b, c, d := suspect{"a", "1"}, suspect{"b", "1"}, suspect{"c", "1"}, suspect{"d", "1"}
	s := &search{rest: []suspect{a, b, c}, ground: true}
	s.refused()
	s.accepted() // a passed
	b2 := suspect{"b", "2"}
	s.review([]suspect{a, b2, c, d})
	same(t, []suspect{a}, s.passed)
	same(t, 0, len(s.bad))
	same(t, []suspect{c, b2, d}, s.rest)
	s.review(nil)
	same(t, true, s.next().over)
}
