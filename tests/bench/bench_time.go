// bench_time.go - bench_go_time.c in Go; second half of bench_ops.go.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"sort"
	"strings"
	"syscall"
	"time"
)

// ---- time and contexts ----

func opTimer(n int) {
	for i := 0; i < n; i++ {
		t := time.NewTimer(time.Hour)
		t.Stop()
	}
}

func sleeper(times int) {
	for i := 0; i < times; i++ {
		time.Sleep(time.Millisecond)
	}
	wg.Done()
}

func opSleepers(n int) {
	wg.Add(n / 10)
	for i := 0; i < n/10; i++ {
		go sleeper(10)
	}
	wg.Wait()
}

func opContext(n int) {
	parent, cancelParent := context.WithCancel(context.Background())
	for i := 0; i < n; i++ {
		child, cancel := context.WithCancel(parent)
		ended := child.Done()
		cancel()
		<-ended
	}
	cancelParent()
}

// ---- large ----

// Resident memory and page tables.
func residentBytes() int {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	sum := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib int
		for _, field := range []string{"VmRSS:", "VmPTE:"} {
			if rest := strings.TrimPrefix(lines.Text(), field); rest != lines.Text() {
				fmt.Sscan(rest, &kib)
				sum += kib << 10
			}
		}
	}
	return sum
}

func parker(c chan int32) {
	wg.Done()
	<-c
	wg.Done()
}

func opParked(n int) {
	c := make(chan int32)
	before := residentBytes()
	wg.Add(n)
	for i := 0; i < n; i++ {
		go parker(c)
	}
	wg.Wait()
	bytesEach = (residentBytes() - before) / n
	wg.Add(n)
	close(c)
	wg.Wait()
}

func opTimers(n int) {
	t := make([]*time.Timer, n)
	x := uint64(88172645463325252)
	before := residentBytes()
	for i := range t {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		t[i] = time.NewTimer(time.Minute + time.Duration(x%uint64(time.Hour)))
	}
	bytesEach = (residentBytes()-before)/n - 8
	for i := range t {
		t[i].Stop()
	}
}

// ---- figures of other kinds ----

func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func sleepAgainAndAgain(first time.Duration) {
	time.Sleep(first)
	for {
		time.Sleep(time.Second)
	}
}

func opIdle(n int) {
	for i := 0; i < 100; i++ {
		go sleepAgainAndAgain(time.Duration(i) * 10 * time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
	before := cpuSeconds()
	time.Sleep(time.Duration(n) * time.Millisecond)
	figure = (cpuSeconds() - before) / (float64(n) / 1e3) * 100
}

func compute(d time.Duration) {
	for begin := time.Now(); time.Since(begin) < d; {
	}
}

func talker(in, out chan int32) {
	for v := range in {
		compute(10 * time.Microsecond)
		out <- v
	}
}

func opLatency(n int) {
	late := make([]int, n)
	for i := 0; i < 4; i++ {
		a := make(chan int32, 1)
		b := make(chan int32, 1)
		go talker(a, b)
		go talker(b, a)
		a <- 1
	}
	for i := range late {
		begin := time.Now()
		time.Sleep(time.Millisecond)
		late[i] = int(time.Since(begin) - time.Millisecond)
	}
	sort.Ints(late)
	figure = float64(late[n*99/100])
}
