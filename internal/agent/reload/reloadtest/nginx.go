package reloadtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"promfleet/internal/proctest"
)

// Nginx is a real one before a Prometheus.
type Nginx struct {
	URL string
	CA  string // file with its certificate, if it has TLS
	dir string
}

// Front says what an nginx does beside passing on.
type Front struct {
	User, Password string // of Basic auth, if set
	TLS            bool
	Locations      string // more of the server section
}

// StartNginx starts an nginx that passes on to a URL.
func StartNginx(t testing.TB, to string, f Front) *Nginx {
	t.Helper()
	n := &Nginx{dir: t.TempDir()}
	addr, listen, options := proctest.FreeAddr(t), "", f.Locations
	n.URL, listen = "http://"+addr, addr
	if f.TLS {
		n.URL, listen, n.CA = "https://"+addr, addr+" ssl", filepath.Join(n.dir, "cert.pem")
		n.certify(t)
		options += "ssl_certificate cert.pem; ssl_certificate_key key.pem;\n"
	}
	if f.User != "" {
		n.SetPassword(t, f.User, f.Password)
		options += "auth_basic prometheus; auth_basic_user_file users;\n"
	}
	conf := fmt.Sprintf(`daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {
    listen %s;
    %s
    location / { proxy_pass %s; proxy_read_timeout 100s; }
  }
}
`, listen, options, to)
	n.write(t, "nginx.conf", conf)
	child := proctest.Start(t, proctest.Part(t, "PROMFLEET_NGINX"), "-p", n.dir+"/", "-c", "nginx.conf", "-e", "stderr")
	child.WaitFor(t, "nginx listens", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return n
}

// SetPassword makes another password the one that is accepted.
func (n *Nginx) SetPassword(t testing.TB, user, password string) {
	t.Helper()
	n.write(t, "users", user+":{PLAIN}"+password+"\n")
}

func (n *Nginx) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certify gives nginx a certificate of its own making.
func (n *Nginx) certify(t testing.TB) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "nginx"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	n.write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	n.write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}
