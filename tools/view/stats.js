/* stats.js - figures of an area of the timeline and of functions; words about spans. */

/* Latencies: those of single states, and the averages of folded ones as [ns, how many]. */
function noLatencies()
{
    return { ones: [], sums: [] };
}

/* Nearest rank of total; both lists are sorted.  NaN of none. */
function percentile(ones, sums, total, q)
{
    let rank = Math.max(1, Math.ceil(q * total)), below = 0; /* of ones, and rank among them */
    for (const [ns, n] of sums) {
        while (below < ones.length && ones[below] <= ns)
            below++;
        if (rank <= below)
            break;
        if (rank <= below + n)
            return ns;
        rank -= n;
    }
    return rank <= ones.length ? ones[rank - 1] : NaN;
}

function latencySummary(latencies)
{
    const ones = Float64Array.from(latencies.ones).sort();
    const sums = latencies.sums.sort((x, y) => x[0] - y[0]);
    const n = sums.reduce((sum, x) => sum + x[1], ones.length);
    const [p50, p99, max] = [0.5, 0.99, 1].map(q => percentile(ones, sums, n, q));
    return { n, p50, p99, max };
}

/* Adds those of the spans of G lane l that end in (a, b] and were runnable until they ran. */
function addLatencies(latencies, G, l, a, b)
{
    const hi = G.off[l + 1];
    for (let i = spanAfter(G, G.off[l], hi, a); i < hi && G.end[i] <= b; i++) {
        if (G.state[i] !== G_RUNNABLE || G.open[i])
            continue;
        const n = foldCount(G, i), ns = G.end[i] - G.begin[i];
        if (n)
            latencies.sums.push([ns / n, n]);
        else
            latencies.ones.push(ns);
    }
    return latencies;
}

/* Goroutines grouped by entry function over [a, b): time per class, scheduling latency. */
function functionTable(trace, goroutines, a, b)
{
    const G = trace.kinds[KIND_G], rows = new Map();
    for (const g of goroutines) {
        let row = rows.get(g.fn);
        if (!row)
            rows.set(g.fn, row = { name: g.fn, function: g.function, n: 0,
                                   total: new Float64Array(NC), latencies: noLatencies() });
        row.n++;
        if (a <= 0 && b >= trace.end)
            for (let c = 0; c < NC; c++)
                row.total[c] += trace.totals[g.index * NC + c];
        else
            laneShares(G, g.index, a, b, row.total);
        addLatencies(row.latencies, G, g.index, a, b);
    }
    for (const row of rows.values()) {
        row.latency = latencySummary(row.latencies);
        row.latencies = null;
    }
    return [...rows.values()].sort((x, y) => y.total[CL_RUNNING] - x.total[CL_RUNNING]);
}

/* ---- words about spans ---- */

/* The id of a lane, and the lane of an id (-1: none). */
function laneId(trace, kind, lane)
{
    return kind === KIND_G ? trace.goroutines[lane].id
           : kind === KIND_M ? trace.meta.threads[lane].id
           : kind === KIND_O ? trace.kinds[KIND_O].list[lane].number : lane;
}

function laneOfId(trace, kind, id)
{
    if (kind === KIND_O) {
        const o = trace.kinds[KIND_O].by_number.get(id);
        return o ? o.lane : -1;
    }
    const list = kind === KIND_G ? trace.goroutines : kind === KIND_M ? trace.meta.threads : null;
    return list ? list.findIndex(x => x.id === id) : id;
}

function laneName(trace, kind, lane)
{
    return kind === KIND_O ? trace.kinds[KIND_O].list[lane].name
                           : KIND_LETTER[kind] + laneId(trace, kind, lane);
}

function gName(g)
{
    return 'G' + g.id + ' ' + g.label;
}

function objectName(trace, i)
{
    const G = trace.kinds[KIND_G];
    return G.obj[i] ? (trace.meta.reasons[G.why[i]].kind || 'object') + '#' + G.obj[i] : '';
}

