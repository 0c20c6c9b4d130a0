package e2e

import (
	"fmt"
	"strings"
	"testing"

	"promfleet"
)

// A server that can write no more says so, goes on reading, and has lost nothing
// that it has acknowledged.
func TestServerThatCannotWrite(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	token := command(t, "admin", "token", "create", "--role", "admin", "--name", "e2e", "--storage.path", dir)
	// No file may grow beyond 1 MB, which to SQLite is a disk that takes no more.
	p := runPlane(t, dir, token, "prlimit", "--fsize=1000000")
	acknowledged := 0
	var err error
	for ; err == nil && acknowledged < 10_000; acknowledged++ {
		_, err = p.JoinTokens().Create(ctx, promfleet.JoinTokenInput{Name: strings.Repeat("x", 200)})
	}
	acknowledged--
	if promfleet.ErrorCode(err) != promfleet.Unavailable || !strings.Contains(err.Error(), "make room") {
		t.Fatalf("after %d writes: %v", acknowledged, err)
	}
	if page, err := p.JoinTokens().List(ctx, nil); err != nil || page.Total != int64(acknowledged) {
		t.Errorf("reading beside it: %+v, error %v; acknowledged: %d", page, err, acknowledged)
	}
	p.proc.Stop(t)
	p = runPlane(t, dir, token)
	if page, err := p.JoinTokens().List(ctx, nil); err != nil || page.Total != int64(acknowledged) {
		t.Errorf("after a restart with room: %d of %d, error %v", page.Total, acknowledged, err)
	}
	if _, err := p.JoinTokens().Create(ctx, promfleet.JoinTokenInput{Name: fmt.Sprint(acknowledged)}); err != nil {
		t.Errorf("a write with room: %v", err)
	}
}
