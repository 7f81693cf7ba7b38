/* data.js - from the page's text to columns of spans.
 *
 * The command that made this page wrote base64 of a zlib stream of sections (the layout stands in
 * tools/view/pack.h).  Spans arrive in the order in which they ended, all lanes mixed; here they
 * are put lane by lane into typed arrays, so a lane is the range [off[l], off[l + 1]) of each.
 *
 * What makes zoomed-out views cheap is not a picture for each zoom level but prefix sums: every
 * STEP spans the total time of each class so far.  The exact share of every class in any window of
 * a lane is then two look-ups and at most 2 * STEP steps, at every zoom, from a table of 4 bytes a
 * span. */

const KIND_G = 0, KIND_P = 1, KIND_M = 2;
const KIND_LETTER = ['G', 'P', 'M', 'O']; /* O: objects.js */
const G_UNKNOWN = 0, G_RUNNABLE = 1, G_RUNNING = 2, G_BLOCKED = 3, G_DETACHED = 4;
const PACK_FOLDED = 5; /* a state on the page only: runnable, folded */
const P_IDLE = 0, P_SCHEDULER = 1, P_RUNNING = 2;
const M_PARKED = 0, M_IDLE = 1, M_RUNNING = 2, M_DETACHED = 3;

/* Classes of G lanes: those of the reader (meta.classes), then CL_UNKNOWN. */
const CL_RUNNING = 0, CL_RUNNABLE = 1, CL_CHAN = 2, CL_MUTEX = 3, CL_SELECT = 4, CL_NET = 5,
      CL_SYSCALL = 6, CL_SLEEP = 7, CL_OTHER = 8, CL_UNKNOWN = 9;
/* Classes of P and M lanes: what is not a goroutine, then colours: of the goroutine's entry
 * function on P lanes, of the P on M lanes. */
const LC_IDLE = 0, LC_SCHEDULER = 1, LC_DETACHED = 2, LC_FUNCTIONS = 3, FUNCTION_COLOURS = 12;

const NC = 16;   /* classes of a lane, at most */
const STEP = 32; /* spans between two prefix sums */

/* Reads varints from bytes; columns of one block are read by one such cursor each. */
class Cursor {
    constructor(bytes, pos, end)
    {
        this.b = bytes;
        this.pos = pos;
        this.end = end;
    }
    uint()
    {
        const b = this.b;
        let v = b[this.pos++];
        if (v < 0x80)
            return v;
        v &= 0x7f;
        let scale = 128;
        for (;;) {
            const c = b[this.pos++];
            v += (c & 0x7f) * scale;
            if (c < 0x80)
                return v;
            if (this.pos > this.end)
                throw new Error('a number runs over the end of its column');
            scale *= 128;
        }
    }
    int()
    {
        const v = this.uint();
        if (v < 0x80000000)
            return (v >>> 1) ^ -(v & 1);
        return v % 2 ? -(v + 1) / 2 : v / 2;
    }
    /* The next length-prefixed column, as a cursor of its own. */
    column()
    {
        const len = this.uint();
        const c = new Cursor(this.b, this.pos, this.pos + len);
        this.pos += len;
        return c;
    }
}

function bytesOfBase64(text)
{
    if (Uint8Array.fromBase64)
        return Uint8Array.fromBase64(text);
    const s = atob(text);
    const out = new Uint8Array(s.length);
    for (let i = 0; i < s.length; i++)
        out[i] = s.charCodeAt(i);
    return out;
}

async function inflate(bytes)
{
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* Sections by their letter: { S: [cursor...], G: [cursor], ... }.  Throws when the end is
 * missing. */
function splitSections(bytes)
{
    const out = {};
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let pos = 0; pos + 5 <= bytes.length;) {
        const type = String.fromCharCode(bytes[pos]);
        const len = view.getUint32(pos + 1, true);
        (out[type] = out[type] || []).push(new Cursor(bytes, pos + 5, pos + 5 + len));
        pos += 5 + len;
        if (type === 'Z')
            return out;
    }
    throw new Error('the page is not complete: its data ends early');
}

