// detector_cases.go - the cases of detector_cases.c that Go can say, for `go build -race`.
//
// The order of a race's two accesses is made by bytes in pipes, with raw system calls, which Go's
// detector does not take for synchronisation.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

var x int
var pipes [8][2]int
var mu, nu sync.Mutex
var rw sync.RWMutex
var bytes [8]byte
var deep int
var flag int32
var text, zeros [4096]byte

//go:norace
func step(n int) {
	c := [1]byte{}
	syscall.RawSyscall(syscall.SYS_WRITE, uintptr(pipes[n][1]), uintptr(unsafe.Pointer(&c)), 1)
}

//go:norace
func await(n int) {
	c := [1]byte{}
	for {
		r, _, _ := syscall.RawSyscall(syscall.SYS_READ, uintptr(pipes[n][0]),
			uintptr(unsafe.Pointer(&c)), 1)
		if r == 1 {
			step(n)
			return
		}
		runtime.Gosched()
	}
}

// after runs first in a goroutine that stays, and then second.
func after(first, second func()) {
	go func() {
		first()
		step(1)
		await(2)
	}()
	await(1)
	second()
	step(2)
}

//go:noinline
func writeX() { x = 1 }

//go:noinline
func callInner(i int) { deep += i }

func lockAndUnlock(m *sync.Mutex) {
	for i := 0; i < 3000000; i++ {
		m.Lock()
		m.Unlock()
	}
}

// both runs fn in two goroutines and waits for them.
func both(fn func()) {
	var wg sync.WaitGroup
	wg.Add(2)
	for i := 0; i < 2; i++ {
		go func() {
			fn()
			wg.Done()
		}()
	}
	wg.Wait()
}

type item struct {
	id    int
	count int64
}

var cases = map[string]func(){
	"two_writes": func() { after(writeX, func() { x = 2 }) },
	"lock_held_on_one_side": func() {
		after(writeX, func() { mu.Lock(); x = 2; mu.Unlock() })
	},
	"written_under_a_readers_lock": func() {
		after(func() { rw.RLock(); writeX(); rw.RUnlock() },
			func() { rw.RLock(); x = 2; rw.RUnlock() })
	},
	"field_of_a_heap_block": func() {
		it := &item{}
		after(func() { it.count = 1 }, func() { it.count = 2 })
	},
	"byte_in_a_large_memset": func() {
		after(func() { text[4000] = 1 }, func() { copy(text[:], zeros[:]) })
	},
	"other_bytes_of_the_word_between": func() {
		after(func() { bytes[0] = 1 }, func() {
			for i := 1; i < 8; i++ {
				bytes[i] = 1
			}
			var wg sync.WaitGroup
			wg.Add(1)
			go func() { bytes[0] = 2; wg.Done() }()
			wg.Wait()
		})
	},
	"million_calls_between": func() {
		after(func() {
			writeX()
			for i := 0; i < 1000000; i++ {
				callInner(i)
			}
		}, func() { x = 2 })
	},
	"threads_600_ended_between": func() {
		after(writeX, func() {
			for i := 0; i < 600; i++ {
				var wg sync.WaitGroup
				wg.Add(1)
				go wg.Done()
				wg.Wait()
			}
			x = 2
		})
	},
	"million_lock_pairs_6_between": func() {
		after(func() { writeX(); lockAndUnlock(&mu) }, func() { lockAndUnlock(&nu); x = 2 })
	},
	"mutex_and_join": func() {
		both(func() { mu.Lock(); x++; mu.Unlock() })
		x++
	},
	"condition": func() {
		c, ready := sync.NewCond(&mu), false
		go func() { x = 1; mu.Lock(); ready = true; c.Signal(); mu.Unlock() }()
		mu.Lock()
		for !ready {
			c.Wait()
		}
		mu.Unlock()
		x = 2
	},
	"rwlock": func() {
		go func() { rw.RLock(); deep = x; rw.RUnlock() }()
		rw.Lock()
		x = 2
		rw.Unlock()
	},
	"once_before_its_uses": func() {
		var once sync.Once
		both(func() { once.Do(writeX); _ = x })
	},
	"release_and_acquire": func() {
		go func() { x = 1; atomic.StoreInt32(&flag, 1) }()
		for atomic.LoadInt32(&flag) == 0 {
			runtime.Gosched()
		}
		x = 2
	},
	"pipe_write_before_read": func() {
		r, w, _ := os.Pipe()
		go func() { x = 1; w.Write([]byte{1}); await(2) }()
		r.Read(make([]byte, 1))
		x = 2
		step(2)
	},
	"threads_1000_at_a_time": func() {
		var wg sync.WaitGroup
		wg.Add(1000)
		for i := 0; i < 1000; i++ {
			go func() { await(2); wg.Done() }()
		}
		step(2)
		wg.Wait()
	},
	"locks_in_two_orders": func() {
		after(func() { mu.Lock(); nu.Lock(); nu.Unlock(); mu.Unlock() },
			func() { nu.Lock(); mu.Lock(); mu.Unlock(); nu.Unlock() })
	},
}

func main() {
	for i := range pipes {
		syscall.Pipe2(pipes[i][:], syscall.O_NONBLOCK)
	}
	if len(os.Args) == 2 && os.Args[1] == "--list" {
		for name := range cases {
			fmt.Println(name)
		}
		return
	}
	cases[os.Args[1]]()
	fmt.Println("end of case")
}
