package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(alohaasimMain())
}

// alohaasimMain is the program without its exit, so that script tests can
// register it as a command.
func alohaasimMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Given back after the first signal: a second one ends the program even if
	// the report cannot be written.
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}
