/* objects.js - lanes of channels, locks and everything else that goroutines wait for.
 *
 * The trace says which object each wait was for.  Turned around, that makes a lane for each object:
 * how many goroutines wait for it, over time.  A lane is a row of spans over which that number does
 * not change, from the first wait to the last, so it is searched, stepped through and selected like
 * the others; area[i], the sum of waiters x time before span i, gives the mean over any stretch.
 * Lanes stand in the order of the time that was spent waiting for them: contention first. */

const KIND_O = 3;
const LO_FREE = 0, LO_WAITED = 1; /* classes of object lanes */

/* Objects of the trace with their waits counted, those that cost most first. */
function countObjects(trace)
{
    const G = trace.kinds[KIND_G], by_number = new Map();
    for (let i = 0; i < G.n; i++) {
        if (G.state[i] !== G_BLOCKED || !G.obj[i])
            continue;
        let o = by_number.get(G.obj[i]);
        if (!o) {
            const kind = trace.meta.reasons[G.why[i]].kind || 'object';
            o = { number: G.obj[i], kind, name: kind + '#' + G.obj[i], cls: G.cls[i], lane: 0,
                  waits: 0, spans: 0, total: 0, longest: i, most: 0 };
            by_number.set(o.number, o);
        }
        o.spans++;
        o.waits += foldCount(G, i) || 1;
        o.total += G.end[i] - G.begin[i];
        if (G.end[i] - G.begin[i] > G.end[o.longest] - G.begin[o.longest])
            o.longest = i;
    }
    const list = [...by_number.values()].sort((a, b) => b.total - a.total || a.number - b.number);
    list.forEach((o, lane) => { o.lane = lane; });
    return { list, by_number };
}

/* Waits of each object in the order of index (all G spans in some order). */
function waitsInOrder(G, by_number, off, index)
{
    const next = off.slice(), out = new Uint32Array(off[off.length - 1]);
    for (const i of index)
        if (G.state[i] === G_BLOCKED && G.obj[i])
            out[next[by_number.get(G.obj[i]).lane]++] = i;
    return out;
}

/* Spans of one object: begins and ends of its waits, merged. */
function mergeWaits(k, G, o, begins, ends, at)
{
    let b = 0, e = 0, count = 0, since = 0;
    while (e < ends.length) {
        const up = b < begins.length && G.begin[begins[b]] <= G.end[ends[e]];
        const t = up ? G.begin[begins[b]] : G.end[ends[e]];
        if (b > 0 && t > since) {
            k.begin[at] = since;
            k.end[at] = t;
            k.count[at] = count;
            k.cls[at] = count ? LO_WAITED : LO_FREE;
            k.area[at + 1] = k.area[at] + count * (t - since);
            o.most = Math.max(o.most, count);
            at++;
        }
        since = t;
        if (up) {
            count++;
            b++;
        } else {
            count--;
            e++;
        }
    }
    return at;
}

function makeObjects(trace)
{
    const G = trace.kinds[KIND_G], { list, by_number } = countObjects(trace);
    const wait_off = new Uint32Array(list.length + 1);
    for (const o of list)
        wait_off[o.lane + 1] = wait_off[o.lane] + o.spans;
    const room = wait_off[list.length] * 2, none = new Int32Array(room).fill(-1);
    const k = {
        kind: KIND_O, lanes: list.length, off: new Uint32Array(list.length + 1), n: 0,
        begin: new Float64Array(room), end: new Float64Array(room),
        count: new Uint32Array(room), cls: new Uint8Array(room), state: new Uint8Array(room),
        open: new Uint8Array(room), area: new Float64Array(room + 1), p: none, m: none, g: none,
        list, by_number, wait_off, waits: waitsInOrder(G, by_number, wait_off, G.by_begin),
    };
    const ends = waitsInOrder(G, by_number, wait_off, G.by_end);
    for (const o of list) {
        const lo = wait_off[o.lane], hi = wait_off[o.lane + 1];
        k.n = mergeWaits(k, G, o, k.waits.subarray(lo, hi), ends.subarray(lo, hi), k.n);
        k.off[o.lane + 1] = k.n;
    }
    return k;
}

/* Waiters x time of lane l from its begin to t; i: a span of the lane that is not after t. */
function waitedUntil(k, l, t, i)
{
    const lo = k.off[l], hi = k.off[l + 1];
    if (lo === hi || t <= k.begin[lo])
        return [0, lo];
    i = spanAfterNear(k, Math.max(lo, i), hi, t);
    if (i >= hi)
        return [k.area[hi] - k.area[lo], hi - 1];
    return [k.area[i] - k.area[lo] + k.count[i] * Math.max(0, t - k.begin[i]), i];
}

/* The G spans that wait for the object of lane l at time t, at most limit of them; null when
 * finding them takes too many steps. */
