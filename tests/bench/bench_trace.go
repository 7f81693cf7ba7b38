package main

import (
	"os"
	"runtime/trace"
)

// BENCH_TRACE=FILE: with Go's own tracer, for tools/dev bench trace.
func init() {
	if name := os.Getenv("BENCH_TRACE"); name != "" {
		f, err := os.Create(name)
		if err == nil {
			err = trace.Start(f)
		}
		if err != nil {
			panic(err)
		}
	}
}
