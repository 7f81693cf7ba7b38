/* cxx_program.cpp - what C++ programs use; see programs.py.  Everything that is not raced is
 * silent. */
#include "cases.h"
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <queue>
#include <shared_mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
#include <map>

using namespace std;

int x;
struct Base {
    int v = 0;
    virtual ~Base()
    {
    }
    virtual int f()
    {
        return v;
    }
};
struct Derived : Base {
    int w = 1;
    int f() override
    {
        return w;
    }
    ~Derived() override
    {
        w = 0;
    }
};
SILENT(thread_and_join)
{
    x = 1;
    thread t([] { x = 2; });
    t.join();
    x = 3;
}

REPORT(thread_without_join, "DATA RACE")
{
    thread t([] { x = 2; });
    x = 3;
    t.join();
}

SILENT(mutexes)
{
    mutex m;
    thread a([&] {
        for (int i = 0; i < 1000; i++) {
            lock_guard<mutex> l(m);
            x++;
        }
    }),
        b([&] {
            for (int i = 0; i < 1000; i++) {
                unique_lock<mutex> l(m);
                x++;
            }
        });
    a.join();
    b.join();
    printf("%d\n", x);
}

SILENT(conditions)
{
    mutex m;
    condition_variable cv;
    queue<int> q;
    bool done = false;
    thread c([&] {
        int s = 0;
        for (;;) {
            unique_lock<mutex> l(m);
            cv.wait(l, [&] { return !q.empty() || done; });
            if (q.empty())
                break;
            s += q.front();
            q.pop();
        }
        x = s;
    });
    for (int i = 0; i < 500; i++) {
        {
            lock_guard<mutex> l(m);
            q.push(i);
        }
        cv.notify_one();
    }
    {
        lock_guard<mutex> l(m);
        done = true;
    }
    cv.notify_all();
    c.join();
}

SILENT(timed_conditions)
{
    mutex m;
    condition_variable cv;
    bool ok = false;
    thread t([&] {
        unique_lock<mutex> l(m);
        cv.wait_for(l, chrono::seconds(5), [&] { return ok; });
        x++;
        l.unlock();
    });
    {
        lock_guard<mutex> l(m);
        ok = true;
        x = 4;
    }
    cv.notify_one();
    t.join();
    unique_lock<mutex> l(m);
    cv.wait_until(l, chrono::system_clock::now() + chrono::milliseconds(2));
    cv.wait_for(l, chrono::milliseconds(2));
}

SILENT(shared_pointers)
{
    for (int i = 0; i < 200; i++) {
        auto p = make_shared<Derived>();
        vector<thread> v;
        for (int k = 0; k < 3; k++)
            v.emplace_back([p] {
                auto q = p;
                check(!(q->f() < 0));
            });
        p.reset();
        for (auto &t : v)
            t.join();
    }
}

SILENT(promise_of_a_unique_pointer)
{
    promise<unique_ptr<Derived>> pr;
    auto f = pr.get_future();
    thread t([&] {
        auto d = f.get();
        d->w++;
    });
    auto d = make_unique<Derived>();
    d->w = 7;
    pr.set_value(move(d));
    t.join();
}

SILENT(asynchronous_calls)
{
    vector<future<int>> f;
    for (int i = 0; i < 20; i++)
        f.push_back(async(launch::async, [i] { return i * i; }));
    int s = 0;
    for (auto &q : f)
        s += q.get();
    printf("%d\n", s);
    auto d = async(launch::deferred, [] { return 3; });
    d.get();
}

SILENT(exception_of_an_asynchronous_call)
{
    auto f = async(launch::async, []() -> int { throw runtime_error("boo"); });
    try {
        f.get();
    } catch (const exception &e) {
        check(!(strcmp(e.what(), "boo")));
    }
}

SILENT(packaged_tasks)
{
    packaged_task<int(int)> t([](int a) { return a + 1; });
    auto f = t.get_future();
    thread th(move(t), 4);
    f.wait();
    check(!(f.get() != 5));
    th.join();
}

SILENT(shared_futures)
{
    promise<string> p;
    shared_future<string> f = p.get_future().share();
    vector<thread> v;
    for (int i = 0; i < 4; i++)
        v.emplace_back([f] { check(!(f.get().size() != 3)); });
    p.set_value("abc");
    for (auto &t : v)
        t.join();
}