function readStrings(c)
{
    const decoder = new TextDecoder();
    const n = c.uint(), out = new Array(n);
    for (let i = 0; i < n; i++) {
        const len = c.uint();
        const text = decoder.decode(c.b.subarray(c.pos, c.pos + len));
        out[i] = text.replace(/[\0-\x1f\x7f]/g, '\ufffd');
        c.pos += len;
    }
    return out;
}

function readStacks(c, strings)
{
    const frames = [];
    for (let n = c.uint(); n > 0; n--) {
        const fn = strings[c.uint()], file = strings[c.uint()], line = c.uint(), flags = c.uint();
        frames.push({ fn, file, line, inlined: (flags & 1) !== 0, runtime: (flags & 2) !== 0 });
    }
    const stacks = new Map();
    for (let n = c.uint(); n > 0; n--) {
        const id = c.uint(), depth = c.uint(), list = [];
        for (let i = 0; i < depth; i++)
            list.push(frames[c.uint()]);
        stacks.set(id, list);
    }
    return stacks;
}

function readGoroutines(c, strings)
{
    const n = c.uint(), out = new Array(n);
    let id = 0;
    for (let i = 0; i < n; i++) {
        id += c.int();
        const by = c.uint() - 1, created = c.uint() - 1;
        const label = strings[c.uint()], fn = strings[c.uint()], stack = c.uint();
        out[i] = { index: i, id, by, created, label, fn, stack, function: null };
    }
    return out;
}

/* Addresses of objects, by their number. */
function readNumbers(c)
{
    return Array.from({ length: c.uint() }, () => c.uint());
}

/* Of a race also what its two sides did, and [from, to], between which the earlier access was made;
 * from is -1 where the recording does not tell. */
function readMarks(c, strings, mark_race)
{
    const out = [];
    let time = 0;
    for (let n = c.uint(); n > 0; n--) {
        const type = c.uint();
        time += c.uint();
        const g = c.uint() - 1, by = c.uint() - 1, p = c.uint() - 1, text = strings[c.uint()];
        const mark = { type, time, g, by, p, text };
        if (type === mark_race) {
            mark.sides = [0, 1].map(() => ({ access: strings[c.uint()], stack: c.uint() }));
            mark.by_from = c.uint() - 1;
            mark.by_to = c.uint();
        }
        out.push(mark);
    }
    return out;
}

function makeKind(kind, counts)
{
    const lanes = counts.length, off = new Uint32Array(lanes + 1);
    for (let l = 0; l < lanes; l++)
        off[l + 1] = off[l] + counts[l];
    const n = off[lanes];
    const k = {
        kind, lanes, off, n,
        begin: new Float64Array(n), end: new Float64Array(n),
        state: new Uint8Array(n), open: new Uint8Array(n), cls: new Uint8Array(n),
        p: new Int16Array(kind === KIND_P ? 0 : n).fill(-1),
        m: new Int32Array(kind === KIND_M ? 0 : n).fill(-1),
        g: new Int32Array(kind === KIND_G ? 0 : n).fill(-1),
    };
    k.fold = null; /* of a trace with folded states: how many each span stands for, * 2 + 1 for the
                    * first of a row of sums; 0: it is one state */
    if (kind === KIND_G) {
        k.why = new Uint8Array(n);
        k.obj = new Uint32Array(n);
        k.stack = new Uint32Array(n);
        k.by = new Int32Array(n).fill(-1);
        k.byP = new Int16Array(n).fill(-1);
        k.created = new Uint8Array(n);
    }
    return k;
}

/* Spans of each lane, from the heads and lanes of all blocks. */
function countSpans(blocks, goroutines)
{
    const counts = [new Array(goroutines).fill(0), [], []];
    for (const block of blocks) {
        const c = new Cursor(block.b, block.pos, block.end);
        const n = c.uint(), head = c.column(), lane = c.column();
        for (let i = 0; i < n; i++) {
            const k = counts[head.b[head.pos++] & 3], l = lane.uint();
            while (k.length <= l)
                k.push(0);
            k[l]++;
        }
    }
    return counts;
}

/* Sorts what is nearly sorted: sums of folded states come a little late. */
function putInOrder(list, key)
{
    for (let j = 1; j < list.length; j++) {
        const i = list[j], at = key[i];
        let to = j;
        for (; to > 0 && key[list[to - 1]] > at; to--)
            list[to] = list[to - 1];
        list[to] = i;
    }
}

