package adopt

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"promfleet/internal/render"
)

// keysOf derives a key from each job_name: readable, unique, and the same whatever
// the order of the jobs. Of several names that would have the same key, the one that
// is the key has it, else the first in byte order; the others get a suffix.
func keysOf(names []string) []string {
	claims := map[string][]string{}
	for _, name := range names {
		key := keyOf(name)
		claims[key] = append(claims[key], name)
	}
	keys := make([]string, len(names))
	for i, name := range names {
		key := keyOf(name)
		first := slices.Min(claims[key])
		if slices.Contains(claims[key], key) {
			first = key
		}
		if name != first {
			key = suffixed(key, name, claims)
		}
		keys[i] = key
	}
	return keys
}

// suffixed adds so much of a hash of the name that no other key is the same.
func suffixed(key, name string, taken map[string][]string) string {
	sum := sha256.Sum256([]byte(name))
	hash := hex.EncodeToString(sum[:])
	for n := 6; ; n += 2 {
		longer := key[:min(len(key), render.MaxKey-n-1)] + "_" + hash[:n]
		if _, ok := taken[longer]; !ok || n == len(hash) {
			return longer
		}
	}
}

// keyOf makes a key of a name: letters lose their accents, other characters than
// ASCII letters and digits are _, and one _ stands for many. A name without any gives
// job_ and a hash.
func keyOf(name string) string {
	if render.ValidKey(name) {
		return name
	}
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(name) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
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
