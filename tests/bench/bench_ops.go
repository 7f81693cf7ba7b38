// bench_ops.go - bench_go_ops.c in Go, operation by operation; see there.
//
//	bench_ops OPERATION N      prints   OPERATION ns_per_op [bytes_per_goroutine]
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

var wg sync.WaitGroup
var bytesPerGoroutine int

func done() {
	wg.Done()
}

func opSpawn(n int) {
	for i := 0; i < n; i++ {
		wg.Add(1)
		go done()
		wg.Wait()
	}
}

func opSpawnBatch(n int) {
	for i := 0; i < n; i += 1000 {
		wg.Add(1000)
		for k := 0; k < 1000; k++ {
			go done()
		}
		wg.Wait()
	}
}

func yielder(n int) {
	for i := 0; i < n; i++ {
		runtime.Gosched()
	}
	wg.Done()
}

func opYield(n int) {
	wg.Add(16)
	for k := 0; k < 16; k++ {
		go yielder(n / 16)
	}
	wg.Wait()
}

func ponger(ping, pong chan int32) {
	for v := range ping {
		pong <- v
	}
}

func opPingpong(n int) {
	ping := make(chan int32)
	pong := make(chan int32)
	go ponger(ping, pong)
	for i := 0; i < n; i++ {
		ping <- 1
		<-pong
	}
	close(ping)
}

func producer(c chan int32, n int) {
	for i := 0; i < n; i++ {
		c <- 1
	}
	close(c)
}

func opBuffered(n int) {
	c := make(chan int32, 128)
	go producer(c, n)
	sum := 0
	for v := range c {
		sum += int(v)
	}
	if sum != n {
		panic("elements lost")
	}
}

func locker(m *sync.Mutex, n int) {
	for i := 0; i < n; i++ {
		m.Lock()
		m.Unlock()
	}
	wg.Done()
}

var theMutex sync.Mutex

func lockWith(goroutines, n int) {
	wg.Add(goroutines)
	for k := 0; k < goroutines; k++ {
		go locker(&theMutex, n/goroutines)
	}
	wg.Wait()
}

func opMutex(n int) {
	lockWith(1, n)
}

func opMutex8(n int) {
	lockWith(8, n)
}

func alternate(a, b chan int32, n int) {
	for i := 0; i < n/2; i++ {
		a <- 1
		b <- 1
	}
}

func opSelect(n int) {
	a := make(chan int32)
	b := make(chan int32)
	go alternate(a, b, n)
	for i := 0; i < n/2*2; i++ {
		select {
		case <-a:
		case <-b:
		}
	}
}

func skynet(up chan int64, number int64, leaves int) {
	if leaves == 1 {
		up <- number
		return
	}
	c := make(chan int64)
	var sum int64
	for i := 0; i < 10; i++ {
		go skynet(c, number+int64(i*(leaves/10)), leaves/10)
	}
	for i := 0; i < 10; i++ {
		sum += <-c
	}
	up <- sum
}

func opSkynet(n int) {
	c := make(chan int64)
	go skynet(c, 0, n)
	if sum := <-c; sum != int64(n)*int64(n-1)/2 {
		panic("wrong sum")
	}
}

func residentBytes() int {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	var size, resident int
	if _, err := fmt.Sscan(string(data), &size, &resident); err != nil {
		panic(err)
	}
	return resident * os.Getpagesize()
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
	bytesPerGoroutine = (residentBytes() - before) / n
	wg.Add(n)
	close(c)
	wg.Wait()
}

var ops = []struct {
	name string
	run  func(n int)
	once bool
}{
	{"spawn", opSpawn, false}, {"spawn_batch", opSpawnBatch, false},
	{"yield", opYield, false}, {"pingpong", opPingpong, false},
	{"buffered", opBuffered, false}, {"mutex", opMutex, false},
	{"mutex8", opMutex8, false}, {"select", opSelect, false},
	{"skynet", opSkynet, true}, {"parked", opParked, true},
}

func main() {
	n := 0
	if len(os.Args) == 3 {
		n, _ = strconv.Atoi(os.Args[2])
	}
	for _, op := range ops {
		if n < 1 || op.name != os.Args[1] {
			continue
		}
		if !op.once {
			op.run(n / 10)
		}
		start := time.Now()
		op.run(n)
		fmt.Printf("%s %.2f", op.name, float64(time.Since(start).Nanoseconds())/float64(n))
		if bytesPerGoroutine != 0 {
			fmt.Printf(" %d", bytesPerGoroutine)
		}
		fmt.Println()
		return
	}
	fmt.Fprintln(os.Stderr, "usage: bench_ops OPERATION N")
	os.Exit(2)
}
