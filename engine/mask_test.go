package engine

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
)

func TestMask(t *testing.T) {
	tests := []struct{ in, want string }{
		{"9988912345", "…2345"},
		{"+91 99889 12345", "+…2345"},
		{"+91-99889.12345", "+…2345"},
		{"919988912345", "…2345"},
		{"12345678", "…78"},
		{"12345", "…45"},
		{"1234", "1234"},
		{"", ""},
		{"99889xxxxx", "99889xxxxx"},
		{"anonymous", "anonymous"},
		{"९९८८९१२३४५", "…२३४५"},
		{"the number +91 99889 12345 is not possible", "the number +…2345 is not possible"},
		{"https://s3.example.com/2023-02-28/918645658689_09988912345.mp3?k=%2B919988912345",
			"https://s3.example.com/2023-02-28/…8689_…2345.mp3?k=%2B…2345"},
		{"listening on 192.168.100.200:8081", "listening on 192.168.100.200:8081"},
		{"at 2026-11-22 12:35:49 after 1.234567s", "at 2026-11-22 12:35:49 after 1.234567s"},
		{"2026-11-22", "2026-11-22"},
		{"2026-13-22", "…22"},
		{"2026-11-229", "…29"},
		{"line 1234, column 5678", "line 1234, column 5678"},
		{"9988912345, 9988912346", "…2345, …2346"},
	}
	for _, tt := range tests {
		if got := Mask(tt.in); got != tt.want {
			t.Errorf("Mask(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, s := range append(spellings, "GET /x?caller_number=+919988912345&did=918645658689", "2026-11-22 9988912345") {
		f.Add(s)
	}
	long := regexp.MustCompile(`[0-9]{7,}`)
	f.Fuzz(func(t *testing.T, s string) {
		got := Mask(s)
		if long.MatchString(got) {
			t.Errorf("Mask(%q) = %q shows a number", s, got)
		}
		if again := Mask(got); again != got {
			t.Errorf("Mask(%q) = %q, masked again %q", s, got, again)
		}
		if !strings.ContainsFunc(s, unicode.IsDigit) && got != string([]rune(s)) {
			t.Errorf("Mask(%q) = %q changes a text without digits", s, got)
		}
	})
}
