package server_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"promfleet"
)

// Every operation of the document, for every kind of caller: who may not call it
// is told so, and who may is not.
func TestAuthorization(t *testing.T) {
	s := start(t)
	agentToken := func() string {
		jt := must(s.JoinTokens().Create(t.Context(), promfleet.JoinTokenInput{}))
		return must(s.as(jt.Secret).Register(t.Context(), registration(nodeA))).Credential
	}()
	callers := map[string]string{"none": "", "unknown": "pft_nobody", "agent": agentToken, "admin": s.token}
	for _, r := range []promfleet.Role{promfleet.RoleViewer, promfleet.RoleEditor} {
		callers[string(r)] = must(s.Tokens().Create(t.Context(), promfleet.TokenInput{Name: string(r), Role: r})).Secret
	}
	may := map[string][]string{
		"viewer": {"viewer", "editor", "admin"}, "editor": {"editor", "admin"}, "admin": {"admin"}, "agent": {"agent"},
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Role string `json:"x-role"`
		}
	}
	_, _, body := s.call("GET", "/api/v1/openapi.json", "")
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	calls := 0
	for path, item := range doc.Paths {
		for method, op := range item {
			if op.Role == "join-token" {
				continue // looks at the credential itself: TestRegistration
			}
			// Ids that nothing has, so that what is allowed changes nothing.
			target := strings.NewReplacer("{uuid}", strings.Replace(nodeA, "7b", "9b", 1), "{id}", "999999").Replace(path)
			for name, token := range callers {
				calls++
				header := "Bearer " + token
				if token == "" {
					header = ""
				}
				status, _, answer := s.call(strings.ToUpper(method), target, "", "Authorization", header)
				switch {
				case name == "none" || name == "unknown":
					if status != http.StatusUnauthorized {
						t.Errorf("%s %s as %s: %d %s", method, path, name, status, answer)
					}
				case slices.Contains(may[op.Role], name):
					if status == http.StatusUnauthorized || status == http.StatusForbidden || status >= 500 {
						t.Errorf("%s %s as %s: %d %s", method, path, name, status, answer)
					}
				case status != http.StatusForbidden:
					t.Errorf("%s %s as %s: %d, want 403", method, path, name, status)
				}
			}
		}
	}
	t.Logf("FIGURE %d calls", calls)
}
