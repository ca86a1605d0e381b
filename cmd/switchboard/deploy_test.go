package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

var flagInText = regexp.MustCompile(`--([a-z][a-z-]+)`)

// Other programs' flags that stand in the examples.
var foreignFlags = []string{"from-file", "read-only", "cap-drop", "isolation", "build-context", "security-opt", "from", "chown"}

// TestDeployFilesUseFlagsThatExist holds the examples against the program.
func TestDeployFilesUseFlagsThatExist(t *testing.T) {
	var known []string
	eachFlag(commandLine(t), func(f *kong.Flag) { known = append(known, f.Name) })
	for _, name := range []string{"container/Containerfile", "systemd/switchboard.service", "kubernetes/switchboard.yaml"} {
		text, err := os.ReadFile(filepath.Join("..", "..", ".deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, m := range flagInText.FindAllStringSubmatch(string(text), -1) {
			found++
			if !slices.Contains(known, m[1]) && !slices.Contains(foreignFlags, m[1]) {
				t.Errorf("%s uses --%s, which is no flag", name, m[1])
			}
		}
		if found < 5 {
			t.Errorf("%s: only %d flags were found", name, found)
		}
	}
}

// TestTheKubernetesExampleServes takes the policies out of the ConfigMap as the
// kubelet would mount them, and runs the program with the arguments given there,
// in a folder that nobody may write to.
func TestTheKubernetesExampleServes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", ".deploy", "kubernetes", "switchboard.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Kind string
		Data map[string]string
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct{ Args []string }
					Volumes    []struct {
						ConfigMap *struct{ Items []struct{ Key, Path string } } `yaml:"configMap"`
					}
				}
			}
		}
	}
	files, args, mount := map[string]string{}, []string(nil), t.TempDir()
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var o object
		if dec.Decode(&o) != nil {
			break
		}
		switch o.Kind {
		case "ConfigMap":
			files = o.Data
		case "StatefulSet":
			args = o.Spec.Template.Spec.Containers[0].Args
			for _, v := range o.Spec.Template.Spec.Volumes {
				if v.ConfigMap == nil {
					continue
				}
				// Real files lie in a hidden folder; what shows are links through
				// ..data, which is repointed at once.
				for _, item := range v.ConfigMap.Items {
					write(t, filepath.Join(mount, "policies", "..v1", item.Path), files[item.Key])
					write(t, filepath.Join(mount, "policies", "..v2", item.Path), strings.Replace(files[item.Key], `"desk"`, `"mended"`, 1))
					link(t, "..v1", filepath.Join(mount, "policies", "..data"))
					top, _, _ := strings.Cut(item.Path, "/")
					link(t, "..data/"+top, filepath.Join(mount, "policies", top))
				}
			}
		}
	}
	write(t, filepath.Join(mount, "secrets", "keys"), "key-0123456789abcdef\n")
	write(t, filepath.Join(mount, "secrets", "tokens"), "token-0123456789abcdef\n")
	data, root := t.TempDir(), t.TempDir()
	for i, a := range args {
		args[i] = strings.NewReplacer("=/policies", "="+mount+"/policies", "=/secrets", "="+mount+"/secrets", "=/data", "="+data,
			"0.0.0.0:8080", "127.0.0.1:0", "0.0.0.0:8081", "127.0.0.1:0").Replace(a)
	}
	if err := os.Chmod(root, 0o500); err != nil {
		t.Fatal(err)
	}
	ready := filepath.Join(data, "ready.json")
	cmd := exec.Command(switchboardBinary(t), append(args, "--ready-file", ready)...)
	var log safeBuffer
	cmd.Dir, cmd.Stderr = root, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	var at struct{ Public string }
	poll(t, "the server to be ready", func() bool {
		text, err := os.ReadFile(ready)
		return err == nil && json.Unmarshal(text, &at) == nil
	})
	link(t, "..v2", filepath.Join(mount, "policies", "..next"))
	if err := os.Rename(filepath.Join(mount, "policies", "..next"), filepath.Join(mount, "policies", "..data")); err != nil {
		t.Fatal(err)
	}
	calls := 0
	poll(t, "the edited ConfigMap to be live", func() bool {
		calls++
		resp, err := http.Post("http://"+at.Public+"/alohaa/get-receiver-details?key=key-0123456789abcdef", "application/json",
			strings.NewReader(fmt.Sprintf(`{"caller_number": "9988912345", "did": "918645658689", "call_id": "k%d"}`, calls)))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("answered %d, %v", resp.StatusCode, err)
		}
		return strings.Contains(log.String(), `"reason":"mended"`)
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v:\n%s", err, log.String())
	}
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 0 {
		t.Errorf("the root has %v, %v", entries, err)
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	_ = os.Remove(at)
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// safeBuffer is read while it is written to.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