/* What a span is, in a word or two. */
function stateText(trace, k, i)
{
    if (k.kind === KIND_G) {
        switch (k.state[i]) {
        case G_RUNNABLE: return k.created[i] ? 'runnable (new)' : 'runnable';
        case G_RUNNING: return 'running';
        case G_BLOCKED: return trace.meta.reasons[k.why[i]].name;
        case G_DETACHED: return 'running without a P';
        default: return 'not recorded';
        }
    }
    if (k.kind === KIND_O)
        return !k.count[i] ? 'nobody waits'
               : k.count[i] === 1 ? '1 goroutine waits' : fmtCount(k.count[i]) + ' goroutines wait';
    if (k.kind === KIND_P)
        return ['idle', 'scheduler', 'running'][k.state[i]];
    return ['parked', 'scheduler', 'running', 'running without a P'][k.state[i]];
}

/* The label inside a span. */
function spanLabel(trace, k, i)
{
    if (k.kind === KIND_G) {
        if (k.state[i] === G_RUNNING)
            return k.p[i] >= 0 ? 'P' + k.p[i] : 'running';
        const obj = k.state[i] === G_BLOCKED ? objectName(trace, i) : '';
        const text = stateText(trace, k, i), [kind, number] = obj.split('#');
        return !obj ? text : text.startsWith(kind) ? text + ' #' + number : text + ' ' + obj;
    }
    if (k.kind === KIND_O)
        return waitersLabel(trace, k, i, laneOf(k, i));
    const g = k.g[i] >= 0 ? gName(trace.goroutines[k.g[i]]) : '';
    if (k.kind === KIND_P)
        return g;
    return g && k.p[i] >= 0 ? 'P' + k.p[i] + ' · ' + g : g || (k.p[i] >= 0 ? 'P' + k.p[i] : '');
}

/* The G span that stands behind a running span of a P or M lane; itself for G lanes; or -1. */
function goroutineSpan(trace, k, i)
{
    if (k.kind === KIND_G)
        return i;
    if (k.g[i] < 0)
        return -1;
    return spanAt(trace.kinds[KIND_G], k.g[i], k.begin[i] + (k.end[i] - k.begin[i]) / 2);
}

/* How G span i came to be able to run: the runnable span that stands for the wake-up, or -1. */
function wakeOf(trace, i)
{
    const G = trace.kinds[KIND_G], first = G.off[G.lane[i]], end = G.off[G.lane[i] + 1];
    if (foldCount(G, i))
        return -1;
    if (G.state[i] === G_RUNNABLE)
        return i;
    if (G.state[i] === G_BLOCKED)
        return i + 1 < end && G.state[i + 1] === G_RUNNABLE && !foldCount(G, i + 1) ? i + 1 : -1;
    return i > first && G.state[i - 1] === G_RUNNABLE && !foldCount(G, i - 1) ? i - 1 : -1;
}

/* The span that a wake-up leads to, when the goroutine ran after it; or -1. */
function runAfter(trace, wake)
{
    const G = trace.kinds[KIND_G];
    return wake + 1 < G.off[G.lane[wake] + 1] && !foldCount(G, wake + 1) ? wake + 1 : -1;
}

/* Runnable spans that G span i (running) caused. */
function wokenBy(trace, i)
{
    const G = trace.kinds[KIND_G], { off, list } = trace.wakes, g = G.lane[i];
    let lo = off[g], hi = off[g + 1];
    while (lo < hi) {
        const mid = (lo + hi) >>> 1;
        if (G.begin[list[mid]] < G.begin[i])
            lo = mid + 1;
        else
            hi = mid;
    }
    const out = [];
    for (; lo < off[g + 1] && G.begin[list[lo]] <= G.end[i]; lo++)
        if (G.lane[list[lo]] !== g)
            out.push(list[lo]);
    return out;
}
