/* bench_fiber_ops.cpp - those of bench_go_ops.c that Boost.Fiber has, done its way; see there.
 *
 *     bench_fiber_ops OPERATION N      prints   OPERATION ns_per_op
 *
 * GOMAXPROCS says how many threads: one runs the usual round-robin scheduler, several the library's
 * work stealing, as in its own benchmarks.  Stacks are of the library's usual size; with one thread
 * they come from its pool, which is its fastest way (the pool is not for several threads).  Joining
 * is by fiber::join() where one is waited for, by a counter under mutex and condition where many
 * are.  Children that are to run first, as a goroutine started last does, are launched so. */
#include <boost/fiber/all.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace fibers = boost::fibers;
using channel = fibers::unbuffered_channel<int>;
using queue = fibers::buffered_channel<int>; /* one slot less than it says */

static int threads = 1;
static fibers::pooled_fixedsize_stack pool;

template <typename F> static fibers::fiber start(fibers::launch how, F f)
{
    if (threads == 1)
        return fibers::fiber(how, std::allocator_arg, pool, std::move(f));
    return fibers::fiber(how, std::allocator_arg, fibers::fixedsize_stack(), std::move(f));
}

template <typename F> static fibers::fiber start(F f)
{
    return start(fibers::launch::post, std::move(f));
}

/* A WaitGroup. */
struct group {
    fibers::mutex mutex;
    fibers::condition_variable zero;
    long count = 0;

    void add(long n)
    {
        std::lock_guard<fibers::mutex> hold(mutex);
        count += n;
    }
    void done()
    {
        std::lock_guard<fibers::mutex> hold(mutex);
        if (--count == 0)
            zero.notify_all();
    }
    void wait()
    {
        std::unique_lock<fibers::mutex> hold(mutex);
        zero.wait(hold, [this] { return count == 0; });
    }
};

static group wg;

template <typename F> static void together(int n, F f)
{
    wg.add(n);
    for (int k = 0; k < n; k++)
        start([f] {
            f();
            wg.done();
        }).detach();
    wg.wait();
}

static void op_yield(long n)
{
    together(64, [n] {
        for (long i = 0; i < n / 64; i++)
            boost::this_fiber::yield();
    });
}

static void op_yield_one(long n)
{
    for (long i = 0; i < n; i++)
        boost::this_fiber::yield();
}

static void op_spawn(long n)
{
    for (long i = 0; i < n; i++)
        start([] {}).join();
}

static void op_spawn_batch(long n)
{
    for (long i = 0; i < n; i += 1000)
        together(1000, [] {});
}

static void op_spawn_storm(long n)
{
    for (long i = 0; i < n; i += 100000)
        together(100000, [] {});
}

static void op_sleepers(long n)
{
    together((int)(n / 10), [] {
        for (int i = 0; i < 10; i++)
            boost::this_fiber::sleep_for(std::chrono::milliseconds(1));
    });
}

static void op_pingpong(long n)
{
    channel ping, pong;
    auto other = start([&] {
        for (int v : ping)
            pong.push(v);
    });
    for (long i = 0; i < n; i++) {
        ping.push(1);
        pong.value_pop();
    }
    ping.close();
    other.join();
}

static void op_buffered(long n)
{
    queue c(128);
    auto producer = start([&] {
        for (long i = 0; i < n; i++)
            c.push(1);
        c.close();
    });
    long sum = 0;
    for (int v : c)
        sum += v;
    producer.join();
    if (sum != n)
        abort();
}

static void op_mpmc(long n)
{
    auto c = std::make_shared<queue>(128);
    wg.add(8);
    for (int k = 0; k < 4; k++) {
        start([c, n] {
            for (long i = 0; i < n / 4; i++)
                c->push(1);
            wg.done();
        }).detach();
        start([c, n] {
            for (long i = 0; i < n / 4; i++)
                c->value_pop();
            wg.done();
        }).detach();
    }
    wg.wait();
}

static void op_chan_pair(long n)
{
    queue c(128);
    for (long i = 0; i < n; i++) {
        c.push(1);
        c.value_pop();
    }
}

