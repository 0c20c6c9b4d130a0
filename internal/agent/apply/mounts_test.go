package apply

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestMountPoints(t *testing.T) {
	const text = `22 1 0:20 / / rw,relatime - overlay overlay rw
45 22 8:1 /srv/p.yml /etc/prometheus/prometheus.yml rw,relatime master:1 - ext4 /dev/sda1 rw
46 22 8:1 / /mnt/with\040space rw - ext4 /dev/sda1 rw
`
	points, err := mountPoints(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/", "/etc/prometheus/prometheus.yml", "/mnt/with space"} {
		if !points[want] {
			t.Errorf("%q is not among %v", want, points)
		}
	}
}

func TestMissingDirectoryIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none", "prometheus.yml")
	err := notMounted(file)
	if err == nil || !strings.Contains(err.Error(), "--prometheus.config-file "+file) || !strings.Contains(err.Error(), "create it") {
		t.Errorf("error %v", err)
	}
}
