// bench_ops.go - bench_go_ops.c in Go, operation by operation; see there.
//
//	bench_ops OPERATION N      prints   OPERATION ns_per_op [bytes_each]
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
var bytesEach int
var figure float64

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

func spawnTogether(n, together int) {
	for i := 0; i < n; i += together {
		wg.Add(together)
		for k := 0; k < together; k++ {
			go done()
		}
		wg.Wait()
	}
}

func opSpawnBatch(n int) {
	spawnTogether(n, 1000)
}

func opSpawnStorm(n int) {
	spawnTogether(n, 100000)
}

func yielder(n int) {
	for i := 0; i < n; i++ {
		runtime.Gosched()
	}
	wg.Done()
}

func opYield(n int) {
	wg.Add(64)
	for k := 0; k < 64; k++ {
		go yielder(n / 64)
	}
	wg.Wait()
}

func opYieldOne(n int) {
	for i := 0; i < n; i++ {
		runtime.Gosched()
	}
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

func sender(c chan int32, n int) {
	for i := 0; i < n; i++ {
		c <- 1
	}
	wg.Done()
}

func receiver(c chan int32, n int) {
	for i := 0; i < n; i++ {
		<-c
	}
	wg.Done()
}

func opMpmc(n int) {
	c := make(chan int32, 128)
	wg.Add(8)
	for k := 0; k < 4; k++ {
		go sender(c, n/4)
		go receiver(c, n/4)
	}
	wg.Wait()
}

func opChanPair(n int) {
	c := make(chan int32, 128)
	for i := 0; i < n; i++ {
		c <- 1
		<-c
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

func reader(m *sync.RWMutex, n int) {
	for i := 0; i < n; i++ {
		m.RLock()
		m.RUnlock()
	}
	wg.Done()
}

var theRWMutex sync.RWMutex

func readWith(goroutines, n int) {
	wg.Add(goroutines)
	for k := 0; k < goroutines; k++ {
		go reader(&theRWMutex, n/goroutines)
	}
	wg.Wait()
}

func opRWMutexRead(n int) {
	readWith(1, n)
}

func opRWMutexRead8(n int) {
	readWith(8, n)
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

func opSelectDefault(n int) {
	c := make(chan int32)
	for i := 0; i < n; i++ {
		select {
		case <-c:
		default:
		}
	}
}

func opSelect2Default(n int) {
	a := make(chan int32)
	b := make(chan int32)
	for i := 0; i < n; i++ {
		select {
		case <-a:
		case <-b:
		default:
		}
	}
}

// ---- the sieve: each filter lets pass what its prime does not divide ----

func filter(in, out chan int32, prime int32) {
	for v := range in {
		if v%prime != 0 {
			out <- v
		}
	}
	close(out)
}

func countUp(out chan int32, last int32) {
	for v := int32(2); v <= last; v++ {
		out <- v
	}
	close(out)
}

func opSieve(n int) {
	c := make(chan int32)
	go countUp(c, int32(10*n+20))
	for i := 0; i < n; i++ {
		prime := <-c
		next := make(chan int32)
		go filter(c, next, prime)
		c = next
	}
	for range c {
	}
}

// ---- the ring ----

const ring, tokens = 100000, 10

func member(in, out chan int32, quit chan byte) {
	defer wg.Done()
	for {
		var v int32
		select {
		case v = <-in:
		case <-quit:
			return
		}
		select {
		case out <- v:
		case <-quit:
			return
		}
	}
}

func opSelectHeavy(n int) {
	c := make([]chan int32, ring+1)
	quit := make(chan byte)
	for i := range c {
		c[i] = make(chan int32)
	}
	wg.Add(ring)
	for i := 0; i < ring; i++ {
		go member(c[i], c[i+1], quit)
	}
	for i := 0; i < tokens; i++ {
		c[i*(ring/tokens)] <- int32(i)
	}
	left := n / ring / tokens
	if left == 0 {
		left = 1
	}
	for ; left > 0; left-- {
		for i := 0; i < tokens; i++ {
			c[0] <- <-c[ring]
		}
	}
	close(quit)
	wg.Wait()
}

// ---- trees ----

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

func fib(n int) int {
	if n < 2 {
		return n
	}
	var leftDone sync.WaitGroup
	var left int
	leftDone.Add(1)
	go fibInto(n-1, &left, &leftDone)
	right := fib(n - 2)
	leftDone.Wait()
	return left + right
}

func fibInto(n int, ret *int, doneWith *sync.WaitGroup) {
	*ret = fib(n)
	doneWith.Done()
}

func opFib(n int) {
	for i := 0; i < n; i++ {
		if fib(20) != 6765 {
			panic("fib(20) is wrong")
		}
	}
}

var ops = []struct {
	name string
	run  func(n int)
	once bool
}{
	{"yield", opYield, false},
	{"yield_one", opYieldOne, false},
	{"spawn", opSpawn, false},
	{"spawn_batch", opSpawnBatch, false},
	{"spawn_storm", opSpawnStorm, false},
	{"skynet", opSkynet, true},
	{"fib", opFib, false},
	{"pingpong", opPingpong, false},
	{"buffered", opBuffered, false},
	{"mpmc", opMpmc, false},
	{"chan_pair", opChanPair, false},
	{"select", opSelect, false},
	{"select_default", opSelectDefault, false},
	{"select2_default", opSelect2Default, false},
	{"try_recv", opSelectDefault, false},
	{"sieve", opSieve, true},
	{"select_heavy", opSelectHeavy, true},
	{"mutex", opMutex, false},
	{"mutex8", opMutex8, false},
	{"rwmutex_read", opRWMutexRead, false},
	{"rwmutex_read8", opRWMutexRead8, false},
	{"timer", opTimer, false},
	{"sleepers", opSleepers, true},
	{"context", opContext, false},
	{"parked", opParked, true},
	{"timers", opTimers, true},
	{"idle", opIdle, true},
	{"latency", opLatency, true},
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
		ns := float64(time.Since(start).Nanoseconds()) / float64(n)
		if figure > 0 {
			ns = figure
		}
		fmt.Printf("%s %.3f", op.name, ns)
		if bytesEach != 0 {
			fmt.Printf(" %d", bytesEach)
		}
		fmt.Println()
		return
	}
	fmt.Fprintln(os.Stderr, "usage: bench_ops OPERATION N")
	os.Exit(2)
}