static void lock_with(int goroutines, long n)
{
    static fibers::mutex m;
    together(goroutines, [=] {
        for (long i = 0; i < n / goroutines; i++) {
            m.lock();
            m.unlock();
        }
    });
}

static void op_mutex(long n)
{
    lock_with(1, n);
}

static void op_mutex8(long n)
{
    lock_with(8, n);
}

static void op_sieve(long n)
{
    std::vector<std::shared_ptr<channel>> c{std::make_shared<channel>()};
    std::vector<fibers::fiber> all;
    all.push_back(start([out = c[0], n] {
        for (int v = 2; v <= 10 * n + 20; v++)
            out->push(v);
        out->close();
    }));
    for (long i = 0; i < n; i++) {
        int prime = c[i]->value_pop();
        c.push_back(std::make_shared<channel>());
        all.push_back(start([in = c[i], out = c[i + 1], prime] {
            for (int v : *in)
                if (v % prime)
                    out->push(v);
            out->close();
        }));
    }
    for (int v : *c[n])
        (void)v;
    for (auto &f : all)
        f.join();
}

using numbers = fibers::unbuffered_channel<int64_t>;

static void skynet(numbers &up, int64_t number, long leaves)
{
    if (leaves == 1) {
        up.push(number);
        return;
    }
    numbers c;
    int64_t sum = 0;
    for (int i = 0; i < 10; i++)
        start(fibers::launch::dispatch, [&c, number, leaves, i] {
            skynet(c, number + i * (leaves / 10), leaves / 10);
        }).detach();
    for (int i = 0; i < 10; i++)
        sum += c.value_pop();
    up.push(sum);
}

static void op_skynet(long n)
{
    numbers c;
    start([&] { skynet(c, 0, n); }).detach();
    if (c.value_pop() != (int64_t)n * (n - 1) / 2)
        abort();
}

static int64_t fib(int n)
{
    if (n < 2)
        return n;
    int64_t left;
    auto child = start(fibers::launch::dispatch, [&left, n] { left = fib(n - 1); });
    int64_t right = fib(n - 2);
    child.join();
    return left + right;
}

static void op_fib(long n)
{
    for (long i = 0; i < n; i++)
        if (fib(20) != 6765)
            abort();
}

static const struct op {
    const char *name;
    void (*run)(long n);
    bool once;
} ops[] = {
    {"yield", op_yield, false},
    {"yield_one", op_yield_one, false},
    {"spawn", op_spawn, false},
    {"spawn_batch", op_spawn_batch, false},
    {"spawn_storm", op_spawn_storm, false},
    {"sleepers", op_sleepers, true},
    {"skynet", op_skynet, true},
    {"fib", op_fib, false},
    {"pingpong", op_pingpong, false},
    {"buffered", op_buffered, false},
    {"mpmc", op_mpmc, false},
    {"chan_pair", op_chan_pair, false},
    {"sieve", op_sieve, true},
    {"mutex", op_mutex, false},
    {"mutex8", op_mutex8, false},
};

static double now_ns()
{
    return std::chrono::duration<double, std::nano>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

/* The other threads steal until the end, which they wait for as fibers. */
static group the_end;

static void thief()
{
    fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(threads);
    the_end.wait();
}

int main(int argc, char **argv)
{
    long n = argc == 3 ? atol(argv[2]) : 0;
    const char *procs = getenv("GOMAXPROCS");
    threads = procs && atoi(procs) > 0 ? atoi(procs) : 1;
    for (const op &o : ops) {
        if (n < 1 || strcmp(argv[1], o.name) != 0)
            continue;
        std::vector<std::thread> others;
        the_end.add(1);
        for (int i = 1; i < threads; i++)
            others.emplace_back(thief);
        if (threads > 1)
            fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(threads);
        if (!o.once)
            o.run(n / 10);
        double begin = now_ns();
        o.run(n);
        printf("%s %.3f\n", o.name, (now_ns() - begin) / (double)n);
        the_end.done();
        for (auto &t : others)
            t.join();
        return 0;
    }
    fprintf(stderr, "usage: %s OPERATION N\n", argv[0]);
    return 2;
}
