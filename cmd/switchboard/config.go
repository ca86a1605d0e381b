package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"switchboard/engine/policy/finding"
)

// defaultConfig is read where it exists.
const defaultConfig = "switchboard.yaml"

// configFlag names the settings file. Its hook runs whether or not the flag is
// given, for it has a default.
type configFlag string

// BeforeResolve reads the settings file and refuses settings that nothing has,
// there or in the environment.
func (configFlag) BeforeResolve(app *kong.Kong, parsed *kong.Context, trace *kong.Path) error {
	path := string(parsed.FlagValue(trace.Flag).(configFlag))
	file, err := openSettings(path)
	switch {
	case path == "": // no file, not even the default one
		file = &settingsFile{}
	case errors.Is(err, fs.ErrNotExist) && path == defaultConfig && !given(parsed, trace.Flag.Name) && !inEnvironment(trace.Flag):
		file = &settingsFile{}
	case err != nil:
		return &exitError{exitUsage, err.Error()}
	}
	if err := checkEnvironment(app.Model, os.Environ()); err != nil {
		return &exitError{exitUsage, err.Error()}
	}
	parsed.AddResolver(file)
	parsed.Bind(file)
	return nil
}

// settingsFile gives flags their values from a YAML file: what the command line
// and the environment leave open. Its keys are the flags' names.
type settingsFile struct {
	path   string
	values map[string]setting
}

type setting struct {
	value any // a text, or a list of texts
	line  int
}

func openSettings(path string) (*settingsFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := readSettings(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.path = path
	return s, nil
}

// readSettings reads such a file. Values are taken as they are written: without
// quotes a phone number is a number to YAML, and must not be reckoned with.
func readSettings(r io.Reader) (*settingsFile, error) {
	s := &settingsFile{values: map[string]setting{}}
	var doc yaml.Node
	decoder := yaml.NewDecoder(r)
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return s, nil
	} else if err != nil {
		return nil, fmt.Errorf("the settings file is not YAML: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("the settings file goes on behind a line ---, and what follows there would be left out; remove that line")
	}
	root := doc.Content[0]
	if root.Tag == "!!null" {
		return s, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("the settings file holds no settings on line %d; write one a line, such as fallback: \"9876543210\"", root.Line)
	}
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		name := strings.ReplaceAll(key.Value, "_", "-")
		if _, twice := s.values[name]; twice {
			return nil, fmt.Errorf("settings file, line %d: %s stands there twice; remove one", key.Line, key.Value)
		}
		switch value.Kind {
		case yaml.ScalarNode:
			if value.Tag != "!!null" {
				s.values[name] = setting{value.Value, key.Line}
			}
		case yaml.SequenceNode:
			list := []any{}
			for _, item := range value.Content {
				if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
					return nil, fmt.Errorf("settings file, line %d: %s is a list of texts", item.Line, key.Value)
				}
				list = append(list, item.Value)
			}
			s.values[name] = setting{list, key.Line}
		case yaml.AliasNode:
			return nil, fmt.Errorf("settings file, line %d: %s refers to another line, which no setting does; write its value", value.Line, key.Value)
		default:
			return nil, fmt.Errorf("settings file, line %d: %s has settings of its own, which none takes; write --%[2]s's value behind it", key.Line, key.Value)
		}
	}
	return s, nil
}

// Validate refuses names that no flag has: a misspelt one would be left out in
// silence. A name that another command has is fine, as one file serves all.
func (s *settingsFile) Validate(app *kong.Application) error {
	known := settableNames(app)
	for name, v := range s.values {
		if !slices.Contains(known, name) {
			hint := "switchboard serve --help lists them"
			if near := finding.Nearest(name, known); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			return &exitError{exitUsage, fmt.Sprintf("%s: settings file, line %d: there is no setting %q; %s", s.path, v.line, name, hint)}
		}
	}
	return nil
}

// Resolve gives a flag its value; the environment goes before the file. A list
// where one value is wanted is refused here: kong would print it, and it may be a
// secret.
func (s *settingsFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if inEnvironment(flag) {
		return listInEnvironment(flag), nil
	}
	v, ok := s.values[flag.Name]
	if !ok || !settable(flag) {
		return nil, nil
	}
	if _, list := v.value.([]any); list && !flag.IsSlice() {
		return nil, &exitError{exitUsage, fmt.Sprintf("%s: settings file, line %d: %s takes one value, and a list stands there", s.path, v.line, flag.Name)}
	}
	return v.value, nil
}

// settableNames are the flags of all commands that a file may set.
func settableNames(app *kong.Application) (names []string) {
	eachFlag(app, func(flag *kong.Flag) {
		if settable(flag) {
			names = append(names, flag.Name)
		}
	})
	return names
}

func eachFlag(app *kong.Application, do func(*kong.Flag)) {
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			do(flag)
		}
		return next(nil)
	})
}

// settable reports whether the environment may set a flag; then a file may, too.
func settable(flag *kong.Flag) bool {
	return len(flag.Envs) > 0 && flag.Name != "config" && flag.Name != "help"
}

// inEnvironment reports whether the environment sets a flag.
func inEnvironment(flag *kong.Flag) bool { return environmentOf(flag) != "" }

// environmentOf is the variable that sets a flag; empty where none does.
func environmentOf(flag *kong.Flag) string {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return name
		}
	}
	return ""
}

// given reports whether a flag stands on the command line itself.
func given(parsed *kong.Context, name string) bool {
	return slices.ContainsFunc(parsed.Path, func(p *kong.Path) bool {
		return p.Flag != nil && p.Flag.Name == name && !p.Resolved
	})
}