SILENT(once_calls)
{
    static once_flag o;
    string *s = nullptr;
    vector<thread> v;
    for (int i = 0; i < 4; i++)
        v.emplace_back([&] {
            call_once(o, [&] { s = new string("once and for all, long enough for the heap"); });
            check(!(s->size() < 3));
        });
    for (auto &t : v)
        t.join();
    delete s;
}

SILENT(once_calls_that_throw)
{
    static once_flag o;
    static int tries;
    vector<thread> v;
    for (int i = 0; i < 4; i++)
        v.emplace_back([&] {
            try {
                call_once(o, [&] {
                    if (tries++ < 2)
                        throw 1;
                    x = 9;
                });
                check(!(x != 9));
            } catch (int) {
            }
        });
    for (auto &t : v)
        t.join();
}

static map<string, int> &table()
{
    static map<string, int> m{{"a", 1}, {"b", 2}, {"long key that is on the heap", 3}};
    return m;
}
SILENT(static_local_with_a_destructor)
{
    vector<thread> v;
    for (int i = 0; i < 4; i++)
        v.emplace_back([] { check(!(table().at("b") != 2)); });
    for (auto &t : v)
        t.join();
}

static int slow()
{
    static int k = [] {
        static int z = 41;
        return z + 1;
    }();
    return k;
}
SILENT(static_locals_in_each_other)
{
    vector<thread> v;
    for (int i = 0; i < 4; i++)
        v.emplace_back([] { check(!(slow() != 42)); });
    for (auto &t : v)
        t.join();
}

SILENT(static_local_whose_constructor_throws)
{
    static int tries;
    vector<thread> v;
    struct T {
        int a;
        T()
        {
            if (tries++ == 0)
                throw 1;
            a = 5;
        }
    };
    for (int i = 0; i < 4; i++)
        v.emplace_back([] {
            try {
                static T t;
                check(!(t.a != 5));
            } catch (int) {
            }
        });
    for (auto &t : v)
        t.join();
}

SILENT(atomics)
{
    atomic<int> a{0};
    atomic<bool> f{false};
    thread t([&] {
        while (!f.load(memory_order_acquire))
            this_thread::yield();
        x++;
        a.fetch_add(1);
    });
    x = 5;
    f.store(true, memory_order_release);
    t.join();
    atomic_flag fl = ATOMIC_FLAG_INIT;
    vector<thread> v;
    for (int i = 0; i < 3; i++)
        v.emplace_back([&] {
            for (int k = 0; k < 100; k++) {
                while (fl.test_and_set(memory_order_acquire))
                    this_thread::yield();
                x++;
                fl.clear(memory_order_release);
            }
        });
    for (auto &q : v)
        q.join();
}

SILENT(atomic_shared_pointers)
{
    shared_ptr<int> g = make_shared<int>(1);
    thread t([&] {
        for (int i = 0; i < 200; i++) {
            auto p = atomic_load(&g);
            check(!(*p < 1));
        }
    });
    for (int i = 0; i < 200; i++)
        atomic_store(&g, make_shared<int>(i + 1));
    t.join();
}

SILENT(shared_mutexes)
{
    shared_mutex m;
    map<int, int> mp;
    vector<thread> v;
    for (int i = 0; i < 2; i++)
        v.emplace_back([&] {
            for (int k = 0; k < 100; k++) {
                unique_lock<shared_mutex> l(m);
                mp[k]++;
            }
        });
    for (int i = 0; i < 2; i++)
        v.emplace_back([&] {
            for (int k = 0; k < 100; k++) {
                shared_lock<shared_mutex> l(m);
                check(!(mp.size() > 1000));
            }
        });
    for (auto &t : v)
        t.join();
    shared_timed_mutex tm;
    tm.try_lock_for(chrono::milliseconds(1));
    tm.unlock();
    tm.try_lock_shared_for(chrono::milliseconds(1));
    tm.unlock_shared();
}

SILENT(timed_and_recursive_mutexes)
{
    timed_mutex m;
    vector<thread> v;
    for (int i = 0; i < 3; i++)
        v.emplace_back([&] {
            for (int k = 0; k < 50; k++)
                if (m.try_lock_for(chrono::seconds(5))) {
                    x++;
                    m.unlock();
                }
        });
    for (auto &t : v)
        t.join();
    recursive_timed_mutex r;
    r.lock();
    r.lock();
    x++;
    r.unlock();
    r.unlock();
    recursive_mutex rm;
    thread t([&] {
        lock_guard<recursive_mutex> a(rm);
        lock_guard<recursive_mutex> b(rm);
        x++;
    });
    {
        lock_guard<recursive_mutex> a(rm);
        x++;
    }
    t.join();
}

