package console

import "strings"

// diffLines tells the lines of a unified diff apart, without its header.
func diffLines(text string) (out []diffLine) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "diff "), strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
			if len(out) == 0 {
				continue // the header
			}
		case strings.HasPrefix(line, "@@"):
			out = append(out, diffLine{"place", line})
			continue
		}
		kind := ""
		switch {
		case strings.HasPrefix(line, "+"):
			kind = "add"
		case strings.HasPrefix(line, "-"):
			kind = "del"
		}
		out = append(out, diffLine{kind, line})
	}
	return out
}

func countLines(text string) int {
	n := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		n++
	}
	return n
}
