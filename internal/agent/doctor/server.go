package doctor

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"promfleet"
	"promfleet/internal/agent"
	"promfleet/internal/agent/reload"
)

// askServer asks whether it is ready, which anybody may.
func (x *exam) askServer(ctx context.Context) answer {
	u, err := url.Parse(x.o.ServerURL)
	if err != nil { // Complete has parsed it
		f := failure("correct --server.url", "%s", err)
		return answer{unreached: &f}
	}
	// A redirect is looked at, not followed: it may make a GET of the agent's POST.
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return get(ctx, c, u.JoinPath("-/ready"), "--server.url")
}

func (x *exam) serverSkew(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	return dateSkew(x.askServer(ctx), start)
}

// lookAtServer tells a server that this agent can work with from all else.
func (x *exam) lookAtServer(ctx context.Context) reload.Finding {
	a := x.askServer(ctx)
	switch {
	case a.unreached != nil:
		return *a.unreached
	case a.status == http.StatusBadRequest && strings.Contains(a.body, "HTTP request to an HTTPS server"):
		return failure("write https:// in --server.url", "%s speaks TLS only", a.at)
	case a.status == http.StatusServiceUnavailable, a.status == http.StatusBadGateway, a.status == http.StatusGatewayTimeout:
		return failure("see to the server and its database", "%s answers %d: %s", a.at, a.status, a.shown())
	case a.status >= 300 && a.status < 400:
		return failure("give the address that it leads to as --server.url", "%s is sent on to %s", a.at, a.leads())
	case a.status != http.StatusOK || !strings.Contains(a.body, "promfleet is ready"):
		return failure("correct --server.url, with the path of the server's --web.external-url", "%s is answered by something else than a promfleet server: %d, %s", a.at, a.status, a.shown())
	}
	speaks := a.header.Get(promfleet.ProtocolHeader)
	protocol, err := strconv.Atoi(speaks)
	switch {
	case err != nil:
		return warning("upgrade the server if the agent is not let in", "%s is ready, and does not tell which protocol it speaks; this agent speaks %d", a.at, promfleet.ProtocolVersion)
	case protocol < promfleet.ProtocolVersion:
		return failure("upgrade the server first", "the server speaks protocol %d, and this agent %d", protocol, promfleet.ProtocolVersion)
	}
	if u, err := url.Parse(x.o.ServerURL); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		return warning("give the server TLS (--web.config.file, or a reverse proxy) and write https:// in --server.url",
			"%s is ready, but is reached without TLS: the node's credential and all secrets of its jobs go over the network in clear", a.at)
	}
	return ok("%s is ready and speaks protocol %d", a.at, protocol)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// lookAtCredential tells whether the server would let the node in. A join token is
// not used: that would spend it.
func (x *exam) lookAtCredential(ctx context.Context) reload.Finding {
	file := filepath.Join(x.o.DataPath, agent.CredentialFile)
	text, err := os.ReadFile(file)
	token := strings.TrimSpace(string(text))
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && token == "":
		return x.joinToken("the node has not joined yet")
	case err != nil:
		return failure("run doctor and agent as its owner", "%s: %s", file, cause(err))
	}
	// A part that cannot be there: no other call leaves the node as it is.
	_, err = x.server.WithToken(token).Fetch(ctx, []promfleet.PartRef{{Name: "base", Hash: promfleet.HashOf([]byte("doctor"))}})
	switch promfleet.ErrorCode(err) {
	case promfleet.Unauthorized:
		if x.o.JoinTokenFile == "" {
			return failure("if the node was deleted on the server, join again with a new join token in --join.token-file", "the server does not know the credential in %s", file)
		}
		return x.joinToken("the server does not know the credential in " + file)
	case promfleet.Forbidden:
		return failure("join again with a new join token in --join.token-file", "the server does not take the credential in %s: %s", file, err)
	case promfleet.Unavailable, promfleet.TooMany, promfleet.Internal:
		return warning("see to the server first", "there is one in %s; whether the server takes it is not known: %s", file, err)
	}
	return ok("the server takes the one in %s", file)
}

// joinToken looks at the file with a join token.
func (x *exam) joinToken(why string) reload.Finding {
	const create = "create one with promfleet join-token create and name its file with --join.token-file"
	file := x.o.JoinTokenFile
	if file == "" {
		return failure(create, "%s and needs a join token", why)
	}
	text, err := os.ReadFile(file)
	switch {
	case err != nil:
		return failure(create+", readable for "+me(), "%s, and --join.token-file %s cannot be read: %s", why, file, cause(err))
	case strings.TrimSpace(string(text)) == "":
		return failure(create, "%s, and --join.token-file %s is empty", why, file)
	case len(strings.Fields(string(text))) > 1:
		return failure(create, "%s, and --join.token-file %s has more than a token in it", why, file)
	}
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 {
		return warning("chmod 600 "+file, "%s; --join.token-file %s is %04o: others can join a node with it", why, file, info.Mode().Perm())
	}
	return ok("%s; --join.token-file %s will be used for that, and was not tried", why, file)
}
