package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
)

type versionCmd struct {
	JSON bool `name:"json" help:"Print as JSON."`
}

// version is set by release builds (-ldflags "-X main.version=v1.2.3").
var version = ""

type versionInfo struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OPA     string `json:"opa"`
}

func versions() versionInfo {
	info := versionInfo{Version: version}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	info.Go = build.GoVersion
	if info.Version == "" {
		info.Version = build.Main.Version
	}
	for _, dep := range build.Deps {
		if dep.Path == "github.com/open-policy-agent/opa" {
			info.OPA = dep.Version
		}
	}
	return info
}

// Run prints the program's version and that of the policy language it embeds.
func (c *versionCmd) Run(io stdio) error {
	v := versions()
	if c.JSON {
		return json.NewEncoder(io.out).Encode(v)
	}
	_, err := fmt.Fprintf(io.out, "switchboard %s (%s, OPA %s)\n", v.Version, v.Go, v.OPA)
	return err
}
