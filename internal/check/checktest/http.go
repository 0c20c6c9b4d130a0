package checktest

// http sets what an HTTP client has: authentication, TLS, proxies, headers.
func (g generator) http(m map[string]any) {
	switch g.r.IntN(8) {
	case 0:
		auth := map[string]any{"username": g.text()}
		if g.chance(2) {
			auth["password"] = g.text()
		} else {
			auth["password_file"] = "/etc/prometheus/secrets/password"
		}
		m["basic_auth"] = auth
	case 1:
		auth := map[string]any{"credentials": g.text()}
		g.maybe(auth, "type", g.one("Bearer", "Token", " ApiKey "))
		m["authorization"] = auth
	case 2:
		m["authorization"] = map[string]any{"credentials_file": "token"}
	case 3:
		m["oauth2"] = map[string]any{
			"client_id": "promfleet", "client_secret": g.text(), "token_url": "https://auth.example.com/token",
			"scopes": g.strings(g.r.IntN(3)), "endpoint_params": map[string]any{"audience": g.text()},
		}
	case 4:
		m["bearer_token"] = "abc" + g.text()
	}
	if g.chance(4) {
		tls := map[string]any{}
		g.maybe(tls, "ca_file", "ca.pem")
		g.maybe(tls, "server_name", g.one("example.com", "yes", "012"))
		g.maybe(tls, "insecure_skip_verify", g.bool())
		g.maybe(tls, "min_version", g.one("TLS10", "TLS11", "TLS12", "TLS13"))
		if g.chance(3) {
			tls["cert_file"], tls["key_file"] = "/etc/ssl/c.pem", "/etc/ssl/k.pem"
		}
		m["tls_config"] = tls
	}
	switch g.r.IntN(8) {
	case 0:
		m["proxy_url"] = g.one("http://proxy:3128", "http://user:pa%24s@proxy:3128/")
		g.maybe(m, "no_proxy", "localhost,10.0.0.0/8")
		g.maybe(m, "proxy_connect_header", map[string]any{"Proxy-Auth": g.strings(1 + g.r.IntN(2))})
	case 1:
		m["proxy_from_environment"] = true
	}
	if g.chance(8) {
		m["http_headers"] = map[string]any{
			"X-Tenant": map[string]any{"values": g.strings(1)},
			"X-Key":    map[string]any{"secrets": g.strings(2), "files": []any{"key"}},
		}
	}
	g.maybe(m, "follow_redirects", g.bool())
	g.maybe(m, "enable_http2", g.bool())
}

// discoveries are the kinds of service discovery that ScrapeConfig draws from.
var discoveries = []struct {
	name string
	make func(g generator) any
}{
	{"static_configs", func(g generator) any {
		sd := map[string]any{"targets": []any{"127.0.0.1:9100", g.one("[::1]:9100", "localhost", "example.com:443")}}
		g.maybe(sd, "labels", map[string]any{"env": g.text(), "a.b": g.text()})
		return sd
	}},
	{"file_sd_configs", func(g generator) any {
		sd := map[string]any{"files": []any{g.one("sd/*.json", "/etc/prometheus/x.yml", "a b.yaml")}}
		g.maybe(sd, "refresh_interval", g.one("30s", "10m"))
		return sd
	}},
	{"http_sd_configs", func(g generator) any {
		sd := map[string]any{"url": g.one("http://127.0.0.1:1/sd", "https://u:p@example.com/sd?a=b&c=$d")}
		g.http(sd)
		return sd
	}},
	{"dns_sd_configs", func(g generator) any {
		sd := map[string]any{"names": []any{"_p._tcp.example.com"}}
		if g.chance(2) {
			sd["type"], sd["port"] = g.one("A", "AAAA"), g.number(65536)
		}
		return sd
	}},
	{"consul_sd_configs", func(g generator) any {
		sd := map[string]any{"server": "127.0.0.1:8500"}
		g.maybe(sd, "services", g.strings(2))
		g.maybe(sd, "tag_separator", g.one(",", "|"))
		switch g.r.IntN(3) {
		case 0:
			sd["token"] = g.text()
		case 1:
			sd["username"], sd["password"] = "u", "p"
		}
		return sd
	}},
	{"kubernetes_sd_configs", func(g generator) any {
		sd := map[string]any{"role": g.one("node", "pod", "service", "endpoints", "endpointslice", "ingress")}
		g.maybe(sd, "namespaces", map[string]any{"names": []any{"default", "kube-system"}})
		if g.chance(3) {
			sd["api_server"] = "https://127.0.0.1:6443"
			g.http(sd)
		}
		return sd
	}},
	{"ec2_sd_configs", func(g generator) any {
		sd := map[string]any{"region": "eu-west-1"}
		g.maybe(sd, "access_key", "AKIA")
		g.maybe(sd, "secret_key", g.text())
		g.maybe(sd, "filters", []any{map[string]any{"name": "tag:env", "values": []any{"prod"}}})
		return sd
	}},
	{"openstack_sd_configs", func(g generator) any {
		return map[string]any{"role": g.one("instance", "hypervisor"), "region": "r", "password": g.text()}
	}},
	{"docker_sd_configs", func(g generator) any {
		return map[string]any{"host": "unix:///var/run/docker.sock"}
	}},
}
