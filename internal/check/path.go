package check

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var plainKey = regexp.MustCompile(`^[A-Za-z_][0-9A-Za-z_-]*$`)

// withKey appends a key of a mapping to a path. Keys that are no plain words are
// quoted: params["match[]"].
func withKey(path, key string) string {
	if !plainKey.MatchString(key) {
		return path + "[" + strconv.Quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// withIndex appends an index of a list to a path.
func withIndex(path string, i int) string {
	return path + "[" + strconv.Itoa(i) + "]"
}

// SplitPath takes a path apart, as Error.Field and Secrets give them: each step
// is a string, a key of a mapping, or an int, an index of a list. A step "<<" is
// YAML's merge key where the document uses it; aliases take no step.
func SplitPath(path string) ([]any, error) {
	var steps []any
	for rest := path; rest != ""; {
		switch {
		case strings.HasPrefix(rest, `["`):
			quoted, err := strconv.QuotedPrefix(rest[1:])
			if err != nil || !strings.HasPrefix(rest[1+len(quoted):], "]") {
				return nil, fmt.Errorf("path %q: the quoted key does not end", path)
			}
			key, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, fmt.Errorf("path %q: %w", path, err)
			}
			steps, rest = append(steps, key), rest[len(quoted)+2:]
		case rest[0] == '[':
			digits, after, ok := strings.Cut(rest[1:], "]")
			i, err := strconv.Atoi(digits)
			if !ok || err != nil || i < 0 {
				return nil, fmt.Errorf("path %q: %q is no index", path, digits)
			}
			steps, rest = append(steps, i), after
		default:
			if len(steps) > 0 {
				if rest[0] != '.' {
					return nil, fmt.Errorf("path %q: a dot is missing before %q", path, rest)
				}
				rest = rest[1:]
			}
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if end == 0 {
				return nil, fmt.Errorf("path %q: a key is empty", path)
			}
			steps, rest = append(steps, rest[:end]), rest[end:]
		}
	}
	return steps, nil
}