function readSpans(blocks, goroutines)
{
    const counts = countSpans(blocks, goroutines);
    const kinds = counts.map((c, kind) => makeKind(kind, c));
    const next = kinds.map(k => k.off.slice());
    const by_end = new Uint32Array(kinds[KIND_G].n);
    let now = 0, ended = 0;
    for (const block of blocks) {
        const c = new Cursor(block.b, block.pos, block.end), n = c.uint();
        const [head, lane, end, gap, ps, ms, gs, why, obj, stack, by, byP, fold] =
            Array.from({ length: 13 }, () => c.column());
        for (let i = 0; i < n; i++) {
            const h = head.b[head.pos++], k = kinds[h & 3], raw = (h >> 2) & 7;
            const state = k.kind === KIND_G && raw === PACK_FOLDED ? G_RUNNABLE : raw;
            const folded = raw !== state ||
                           (h >> 7 && !(k.kind === KIND_G && state === G_RUNNABLE));
            const l = lane.uint(), at = next[h & 3][l]++;
            now += end.int();
            const before = at > k.off[l] ? k.end[at - 1] : 0;
            k.begin[at] = h & 0x40 ? before + gap.int() : before;
            k.end[at] = now;
            k.state[at] = state;
            k.open[at] = (h >> 5) & 1;
            if (folded)
                (k.fold = k.fold || new Uint32Array(k.n))[at] = fold.uint();
            if (k.kind === KIND_G) {
                by_end[ended++] = at;
                if (state === G_RUNNING)
                    k.p[at] = ps.uint() - 1;
                if (state === G_RUNNING || state === G_DETACHED)
                    k.m[at] = ms.uint();
                if (state === G_BLOCKED) {
                    k.why[at] = why.uint();
                    k.obj[at] = obj.uint();
                }
                if (state === G_BLOCKED || state === G_RUNNABLE) {
                    k.by[at] = by.uint() - 1;
                    k.byP[at] = byP.uint() - 1;
                    k.stack[at] = stack.uint();
                }
                k.created[at] = folded ? 0 : h >> 7;
            } else if (k.kind === KIND_P) {
                if (state !== P_IDLE)
                    k.m[at] = ms.uint();
                if (state === P_RUNNING)
                    k.g[at] = gs.uint() - 1;
            } else {
                k.p[at] = ps.uint() - 1;
                if (state === M_RUNNING || state === M_DETACHED)
                    k.g[at] = gs.uint() - 1;
            }
        }
    }
    kinds[KIND_G].by_end = by_end;
    if (kinds[KIND_G].fold)
        putInOrder(by_end, kinds[KIND_G].end);
    return kinds;
}

/* All G spans by their begin, without sorting them: spans arrive in order of their ends, and where
 * one ends the next of its lane begins.  Only the first ones of lanes have to be sorted in. */
function orderByBegin(G)
{
    const { begin, end, lane, by_end, n } = G, out = new Uint32Array(n), rest = [];
    for (let i = 0; i < n; i++)
        if (i === 0 || lane[i - 1] !== lane[i] || begin[i] !== end[i - 1])
            rest.push(i);
    rest.sort((a, b) => begin[a] - begin[b]);
    let at = 0, r = 0;
    for (let j = 0; j < n; j++) {
        const i = by_end[j] + 1;
        if (i >= n || lane[i] !== lane[i - 1] || begin[i] !== end[i - 1])
            continue;
        while (r < rest.length && begin[rest[r]] <= begin[i])
            out[at++] = rest[r++];
        out[at++] = i;
    }
    while (r < rest.length)
        out[at++] = rest[r++];
    return out;
}

/* ---- classes and prefix sums ---- */

function classifyG(k, meta)
{
    const of_reason = meta.reasons.map(r => r.cls);
    for (let i = 0; i < k.n; i++) {
        switch (k.state[i]) {
        case G_RUNNABLE: k.cls[i] = CL_RUNNABLE; break;
        case G_RUNNING: k.cls[i] = CL_RUNNING; break;
        case G_BLOCKED: k.cls[i] = of_reason[k.why[i]]; break;
        case G_DETACHED: k.cls[i] = CL_SYSCALL; break;
        default: k.cls[i] = CL_UNKNOWN;
        }
    }
}

