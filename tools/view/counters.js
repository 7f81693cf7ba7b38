/* counters.js - how many goroutines were in a state, over time.
 *
 * A counter is two sorted arrays, the times at which spans of the state began and ended, each with
 * the sums of its times so far.  The value at any time is two searches, the mean over any stretch
 * two more, whatever its length. */

/* How many goroutines were in a state, over time: begins and ends of all such spans, sorted, with
 * the sums of their times for averages.  Folded states count by their share of their row. */
function makeCounter(k, wanted)
{
    const up = makeSteps(k, k.by_begin, k.begin, wanted, row => row.lo);
    const down = makeSteps(k, k.by_end, k.end, wanted, row => row.hi - 1);
    const counter = { up, down, max: 0 };
    for (let i = 0, j = 0; i < up.at.length; i++) {
        while (j < down.at.length && down.at[j] <= up.at[i])
            j++;
        counter.max = Math.max(counter.max, stepsSum(up, i + 1) - stepsSum(down, j));
    }
    return counter;
}

/* Times of the spans in order; a row of sums stands where its span at(row) does. */
function makeSteps(k, order, time, wanted, at)
{
    const times = new Float64Array(k.n), sum = new Float64Array(k.n + 1);
    const weight = k.fold ? new Float64Array(k.n + 1) : null;
    let n = 0;
    for (const i of order) {
        const w = k.fold && k.fold[i] ? rowWeight(k, i, wanted, at) : wanted[k.cls[i]];
        if (!w)
            continue;
        times[n] = time[i];
        sum[n + 1] = sum[n] + time[i] * w;
        if (weight)
            weight[n + 1] = weight[n] + w;
        n++;
    }
    return { at: times.slice(0, n), sum: sum.slice(0, n + 1),
             weight: weight && weight.slice(0, n + 1) };
}

/* How much of a row of sums is wanted, if i is the span that stands for it. */
function rowWeight(k, i, wanted, at)
{
    const row = foldOf(k, i);
    const len = row.end - row.begin || 1;
    let w = 0;
    for (let s = row.lo; s < row.hi && i === at(row); s++)
        w += wanted[k.cls[s]] * (k.end[s] - k.begin[s]) / len;
    return w;
}

/* What the first n steps come to. */
function stepsSum(s, n)
{
    return s.weight ? s.weight[n] : n;
}

/* How many there are at a time whose steps counterAt() gave. */
function counterValue(c, steps)
{
    return stepsSum(c.up, steps[0]) - stepsSum(c.down, steps[1]);
}

/* How many steps are not after t; there are at least lo, probably few more. */
function stepsUntil(s, t, lo)
{
    let hi = lo, step = 1;
    while (hi < s.at.length && s.at[hi] <= t) {
        lo = hi + 1;
        hi += step;
        step *= 2;
    }
    hi = Math.min(hi, s.at.length);
    while (lo < hi) {
        const mid = (lo + hi) >>> 1;
        if (s.at[mid] <= t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Average over [a, b) of a counter; ca and cb are its [up, down] counts at a and b. */
function counterMean(c, a, b, ca, cb)
{
    const area = (s, i, j) => (stepsSum(s, j) - stepsSum(s, i)) * b - (s.sum[j] - s.sum[i]);
    const inside = area(c.up, ca[0], cb[0]) - area(c.down, ca[1], cb[1]);
    return Math.max(0, counterValue(c, ca) + inside / (b - a));
}

/* The [up, down] counts at t; near: those of a time before it. */
function counterAt(c, t, near)
{
    return [stepsUntil(c.up, t, near ? near[0] : 0), stepsUntil(c.down, t, near ? near[1] : 0)];
}
