package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// defaultConfig is read where it exists.
const defaultConfig = "switchboard.yaml"

// settingsFile gives flags their values from a YAML file: what the command line
// and the environment leave open. Its keys are the flags' names.
type settingsFile map[string]any

// readSettings reads such a file. Values are taken as they are written: without
// quotes a phone number is a number to YAML, and must not be reckoned with.
func readSettings(r io.Reader) (kong.Resolver, error) {
	var doc yaml.Node
	if err := yaml.NewDecoder(r).Decode(&doc); errors.Is(err, io.EOF) {
		return settingsFile{}, nil
	} else if err != nil {
		return nil, fmt.Errorf("the settings file is not YAML: %w", err)
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("the settings file holds no settings on line %d; write one a line, such as fallback: \"9876543210\"", root.Line)
	}
	s := settingsFile{}
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		name := strings.ReplaceAll(key.Value, "_", "-")
		if _, twice := s[name]; twice {
			return nil, fmt.Errorf("settings file, line %d: %s stands there twice; remove one", key.Line, key.Value)
		}
		switch value.Kind {
		case yaml.ScalarNode:
			if value.Tag != "!!null" {
				s[name] = value.Value
			}
		case yaml.SequenceNode:
			list := []any{}
			for _, item := range value.Content {
				if item.Kind != yaml.ScalarNode {
					return nil, fmt.Errorf("settings file, line %d: %s is a list of texts", item.Line, key.Value)
				}
				list = append(list, item.Value)
			}
			s[name] = list
		default:
			return nil, fmt.Errorf("settings file, line %d: %s has settings of its own, which none takes; write --%[2]s's value behind it", key.Line, key.Value)
		}
	}
	return s, nil
}

// Validate refuses names that no flag has: a misspelt one would be left out in
// silence. A name that another command has is fine, as one file serves all.
func (s settingsFile) Validate(app *kong.Application) error {
	var known []string
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && settable(flag) {
			known = append(known, flag.Name)
		}
		return next(nil)
	})
	for name := range s {
		if !slices.Contains(known, name) {
			return &exitError{exitUsage, fmt.Sprintf("the settings file sets %q, which is no setting; switchboard serve --help lists them", name)}
		}
	}
	return nil
}

// Resolve gives a flag its value; the environment goes before the file.
func (s settingsFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := s[flag.Name]
	if !ok || !settable(flag) {
		return nil, nil
	}
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	return value, nil
}

// settable reports whether the environment may set a flag; then a file may, too.
func settable(flag *kong.Flag) bool { return len(flag.Envs) > 0 }

// given reports whether a flag stands on the command line itself.
func given(parsed *kong.Context, name string) bool {
	return slices.ContainsFunc(parsed.Path, func(p *kong.Path) bool {
		return p.Flag != nil && p.Flag.Name == name && !p.Resolved
	})
}