/* A colour for each entry function: from a hash of its name, so that the same function looks the
 * same in the next trace, but the busiest choose first and no two share one while some are free. */
function colourFunctions(functions)
{
    const taken = new Array(FUNCTION_COLOURS).fill(false);
    functions.forEach((f, rank) => {
        let h = 2166136261;
        for (let i = 0; i < f.name.length; i++)
            h = Math.imul(h ^ f.name.charCodeAt(i), 16777619);
        let slot = (h >>> 0) % FUNCTION_COLOURS;
        if (rank < FUNCTION_COLOURS)
            while (taken[slot])
                slot = (slot + 1) % FUNCTION_COLOURS;
        taken[slot] = true;
        f.colour = slot;
    });
}

function classifyLanes(k, goroutines)
{
    const colour = Uint8Array.from(goroutines, g => LC_FUNCTIONS + g.function.colour);
    for (let i = 0; i < k.n; i++) {
        if (k.kind === KIND_M && k.state[i] === M_DETACHED)
            k.cls[i] = LC_DETACHED;
        else if (k.g[i] >= 0 && k.state[i] === 2)
            k.cls[i] = k.kind === KIND_P ? colour[k.g[i]]
                                         : LC_FUNCTIONS + Math.max(0, k.p[i]) % FUNCTION_COLOURS;
        else
            k.cls[i] = k.state[i] === 0 ? LC_IDLE : LC_SCHEDULER;
    }
}

function sumUp(k)
{
    const cum = k.cum = new Float64Array((Math.floor(k.n / STEP) + 1) * NC);
    const now = new Float64Array(NC);
    for (let i = 0; i < k.n; i++) {
        if (i % STEP === 0)
            cum.set(now, (i / STEP) * NC);
        now[k.cls[i]] += k.end[i] - k.begin[i];
    }
    if (k.n % STEP === 0)
        cum.set(now, (k.n / STEP) * NC);
}

/* ---- questions that drawing asks ---- */

