package fleetfile

import (
	"maps"
	"slices"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// nearest gives the name that a misspelt one may have meant; "": none.
func nearest(name string, known []string) string {
	best, most := "", 3
	for _, k := range known {
		if d := distance(name, k); d < most && d < len(k)/2+1 {
			best, most = k, d
		}
	}
	return best
}

// distance is how many letters are to be added, taken away or replaced.
func distance(a, b string) int {
	if len(a) > 100 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before := row[0]
		row[0] = i + 1
		for j := range b {
			cost := before
			if a[i] != b[j] {
				cost = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
