//go:build unix && !linux

package doctor

func tryWriting(string) error { return nil }

func immutable(string) bool { return false }

func accessList(string) bool { return true }
