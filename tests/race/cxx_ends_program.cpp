/* cxx_ends_program.cpp - promises that are kept, and conditions notified, when a thread ends; see
 * programs.py. */
#include "cases.h"
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std;

int x;
struct Last {
    int v = 0;
    ~Last()
    {
        x = v;
    }
};
thread_local Last last;

/* Ready after all that the thread does, its thread-local objects' ends too. */
SILENT(values_at_thread_exit)
{
    for (int i = 1; i < 50; i++) {
        promise<vector<int>> p;
        auto f = p.get_future();
        thread t(
            [i](promise<vector<int>> p) {
                last.v = i;
                p.set_value_at_thread_exit(vector<int>(100, i));
                x = -1;
            },
            move(p));
        t.detach();
        check(f.get()[99] == i);
        check(x == i);
        x = -2;
    }
}

SILENT(other_ends_at_thread_exit)
{
    promise<void> p;
    auto f = p.get_future();
    thread t([&] {
        last.v = 1;
        p.set_value_at_thread_exit();
    });
    f.get();
    check(x == 1);
    promise<int> q;
    auto g = q.get_future();
    thread u([&] {
        last.v = 2;
        q.set_exception_at_thread_exit(make_exception_ptr(runtime_error("no")));
    });
    try {
        g.get();
        check(false);
    } catch (runtime_error &) {
        check(x == 2);
    }
    packaged_task<int(int)> task([](int v) { return v + 1; });
    auto h = task.get_future();
    thread v([&] {
        last.v = 3;
        task.make_ready_at_thread_exit(3);
    });
    check(h.get() == 4 && x == 3);
    t.join();
    u.join();
    v.join();
}

SILENT(futures_that_nobody_waits_for_at_thread_exit)
{
    for (int i = 1; i < 50; i++) {
        promise<int> p;
        p.get_future();
        thread t([](promise<int> p) { p.set_value_at_thread_exit(1); }, move(p));
        t.detach();
    }
    promise<int> kept;
    thread t([&] { kept.set_value_at_thread_exit(1); });
    t.join();
}

SILENT(notified_at_thread_exit)
{
    mutex m;
    condition_variable cv;
    bool ok = false;
    thread t([&] {
        last.v = 5;
        unique_lock<mutex> l(m);
        ok = true;
        notify_all_at_thread_exit(cv, move(l));
    });
    unique_lock<mutex> l(m);
    cv.wait(l, [&] { return ok; });
    check(x == 5);
    t.join();
}

REPORT(what_comes_before_a_future_is_not_ordered, "DATA RACE")
{
    promise<int> p;
    auto f = p.get_future();
    thread t([&] { p.set_value_at_thread_exit(x); });
    x = 4;
    f.get();
    t.join();
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
