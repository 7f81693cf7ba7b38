/* rand.h - small seeded random numbers.  Not for secrets. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stdint.h>

struct rt_rand {
    uint64_t state;
};

/* One step of splitmix64: also a good way to turn a small seed into a state. */
static inline uint64_t rand_next(struct rt_rand *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in [0, n) up to a bias of n / 2^32.  Requires: n > 0. */
static inline uint32_t rand_below(struct rt_rand *r, uint32_t n)
{
    return (uint32_t)(((rand_next(r) >> 32) * n) >> 32);
}

#endif