/* First span in [lo, hi) that ends after t; hi when none does. */
function spanAfter(k, lo, hi, t)
{
    const end = k.end;
    while (lo < hi) {
        const mid = (lo + hi) >>> 1;
        if (end[mid] > t)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/* The same when the answer is probably near lo. */
function spanAfterNear(k, lo, hi, t)
{
    let step = 1, at = lo;
    while (at < hi && k.end[at] <= t) {
        lo = at + 1;
        at += step;
        step *= 2;
    }
    return spanAfter(k, lo, Math.min(at, hi), t);
}

/* The lane that span i lies in. */
function laneOf(k, i)
{
    let lo = 0, hi = k.lanes;
    while (hi - lo > 1) {
        const mid = (lo + hi) >>> 1;
        if (k.off[mid] <= i)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* The span of lane l that covers t, or -1. */
function spanAt(k, l, t)
{
    const i = spanAfter(k, k.off[l], k.off[l + 1], t);
    return i < k.off[l + 1] && k.begin[i] <= t ? i : -1;
}

function addWhole(k, i, j, out)
{
    for (; i < j && i % STEP !== 0; i++)
        out[k.cls[i]] += k.end[i] - k.begin[i];
    if (i < j) {
        const a = (i / STEP) * NC, b = Math.floor(j / STEP) * NC;
        for (let c = 0; c < NC; c++)
            out[c] += k.cum[b + c] - k.cum[a + c];
        i = Math.max(i, Math.floor(j / STEP) * STEP);
    }
    for (; i < j; i++)
        out[k.cls[i]] += k.end[i] - k.begin[i];
}

/* Adds to out[class] the time that spans [i, j) of one lane spend in [a, b); i is the first that
 * ends after a, j the first that ends after b, or one more. */
function addShares(k, i, j, a, b, out)
{
    while (i < j && k.begin[i] < a) {
        out[k.cls[i]] += Math.max(0, Math.min(k.end[i], b) - a);
        i++;
    }
    while (j > i && k.end[j - 1] > b) {
        j--;
        out[k.cls[j]] += Math.max(0, b - Math.max(k.begin[j], a));
    }
    addWhole(k, i, j, out);
}

/* Time of each class that lane l spends in [a, b). */
function laneShares(k, l, a, b, out)
{
    const hi = k.off[l + 1];
    const i = spanAfter(k, k.off[l], hi, a), j = spanAfter(k, i, hi, b);
    addShares(k, i, Math.min(j + 1, hi), a, b, out);
    return out;
}

/* ---- all of it ---- */

/* Runnable spans by who caused them, in order of time: list[off[g]..off[g + 1]) are spans. */
function indexWakes(k)
{
    const off = new Uint32Array(k.lanes + 1);
    for (let i = 0; i < k.n; i++)
        if (k.state[i] === G_RUNNABLE && k.by[i] >= 0)
            off[k.by[i] + 1]++;
    for (let g = 0; g < k.lanes; g++)
        off[g + 1] += off[g];
    const list = new Uint32Array(off[k.lanes]), next = off.slice();
    for (const i of k.by_begin)
        if (k.state[i] === G_RUNNABLE && k.by[i] >= 0)
            list[next[k.by[i]]++] = i;
    return { off, list };
}

function laneOfSpan(k)
{
    const out = new Uint32Array(k.n);
    for (let l = 0; l < k.lanes; l++)
        out.fill(l, k.off[l], k.off[l + 1]);
    return out;
}

/* Time of each class over the whole life of goroutine g. */
function totalsOf(trace, g)
{
    return trace.totals.subarray(g.index * NC, (g.index + 1) * NC);
}

function buildFunctions(trace)
{
    const by_name = new Map();
    const G = trace.kinds[KIND_G];
    const totals = trace.totals = new Float64Array(trace.goroutines.length * NC);
    for (const g of trace.goroutines) {
        let f = by_name.get(g.fn);
        if (!f)
            by_name.set(g.fn, f = { name: g.fn, goroutines: [], total: new Float64Array(NC) });
        f.goroutines.push(g);
        g.function = f;
        const base = g.index * NC, hi = G.off[g.index + 1];
        for (let i = G.off[g.index]; i < hi; i++)
            totals[base + G.cls[i]] += G.end[i] - G.begin[i];
        for (let c = 0; c < NC; c++)
            f.total[c] += totals[base + c];
    }
    trace.functions = [...by_name.values()].sort((a, b) => b.total[CL_RUNNING] -
                                                           a.total[CL_RUNNING]);
    colourFunctions(trace.functions);
}

/* The text of the page's data element -> everything the page draws. */
async function loadTrace(text)
{
    const sections = splitSections(await inflate(bytesOfBase64(text.trim())));
    const json = sections.J[0];
    const meta = JSON.parse(new TextDecoder().decode(json.b.subarray(json.pos, json.end)));
    const strings = readStrings(sections.T[0]);
    const trace = { meta, end: Math.max(1, meta.end_ns) };
    trace.stacks = readStacks(sections.K[0], strings);
    trace.goroutines = readGoroutines(sections.G[0], strings);
    trace.marks = readMarks(sections.E[0], strings, meta.mark_race);
    trace.objects = readNumbers(sections.O[0]);
    trace.races = trace.marks.filter(m => m.type === meta.mark_race);
    trace.kinds = readSpans(sections.S || [], trace.goroutines.length);
    const G = trace.kinds[KIND_G];
    classifyG(G, meta);
    sumUp(G);
    buildFunctions(trace);
    for (const kind of [KIND_P, KIND_M]) {
        classifyLanes(trace.kinds[kind], trace.goroutines);
        sumUp(trace.kinds[kind]);
    }
    G.lane = laneOfSpan(G);
    G.by_begin = orderByBegin(G);
    trace.wakes = indexWakes(G);
    trace.kinds.push(makeObjects(trace));
    const one = (...wanted) => Uint8Array.from({ length: NC }, (_, c) => +wanted.includes(c));
    const procs = Math.max(1, trace.meta.procs);
    trace.counters = [
        { name: 'running', cls: CL_RUNNING, c: makeCounter(G, one(CL_RUNNING)) },
        { name: 'runnable', cls: CL_RUNNABLE, c: makeCounter(G, one(CL_RUNNABLE)) },
        { name: 'blocked', cls: CL_CHAN, c: makeCounter(G, one(2, 3, 4, 5, 6, 7, 8)) },
    ];
    if (G.fold) /* sums of neighbours overlap a little */
        trace.counters[0].c.max = Math.min(trace.counters[0].c.max, procs);
    return trace;
}
