package fleet

import (
	"encoding/json"
	"testing"

	"promfleet"
)

// An event of a version that knew fewer fields says what it left all the same.
func TestOldEventsStand(t *testing.T) {
	now := promfleet.Job{ID: 1, Node: "n", Key: "k", JobName: "k", ScrapeConfig: json.RawMessage(`{"a":"<b>"}`), Contacts: []int64{}}
	old := `{"id":1,"node":"n","key":"k","job_name":"k","remark":"","scrape_config":{"a":"<b>"},"contacts":[],"created_at":"0001-01-01T00:00:00Z","updated_at":"0001-01-01T00:00:00Z"}`
	r := &reverting{event: &EventRecord{Event: promfleet.Event{ID: 7, Object: "job/1", After: json.RawMessage(old)}}}
	if err := stands(r, now); err != nil {
		t.Errorf("as it was left: %v", err)
	}
	now.ManagedBy = "files"
	if err := stands(r, now); promfleet.ErrorCode(err) != promfleet.Conflict {
		t.Errorf("changed since: %v", err)
	}
}
