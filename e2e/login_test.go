package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"promfleet"
)

// Many who log in at the same moment do not make the server large: each hash takes
// memory, and few are made at a time.
func TestManyLogins(t *testing.T) {
	const logins, bound = 200, 256 << 20
	p := startPlane(t)
	ctx := t.Context()
	const password = "correct horse battery"
	user, err := p.Users().Create(ctx, promfleet.UserInput{Name: "alice", Role: promfleet.RoleViewer})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetPassword(ctx, user.ID, promfleet.PasswordInput{Password: password}); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(promfleet.Login{Name: "alice", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	const name = "process_resident_memory_bytes"
	before := metric(t, p.url, name, nil)
	statuses := make(chan int, logins)
	var all sync.WaitGroup
	for range logins {
		all.Go(func() {
			resp, err := http.Post(p.url+"/api/v1/session", "application/json", bytes.NewReader(body))
			if err != nil {
				statuses <- 0
				return
			}
			_ = resp.Body.Close()
			statuses <- resp.StatusCode
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	peak := before
	for done := false; !done; {
		select {
		case <-ended:
			done = true
		default:
		}
		peak = max(peak, metric(t, p.url, name, nil))
	}
	close(statuses)
	for st := range statuses {
		if st != http.StatusOK {
			t.Errorf("a login gave %d", st)
		}
	}
	t.Logf("FIGURE %d logins at once: %.0f MiB before, %.0f MiB at the most", logins, before/(1<<20), peak/(1<<20))
	if peak > bound {
		t.Errorf("the server grew to %.0f MiB, more than %d MiB", peak/(1<<20), bound>>20)
	}
}