function waitersAt(trace, l, t, limit = 64, steps = 4096)
{
    const G = trace.kinds[KIND_G], k = trace.kinds[KIND_O], i = spanAt(k, l, t), out = [];
    if (i < 0)
        return out;
    let lo = k.wait_off[l], hi = k.wait_off[l + 1];
    const first = lo, wanted = Math.min(limit, k.count[i]);
    while (lo < hi) {
        const mid = (lo + hi) >>> 1;
        if (G.begin[k.waits[mid]] <= t)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (let at = lo - 1; at >= first && out.length < wanted; at--) {
        if (steps-- <= 0)
            return null;
        if (G.end[k.waits[at]] > t)
            out.push(k.waits[at]);
    }
    return out;
}

/* Waits of an object grouped by key(G span): [{ key, n, total }], the costliest first. */
function groupWaits(trace, l, key)
{
    const G = trace.kinds[KIND_G], k = trace.kinds[KIND_O], rows = new Map();
    for (let at = k.wait_off[l]; at < k.wait_off[l + 1]; at++) {
        const i = k.waits[at], what = key(i);
        let r = rows.get(what);
        if (!r)
            rows.set(what, r = { key: what, n: 0, total: 0 });
        r.n += foldCount(G, i) || 1;
        r.total += G.end[i] - G.begin[i];
    }
    return [...rows.values()].sort((a, b) => b.total - a.total);
}

/* Where an object is mostly waited for: "work demo.c:12". */
function objectSite(trace, l)
{
    const o = trace.kinds[KIND_O].list[l];
    if (o.site === undefined)
        o.site = topOfStack(trace, trace.kinds[KIND_G].stack[o.longest]);
    return o.site;
}

/* The label inside a span: who waits, or how many. */
function waitersLabel(trace, k, i, l)
{
    if (k.count[i] > 3)
        return fmtCount(k.count[i]) + ' wait';
    const G = trace.kinds[KIND_G], list = waitersAt(trace, l, k.begin[i], 3, 64);
    if (!list)
        return fmtCount(k.count[i]) + (k.count[i] > 1 ? ' wait' : ' waits');
    const names = list.map(s => trace.goroutines[G.lane[s]]);
    return names.length === 1 ? gName(names[0]) : names.map(g => 'G' + g.id).sort().join(' ');
}

/* The lane of the object that a G span waits for, or -1. */
function objectLane(trace, i)
{
    const o = trace.kinds[KIND_O].by_number.get(trace.kinds[KIND_G].obj[i]);
    return trace.kinds[KIND_G].state[i] === G_BLOCKED && o ? o.lane : -1;
}

/* ---- the panel of an object ---- */

function waiterRow(v, i)
{
    const { trace } = v, G = trace.kinds[KIND_G], wake = wakeOf(trace, i);
    const by = wake >= 0 && G.by[wake] >= 0 ? gName(trace.goroutines[G.by[wake]])
               : G.open[i] ? 'nobody: it waited to the end' : 'timer or scheduler';
    return el('tr', {},
              el('td', {}, spanLink(v, KIND_G, i, gName(trace.goroutines[G.lane[i]]))),
              el('td', {}, trace.meta.reasons[G.why[i]].name),
              el('td', { class: 'num' }, fmtTime(G.begin[i], 1)),
              el('td', { class: 'num' }, fmtDur(G.end[i] - G.begin[i])),
              el('td', {}, by));
}

function smallTable(head, rows)
{
    return el('table', {}, el('thead', {}, el('tr', {}, head.map(h => el('th', {
        class: h[0] === '>' ? 'num' : '', scope: 'col' }, h.replace('>', ''))))),
              el('tbody', {}, rows));
}

/* A list of groups, with a share of the whole as a bar. */
function groupTable(v, head, rows, total, name)
{
    return smallTable([head, '>waits', '>waited'], rows.slice(0, 6).map(r => el('tr', {},
        el('td', {}, name(r.key)), el('td', { class: 'num' }, fmtCount(r.n)),
        el('td', { class: 'num' }, fmtDur(r.total), ' ',
           el('s', {}, fmtPercent(r.total / (total || 1)))))));
}

function objectPanel(v)
{
    const { trace, selected: s } = v, k = trace.kinds[KIND_O], o = k.list[s.lane];
    const G = trace.kinds[KIND_G], list = waitersAt(trace, s.lane, k.begin[s.i], 20) || [];
    const left = el('section', {}, el('h2', {}, o.name, el('small', {}, objectSite(trace, s.lane))),
        facts([['waits', fmtCount(o.waits)], ['waited in all', fmtDur(o.total)],
               ['at most', fmtCount(o.most) + ' at a time'],
               ['longest', spanLink(v, KIND_G, o.longest, `${fmtDur(G.end[o.longest] -
                   G.begin[o.longest])}, ${gName(trace.goroutines[G.lane[o.longest]])}`)],
               ['here', `${fmtCount(k.count[s.i])} for ${fmtDur(k.end[s.i] - k.begin[s.i])} ` +
                        `from ${fmtTime(k.begin[s.i], 1)}`]]));
    const who = list.length ? el('section', {}, el('h4', {}, 'Waiting here'),
        smallTable(['goroutine', 'for', '>since', '>for', 'ended by'],
                   list.map(i => waiterRow(v, i)))) : null;
    const enders = groupWaits(trace, s.lane, i => G.by[i]);
    const sites = groupWaits(trace, s.lane, i => topOfStack(trace, G.stack[i]));
    return [el('div', { class: 'columns' }, left, who,
        el('section', {}, groupTable(v, 'ended by', enders, o.total,
                                     g => g < 0 ? 'timer or scheduler' : gLink(v, g)),
           groupTable(v, 'waited for at', sites, o.total, at => at || 'no stack')))];
}
