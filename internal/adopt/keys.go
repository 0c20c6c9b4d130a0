package adopt

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"promfleet/internal/render"
)

// keysOf derives a key from each job_name: readable, unique, and the same whatever
// the order of the jobs. Of several names that would have the same key, the one that
// is the key has it, else the first in byte order; the others get a suffix.
func keysOf(names []string) []string {
	claims := map[string][]string{}
	for _, name := range names {
		claims[keyOf(name)] = append(claims[keyOf(name)], name)
	}
	has := make(map[string]string, len(names)) // key by name
	taken := map[string]bool{}
	for key, by := range claims {
		slices.Sort(by)
		if i := slices.Index(by, key); i > 0 {
			by[0], by[i] = by[i], by[0]
		}
		has[by[0]], taken[key] = key, true
	}
	for _, key := range slices.Sorted(maps.Keys(claims)) {
		for _, name := range slices.Sorted(slices.Values(claims[key][1:])) {
			has[name] = suffixed(key, name, taken)
			taken[has[name]] = true
		}
	}
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = has[name]
	}
	return keys
}

// suffixed adds so much of a hash of the name that nobody else has the key.
func suffixed(key, name string, taken map[string]bool) string {
	sum := sha256.Sum256([]byte(name))
	hash := hex.EncodeToString(sum[:])
	for n := 6; ; n += 2 {
		longer := key[:min(len(key), render.MaxKey-n-1)] + "_" + hash[:n]
		if !taken[longer] || n == len(hash) {
			return longer
		}
	}
}

// keyOf makes a key of a name: other characters than ASCII letters and digits are _,
// and one _ stands for many. A name without any gives job_ and a hash.
func keyOf(name string) string {
	if render.ValidKey(name) {
		return name
	}
	var b strings.Builder
	gap := false
	for _, r := range name {
		if r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z' {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('_')
		}
		gap = false
		b.WriteRune(r)
	}
	key := b.String()
	sum := sha256.Sum256([]byte(name))
	switch {
	case key == "":
		return "job_" + hex.EncodeToString(sum[:3])
	case key[0] >= '0' && key[0] <= '9':
		key = "job_" + key
	}
	if len(key) > render.MaxKey {
		key = key[:render.MaxKey-7] + "_" + hex.EncodeToString(sum[:3])
	}
	return key
}
