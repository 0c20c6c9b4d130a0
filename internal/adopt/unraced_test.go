//go:build !race

package adopt_test

const raced = false
