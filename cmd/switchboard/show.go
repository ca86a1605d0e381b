package main

import (
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"switchboard/server/access"
)

// configCmd takes serve's flags and prints what they come to.
type configCmd struct {
	serveCmd
	JSON bool `name:"json" help:"Print as JSON."`
}

// The origins of a setting.
const (
	fromFlag    = "flag"
	fromEnv     = "env"
	fromFile    = "file"
	fromDefault = "default"
)

// shownSetting is a setting with its origin.
type shownSetting struct {
	Name   string `json:"name"`
	Value  any    `json:"value"`          // secrets masked
	Origin string `json:"origin"`         // flag, env, file or default
	From   string `json:"from,omitempty"` // the variable, or the file and its line
}

// Run prints the settings, then says what is wrong with them, if anything is.
func (c *configCmd) Run(parsed *kong.Context, file *settingsFile, io stdio) error {
	settings := c.settings(parsed, file)
	var err error
	if c.JSON {
		err = printJSON(io, struct {
			Settings []shownSetting `json:"settings"`
		}{settings})
	} else {
		err = printSettings(io, settings)
	}
	if err != nil {
		return err
	}
	_, err = c.settle(slog.New(slog.DiscardHandler))
	return err
}

func (c *configCmd) settings(parsed *kong.Context, file *settingsFile) (out []shownSetting) {
	for _, flag := range parsed.Selected().Flags {
		if !settable(flag) || flag.Name == "json" {
			continue
		}
		s := shownSetting{Name: flag.Name, Value: shown(flag), Origin: fromDefault}
		if given(parsed, flag.Name) {
			s.Origin = fromFlag
		} else if name := environmentOf(flag); name != "" {
			s.Origin, s.From = fromEnv, name
		} else if v, ok := file.values[flag.Name]; ok {
			s.Origin, s.From = fromFile, fmt.Sprintf("%s:%d", file.path, v.line)
		}
		out = append(out, s)
	}
	return out
}

func printSettings(io stdio, settings []shownSetting) error {
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	for _, s := range settings {
		value := "-"
		switch v := s.Value.(type) {
		case nil:
		case []string:
			value = strings.Join(v, " ")
		default:
			value = fmt.Sprint(v)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Name, value, strings.TrimSpace(s.Origin+" "+s.From))
	}
	return w.Flush()
}

// masked stands for a secret. Flags that are one carry the tag secret: "bare",
// "named" (with the name of who uses it), or "url".
const masked = "[secret]"

// shown is a flag's value for people's eyes: nil where there is none, a text or
// texts else.
func shown(flag *kong.Flag) any {
	v := flag.Target
	if v.Kind() == reflect.Slice {
		if v.Len() == 0 {
			return nil
		}
		texts := make([]string, v.Len())
		for i := range texts {
			texts[i] = mask(flag, fmt.Sprint(v.Index(i).Interface()))
		}
		return texts
	}
	text := fmt.Sprint(v.Interface())
	if v.Kind() == reflect.String && text == "" {
		return nil
	}
	return mask(flag, text)
}

// mask hides what no screen and no paste should show.
func mask(flag *kong.Flag, text string) string {
	switch flag.Tag.Get("secret") {
	case "bare":
		return masked
	case "url":
		return maskURL(text)
	case "named":
		if token, err := access.ParseToken(text, ""); err == nil && token.Name != "" {
			return token.Name + "=" + masked
		}
		return masked
	}
	return text
}

// maskURL leaves of an address where it goes. Its path and query are what opens
// many a webhook.
func maskURL(text string) string {
	name, address, named := strings.Cut(text, "=")
	if !named || strings.Contains(name, ":") {
		name, address = "", text
	} else {
		name += "="
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return masked
	}
	out := name + u.Scheme + "://" + u.Host
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		out += "/" + masked
	}
	return out
}
