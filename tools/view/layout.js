/* layout.js - what is where: the window of time, groups of lanes, the selection, and moving about.
 *
 * class Layout knows no pixel's colour; class View (view.js) draws it. */

const GUTTER = 216, HEAD_H = 26, RULER_H = 28, MINIMAP_H = 46;
const LANE_H = [20, 22, 22, 22], COUNTER_H = 30;
const MIN_WINDOW_NS = 20;

class Layout {
    constructor(trace)
    {
        this.trace = trace;
        this.t0 = 0;
        this.t1 = trace.end;
        this.target = null;       /* window that an animation moves to */
        this.history = [];
        this.selected = null;     /* { kind, i, lane } */
        this.area = null;         /* { t0, t1, lanes: [[kind, lane]...], y0, y1 } */
        this.hover = null;
        this.tab = 'details';
        this.flags = [];          /* times marked with M */
        this.all_arrows = false;
        this.query = null;
        this.filter = false;
        this.sort = 'run';
        this.collapsed = new Set();
        this.raster = new Raster();
        this.mini = new Raster();
        this.box = byId('lanes');
        this.canvas = byId('canvas');
        this.over = byId('over');
        this.text_width = new Map();
        this.dirty = this.over_dirty = true;
        this.on_change = () => {};
        this.arrows_drawn = 0;
        this.frame_ms = 0;
    }

    /* ---- layout ---- */

    lanesOf(kind)
    {
        const k = this.trace.kinds[kind], out = [];
        for (let l = 0; l < k.lanes; l++)
            if (k.off[l] < k.off[l + 1])
                out.push(l);
        if (kind === KIND_M)
            out.sort((a, b) => laneId(this.trace, kind, a) - laneId(this.trace, kind, b));
        return kind === KIND_G ? this.sortGoroutines(out) : out;
    }

    sortGoroutines(list)
    {
        const { goroutines, kinds } = this.trace, G = kinds[KIND_G];
        const first_run = g => { /* within a row of sums nobody is first */
            for (let i = G.off[g]; i < G.off[g + 1]; i++)
                if (G.state[i] === G_RUNNING || G.state[i] === G_DETACHED)
                    return G.begin[foldCount(G, i) ? foldRow(G, i)[0] : i];
            return Infinity;
        };
        const total = (g, c) => this.trace.totals[g * NC + c];
        const keys = {
            run: g => first_run(g),
            id: g => goroutines[g].id,
            running: g => -total(g, CL_RUNNING),
            runnable: g => -total(g, CL_RUNNABLE),
            blocked: g => -[2, 3, 4, 5, 6, 7, 8].reduce((s, c) => s + total(g, c), 0),
        };
        if (this.sort === 'name') {
            list.sort((a, b) => goroutines[a].label.localeCompare(goroutines[b].label) || a - b);
        } else {
            const key = new Float64Array(G.lanes);
            for (const g of list)
                key[g] = keys[this.sort](g);
            list.sort((a, b) => key[a] < key[b] ? -1 : key[a] > key[b] ? 1 : a - b);
        }
        if (this.filter && this.query && !this.query.error)
            list = list.filter(g => laneMatches(this.trace, this.query, goroutines[g]));
        return list;
    }

    /* Groups from top to bottom; every lane of a group has one height. */
    layout()
    {
        const { trace } = this, all = trace.goroutines.length;
        const groups = [{ id: 'counters', title: 'Goroutines over time', kind: -1, row_h: COUNTER_H,
                          lanes: trace.counters.map((_, i) => i) }];
        const add = (id, title, kind) => {
            const lanes = this.lanesOf(kind);
            if (lanes.length || kind === KIND_G)
                groups.push({ id, title, kind, lanes, row_h: LANE_H[kind] + 4 });
        };
        add('p', 'Processors', KIND_P);
        add('m', 'Threads', KIND_M);
        add('g', 'Goroutines', KIND_G);
        add('o', 'Channels and locks', KIND_O);
        let y = 0;
        for (const g of groups) {
            const n = g.lanes.length;
            g.note = g.kind < 0 ? ''
                     : g.kind === KIND_G && n < all ? `${fmtCount(n)} of ${fmtCount(all)}`
                     : fmtCount(n);
            g.y = y;
            y += HEAD_H;
            g.y_lanes = y;
            if (!this.collapsed.has(g.id))
                y += n * g.row_h + 6;
            g.y_end = y;
        }
        this.groups = groups;
        this.total_h = y + 24;
        byId('tall').style.height = this.total_h + 'px';
        this.row_of = this.trace.kinds.map(k => new Int32Array(k.lanes).fill(-1));
        for (const g of groups)
            if (g.kind >= 0)
                g.lanes.forEach((l, row) => { this.row_of[g.kind][l] = row; });
        this.dirty = true;
    }

    /* Top of a lane in the scrolled content, or -1 when it is not shown. */
    laneY(kind, lane)
    {
        const g = this.groups.find(x => x.kind === kind);
        const row = g && !this.collapsed.has(g.id) ? this.row_of[kind][lane] : -1;
        return row < 0 ? -1 : g.y_lanes + row * g.row_h;
    }

    /* What lies at (x, y) of the canvas. */
    hit(x, y)
    {
        const content_y = y + this.box.scrollTop;
        const g = this.groups.find(r => content_y >= r.y && content_y < r.y_end);
        if (!g)
            return { group: null };
        if (content_y < g.y_lanes)
            return { group: g, head: true };
        const row = Math.floor((content_y - g.y_lanes) / g.row_h);
        if (row >= g.lanes.length)
            return { group: g };
        const lane = g.lanes[row], time = this.timeAt(x);
        const out = { group: g, kind: g.kind, lane, time, gutter: x < GUTTER };
        if (g.kind >= 0 && !out.gutter)
            Object.assign(out, this.spansUnder(g.kind, lane, x));
        return out;
    }