SILENT(locks_of_two_mutexes)
{
    mutex a, b;
    vector<thread> v;
    for (int i = 0; i < 2; i++)
        v.emplace_back([&, i] {
            for (int k = 0; k < 100; k++) {
                if (i) {
                    scoped_lock l(a, b);
                    x++;
                } else {
                    scoped_lock l(b, a);
                    x++;
                }
            }
        });
    for (auto &t : v)
        t.join();
}

SILENT(streams)
{
    vector<thread> v;
    for (int i = 0; i < 3; i++)
        v.emplace_back([i] {
            ostringstream o;
            for (int k = 0; k < 20; k++)
                o << "thread " << i << " " << k * 1.5 << "\n";
            string s = o.str();
            if (s.size() < 10)
                cerr << "?";
            cout << "t" << i << endl;
        });
    for (auto &t : v)
        t.join();
}

SILENT(call_of_a_virtual_function)
{
    Base *p = new Derived;
    thread t([p] { p->f(); });
    t.join();
    delete p;
}

static Base *gp;
REPORT(delete_during_a_virtual_call, "DATA RACE")
{
    gp = new Derived;
    atomic<int> *step = new atomic<int>(0);
    thread t([=] {
        gp->f();
        step->store(1, memory_order_relaxed);
    });
    while (!step->load(memory_order_relaxed))
        ;
    delete gp;
    t.join();
}

static thread_local string tls("thread local string, long enough for heap");
SILENT(thread_local_objects)
{
    vector<thread> v;
    for (int i = 0; i < 4; i++)
        v.emplace_back([] {
            tls += "x";
            check(!(tls.size() < 10));
        });
    for (auto &t : v)
        t.join();
    for (int i = 0; i < 50; i++)
        thread([] { tls += "y"; }).join();
}

static thread_local int tli;
REPORT(thread_local_of_another_thread, "DATA RACE")
{
    int *p = &tli;
    atomic<int> s{0};
    thread t([&] {
        *p = 1;
        s.store(1, memory_order_relaxed);
    });
    while (!s.load(memory_order_relaxed))
        ;
    tli = 2;
    t.join();
}

SILENT(exceptions_in_threads)
{
    vector<thread> v;
    for (int i = 0; i < 3; i++)
        v.emplace_back([] {
            for (int k = 0; k < 50; k++)
                try {
                    throw runtime_error(string("e") + to_string(k));
                } catch (exception &e) {
                    check(!(strlen(e.what()) < 2));
                }
        });
    for (auto &t : v)
        t.join();
}

SILENT(exception_pointers)
{
    exception_ptr e;
    thread t([&] {
        try {
            throw runtime_error("q");
        } catch (...) {
            e = current_exception();
        }
    });
    t.join();
    try {
        rethrow_exception(e);
    } catch (exception &q) {
        check(!(strcmp(q.what(), "q")));
    }
}

SILENT(weak_pointers)
{
    auto p = make_shared<Derived>();
    weak_ptr<Derived> w = p;
    vector<thread> v;
    for (int i = 0; i < 3; i++)
        v.emplace_back([w] {
            for (int k = 0; k < 100; k++)
                if (auto q = w.lock())
                    q->f();
        });
    p.reset();
    for (auto &t : v)
        t.join();
}

REPORT(element_of_a_vector, "DATA RACE")
{
    vector<int> q(4);
    atomic<int> s{0};
    thread t([&] {
        q[1] = 1;
        s.store(1, memory_order_relaxed);
    });
    while (!s.load(memory_order_relaxed))
        ;
    q[1] = 2;
    t.join();
}

REPORT(two_different_mutexes, "DATA RACE")
{
    mutex a, b;
    atomic<int> s{0};
    thread t([&] {
        {
            lock_guard<mutex> l(a);
            x = 1;
        }
        s.store(1, memory_order_relaxed);
    });
    while (!s.load(memory_order_relaxed))
        ;
    {
        lock_guard<mutex> l(b);
        x = 2;
    }
    t.join();
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