    /* The span at x, and how many spans share its pixel. */
    spansUnder(kind, lane, x)
    {
        const k = this.trace.kinds[kind], dt = (this.t1 - this.t0) / this.plotWidth();
        const a = this.t0 + Math.floor(x - GUTTER) * dt, b = a + dt, hi = k.off[lane + 1];
        const i = spanAfter(k, k.off[lane], hi, a), j = spanAfter(k, i, hi, b);
        const last = j < hi && k.begin[j] < b ? 1 : 0, n = j - i + last;
        if (n === 0)
            return {};
        let best = i;
        for (let s = i; s < Math.min(j + last, i + 64); s++) {
            const cover = t => Math.min(k.end[t], b) - Math.max(k.begin[t], a);
            if (cover(s) > cover(best))
                best = s;
        }
        const row = foldOf(k, best);
        if (row && n <= row.hi - row.lo)
            return { span: best, count: row.count, a: row.begin, b: row.end };
        return { span: best, count: n, a, b };
    }

    plotWidth()
    {
        return Math.max(1, this.width - GUTTER);
    }

    timeAt(x)
    {
        return this.t0 + (x - GUTTER) * (this.t1 - this.t0) / this.plotWidth();
    }

    xAt(t)
    {
        return GUTTER + (t - this.t0) * this.plotWidth() / (this.t1 - this.t0);
    }

    /* ---- moving ---- */

    fitted(t0, t1)
    {
        const end = this.trace.end;
        const len = clamp(t1 - t0, Math.min(MIN_WINDOW_NS, end), end);
        const mid = (t0 + t1) / 2;
        const begin = clamp(mid - len / 2, 0, end - len);
        return { t0: begin, t1: begin + len };
    }

    /* Shows [t0, t1); smoothly unless people asked for no motion.  remember: Backspace returns. */
    show(t0, t1, { remember = false, smooth = true } = {})
    {
        if (remember)
            this.remember();
        const to = this.fitted(t0, t1);
        if (!smooth || matchMedia('(prefers-reduced-motion: reduce)').matches) {
            Object.assign(this, to);
            this.target = null;
        } else {
            this.target = Object.assign(to, { from0: this.t0, from1: this.t1,
                                              since: performance.now() });
        }
        this.dirty = true;
        this.request();
    }

    goal()
    {
        return this.target || this;
    }

    zoom(factor, at_time)
    {
        const { t0, t1 } = this.goal();
        const at = at_time === undefined ? (t0 + t1) / 2 : at_time;
        this.show(at - (at - t0) * factor, at + (t1 - at) * factor,
                  { smooth: at_time === undefined });
    }

    pan(share)
    {
        const { t0, t1 } = this.goal(), len = t1 - t0;
        const begin = clamp(t0 + share * len, 0, this.trace.end - len);
        this.show(begin, begin + len);
    }

    remember()
    {
        const { t0, t1 } = this.goal();
        this.history.push({ t0, t1, top: this.box.scrollTop });
        if (this.history.length > 200)
            this.history.shift();
    }

    back()
    {
        const last = this.history.pop();
        if (!last)
            return;
        this.show(last.t0, last.t1);
        this.box.scrollTop = last.top;
    }

    animate(now)
    {
        const g = this.target;
        if (!g)
            return;
        const f = clamp((now - g.since) / 130, 0, 1), ease = 1 - (1 - f) ** 3;
        this.t0 = g.from0 + (g.t0 - g.from0) * ease;
        this.t1 = g.from1 + (g.t1 - g.from1) * ease;
        if (f >= 1) {
            this.t0 = g.t0;
            this.t1 = g.t1;
            this.target = null;
        }
        this.dirty = true;
    }

    /* Brings a span into view, in time and among the lanes. */
    reveal(kind, i, lane)
    {
        const k = this.trace.kinds[kind], { t0, t1 } = this.goal(), len = t1 - t0;
        if (k.end[i] < t0 + len * 0.02 || k.begin[i] > t1 - len * 0.02) {
            const mid = (k.begin[i] + k.end[i]) / 2;
            this.show(mid - len / 2, mid + len / 2, { remember: true });
        }
        const g = this.groups.find(x => x.kind === kind);
        if (g && this.collapsed.delete(g.id))
            this.layout();
        const y = this.laneY(kind, lane), room = this.box.clientHeight;
        if (y >= 0 && (y < this.box.scrollTop + HEAD_H || y + 30 > this.box.scrollTop + room))
            this.box.scrollTop = y - room / 2;
    }

    /* ---- selection ---- */

    select(kind, i, { reveal = false } = {})
    {
        this.area = null;
        if (i === undefined || i < 0) {
            this.selected = null;
        } else {
            const lane = laneOf(this.trace.kinds[kind], i);
            this.selected = { kind, i, lane };
            if (reveal)
                this.reveal(kind, i, lane);
        }
        this.dirty = true;
        this.on_change();
        this.request();
    }

    selectArea(t0, t1, y0, y1)
    {
        const lanes = [];
        for (const g of this.groups)
            if (g.kind >= 0 && !this.collapsed.has(g.id))
                g.lanes.forEach((l, row) => {
                    const y = g.y_lanes + row * g.row_h;
                    if (y + g.row_h > y0 && y < y1)
                        lanes.push([g.kind, l]);
                });
        this.selected = null;
        this.area = { t0: clamp(t0, 0, this.trace.end), t1: clamp(t1, 0, this.trace.end), y0, y1,
                      lanes };
        this.dirty = true;
        this.on_change();
        this.request();
    }
}
