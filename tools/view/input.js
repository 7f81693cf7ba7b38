/* input.js - keys, wheel and pointer. */

/* Next span of some length in the lane of the selection; with none selected, the first in sight. */
function step(v, by)
{
    const s = v.selected;
    if (!s) {
        selectFirst(v);
        return;
    }
    const k = v.trace.kinds[s.kind], lo = k.off[s.lane], hi = k.off[s.lane + 1];
    let i = s.i + by;
    while (i >= lo && i < hi && (k.end[i] === k.begin[i] ||
                                 v.theme.style[s.kind][k.cls[i]] === STYLE_BLANK))
        i += by;
    if (i >= lo && i < hi)
        v.select(s.kind, i, { reveal: true });
}

function selectFirst(v)
{
    let done = false;
    v.visibleRows((g, lane) => {
        if (done || g.kind < 0)
            return;
        const k = v.trace.kinds[g.kind];
        let i = spanAfter(k, k.off[lane], k.off[lane + 1], v.t0);
        while (i < k.off[lane + 1] && v.theme.style[g.kind][k.cls[i]] === STYLE_BLANK)
            i++;
        if (i < k.off[lane + 1] && k.begin[i] < v.t1) {
            v.select(g.kind, i);
            done = true;
        }
    });
}

/* The lane above or below, at the same time. */
function stepLane(v, by)
{
    const s = v.selected;
    if (!s) {
        selectFirst(v);
        return;
    }
    const rows = v.groups.filter(g => g.kind >= 0 && !v.collapsed.has(g.id));
    let g = rows.findIndex(x => x.kind === s.kind);
    let row = rows[g].lanes.indexOf(s.lane);
    const k = v.trace.kinds[s.kind], t = (Math.max(k.begin[s.i], v.t0) +
                                          Math.min(k.end[s.i], v.t1)) / 2;
    for (;;) {
        row += by;
        if (row < 0 || row >= rows[g].lanes.length) {
            g += by;
            if (g < 0 || g >= rows.length)
                return;
            row = by > 0 ? -1 : rows[g].lanes.length;
            continue;
        }
        const o = v.trace.kinds[rows[g].kind], i = spanAt(o, rows[g].lanes[row], t);
        if (i >= 0) {
            v.select(rows[g].kind, i, { reveal: true });
            return;
        }
    }
}

/* The span of the selected goroutine that the keys [ and ] start from. */
function currentG(v)
{
    const s = v.selected;
    return s ? goroutineSpan(v.trace, v.trace.kinds[s.kind], s.i) : -1;
}

/* [ : to what the waker was doing when it woke the selected goroutine. */
function followWaker(v)
{
    const { trace } = v, G = trace.kinds[KIND_G], i = currentG(v);
    const wake = i < 0 ? -1 : wakeOf(trace, i);
    if (wake < 0 || G.by[wake] < 0)
        return;
    let to = spanAfter(G, G.off[G.by[wake]], G.off[G.by[wake] + 1], G.begin[wake] - 1);
    while (to + 1 < G.off[G.by[wake] + 1] && G.state[to] !== G_RUNNING &&
           G.begin[to + 1] <= G.begin[wake])
        to++;
    if (to < G.off[G.by[wake] + 1])
        v.select(KIND_G, to, { reveal: true });
}

/* ] : to the run of the first goroutine that the selected run woke. */
function followWakee(v)
{
    const { trace } = v, G = trace.kinds[KIND_G];
    let i = currentG(v);
    if (i >= 0 && G.state[i] === G_RUNNABLE)
        i = runAfter(trace, i);
    else if (i >= 0 && G.state[i] === G_BLOCKED)
        i = wakeOf(trace, i);
    if (i < 0)
        return;
    const woken = G.state[i] === G_RUNNING ? wokenBy(trace, i) : [];
    const to = G.state[i] === G_RUNNABLE ? i : woken.length ? runAfter(trace, woken[0]) : -1;
    if (to >= 0)
        v.select(KIND_G, to, { reveal: true });
    else if (woken.length)
        v.select(KIND_G, woken[0], { reveal: true });
}

/* F: the selection fills the view; again, or without one, the whole trace does. */
function fit(v)
{
    let t0 = 0, t1 = v.trace.end;
    if (v.selected) {
        const k = v.trace.kinds[v.selected.kind], i = v.selected.i;
        const len = Math.max(k.end[i] - k.begin[i], MIN_WINDOW_NS / 2);
        t0 = k.begin[i] - len * 0.25;
        t1 = k.end[i] + len * 0.25;
    } else if (v.area) {
        t0 = v.area.t0;
        t1 = v.area.t1;
    }
    const now = v.goal(), to = v.fitted(t0, t1);
    if (Math.abs(now.t0 - to.t0) < 1 && Math.abs(now.t1 - to.t1) < 1)
        v.show(0, v.trace.end, { remember: true });
    else
        v.show(t0, t1, { remember: true });
}

function reset(v)
{
    v.remember();
    v.flags = [];
    v.select(0, -1);
    v.show(0, v.trace.end);
    v.box.scrollTop = 0;
}

function mark(v)
{
    const s = v.selected;
    const t = s ? v.trace.kinds[s.kind].begin[s.i]
              : v.cursor_time !== undefined ? v.cursor_time : (v.t0 + v.t1) / 2;
    const at = v.flags.findIndex(f => Math.abs(f - t) < (v.t1 - v.t0) / v.plotWidth());
    if (at >= 0)
        v.flags.splice(at, 1);
    else
        v.flags.push(t);
    v.flags.sort((a, b) => a - b);
    v.dirty = true;
    v.request();
}

/* ---- search ---- */

function searchFor(v, text)
{
    byId('search').value = text;
    search(v);
    nextMatch(v, 1);
}

function search(v)
{
    const text = byId('search').value, box = byId('search');
    v.query = text.trim() ? makeQuery(v.trace, text) : null;
    v.query_text = text;
    box.setAttribute('aria-invalid', v.query && v.query.error ? 'true' : 'false');
    v.matches = v.query && !v.query.error
        ? v.trace.goroutines.filter(g => laneMatches(v.trace, v.query, g)) : [];
    const n = v.matches.length;
    const { error, column } = v.query || {};
    byId('found').textContent = !v.query ? '' : error ? `column ${column}: ${error}`
        : `${fmtCount(n)} goroutine${n === 1 ? '' : 's'}`;
    v.layout();
    v.request();
    if (v.tab !== 'details')
        renderPanel(v);
}

/* Selects the next (by 1) or previous (-1) match of the query, in the order of lanes and time. */
function nextMatch(v, by)
{
    if (!v.query || v.query.error || !v.matches.length)
        return;
    const G = v.trace.kinds[KIND_G], group = v.groups.find(g => g.kind === KIND_G);
    const wanted = new Set(v.matches.map(g => g.index));
    const lanes = group.lanes.filter(l => wanted.has(l)), s = v.selected;
    if (!lanes.length)
        return;
    const q = v.query.span;
    let at = s && s.kind === KIND_G ? lanes.indexOf(s.lane) : -1, i;
    if (at >= 0 && q) {
        for (i = s.i + by; i >= G.off[s.lane] && i < G.off[s.lane + 1]; i += by)
            if (q(i)) {
                v.select(KIND_G, i, { reveal: true });
                return;
            }
    }
    at = at < 0 ? (by > 0 ? 0 : lanes.length - 1) : (at + by + lanes.length) % lanes.length;
    const lane = lanes[at];
    i = by > 0 ? G.off[lane] : G.off[lane + 1] - 1;
    if (q)
        while (i >= G.off[lane] && i < G.off[lane + 1] && !q(i))
            i += by;
    else
        i = spanAfter(G, G.off[lane], G.off[lane + 1] - 1, v.t0);
    v.select(KIND_G, i, { reveal: true });
}

/* ---- keys ---- */

function keyTable(v)
{
    return {
        w: e => v.zoom(e.shiftKey ? 0.35 : 0.7), s: e => v.zoom(1 / (e.shiftKey ? 0.35 : 0.7)),
        a: e => v.pan(e.shiftKey ? -0.6 : -0.2), d: e => v.pan(e.shiftKey ? 0.6 : 0.2),
        ArrowLeft: e => v.pan(e.shiftKey ? -0.6 : -0.2),
        ArrowRight: e => v.pan(e.shiftKey ? 0.6 : 0.2),
        ArrowUp: e => e.shiftKey ? stepLane(v, -1) : v.box.scrollBy(0, -LANE_H[0] * 3),
        ArrowDown: e => e.shiftKey ? stepLane(v, 1) : v.box.scrollBy(0, LANE_H[0] * 3),
        PageUp: () => v.box.scrollBy(0, -v.height * 0.8),
        PageDown: () => v.box.scrollBy(0, v.height * 0.8),
        Home: () => { v.box.scrollTop = 0; }, End: () => { v.box.scrollTop = v.total_h; },
        f: () => fit(v), Enter: () => fit(v), 0: () => reset(v), m: () => mark(v),
        '.': () => step(v, 1), ',': () => step(v, -1),
        ']': () => followWakee(v), '[': () => followWaker(v),
        e: () => toggleArrows(v), t: () => setTheme(v, v.theme.name === 'dark' ? 'light' : 'dark'),
        1: () => showTab(v, 'details'), 2: () => showTab(v, 'flame'), 3: () => showTab(v, 'table'),
        4: () => showTab(v, 'races'),
        n: e => nextMatch(v, e.shiftKey ? -1 : 1), Backspace: () => v.back(),
        '/': () => byId('search').select(), '?': () => help(true),
        Escape: () => dropOne(v),
    };
}

/* Escape: first the selection goes, then the query. */
function dropOne(v)
{
    if (v.selected || v.area) {
        v.select(0, -1);
    } else if (v.query) {
        byId('search').value = '';
        search(v);
    }
}

function toggleArrows(v)
{
    v.all_arrows = !v.all_arrows;
    byId('arrows').setAttribute('aria-pressed', v.all_arrows);
    v.over_dirty = true;
    v.on_view();
    v.request();
}

function help(on)
{
    const d = byId('help');
    if (on && !d.open)
        d.showModal();
    else if (!on && d.open)
        d.close();
}

function listenKeys(v)
{
    const keys = keyTable(v);
    document.addEventListener('keydown', e => {
        const in_field = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName);
        if (byId('help').open) {
            if (e.key === '?')
                help(false);
            return;
        }
        if (in_field) {
            if (e.key === 'Escape') {
                e.preventDefault(); /* the query stays; Escape once more drops it */
                byId('lanes').focus();
            }
            return;
        }
        if (e.altKey || e.metaKey || (e.ctrlKey && e.key !== 'z'))
            return;
        if (e.key === 'Enter' && e.target.tagName === 'BUTTON')
            return;
        const key = e.ctrlKey ? 'Backspace' : e.key.length === 1 ? e.key.toLowerCase() : e.key;
        if (!keys[key])
            return;
        e.preventDefault();
        keys[key](e);
    });
    const box = byId('search');
    box.addEventListener('input', () => search(v));
    box.addEventListener('keydown', e => {
        if (e.key === 'Enter')
            nextMatch(v, e.shiftKey ? -1 : 1);
    });
}

/* ---- pointer ---- */

function at(v, e)
{
    const r = v.canvas.getBoundingClientRect();
    return { x: e.clientX - r.left, y: e.clientY - r.top };
}

function listenWheel(v)
{
    const on_wheel = e => {
        const { x } = at(v, e), unit = e.deltaMode === 1 ? 24 : e.deltaMode === 2 ? v.height : 1;
        if (e.ctrlKey || e.metaKey) {
            e.preventDefault();
            v.zoom(Math.exp(clamp(e.deltaY * unit, -240, 240) * 0.0022),
                   v.timeAt(clamp(x, GUTTER, v.width)));
            return;
        }
        const dx = e.shiftKey && !e.deltaX ? e.deltaY : e.deltaX;
        if (Math.abs(dx) > Math.abs(e.shiftKey ? 0 : e.deltaY)) {
            e.preventDefault();
            const { t0, t1 } = v.goal(), len = t1 - t0;
            const begin = clamp(t0 + dx * unit * len / v.plotWidth(), 0, v.trace.end - len);
            v.show(begin, begin + len, { smooth: false });
        }
    };
    for (const id of ['lanes', 'minimap', 'ruler'])
        byId(id).addEventListener('wheel', on_wheel, { passive: false });
}

/* Drag on the lanes: selects an area; with shift or the middle button, pans.  Click: a span. */
function listenLanes(v)
{
    let drag = null;
    const box = v.over;
    box.addEventListener('pointerdown', e => {
        const p = at(v, e), hit = v.hit(p.x, p.y);
        byId('lanes').focus({ preventScroll: true });
        if (e.button === 0 && hit.head) {
            toggleGroup(v, hit.group);
            return;
        }
        if (e.button > 1 || hit.gutter)
            return;
        e.preventDefault();
        box.setPointerCapture(e.pointerId);
        drag = { x: p.x, y: p.y + v.box.scrollTop, t: v.timeAt(p.x), t0: v.t0, top: v.box.scrollTop,
                 cy: e.clientY, pan: e.shiftKey || e.button === 1, moved: false };
    });
    box.addEventListener('pointermove', e => {
        const p = at(v, e);
        v.cursor_x = p.x;
        v.cursor_time = clamp(v.timeAt(p.x), 0, v.trace.end);
        v.over_dirty = true;
        if (drag) {
            if (Math.abs(p.x - drag.x) + Math.abs(p.y + v.box.scrollTop - drag.y) > 4)
                drag.moved = true;
            if (drag.moved)
                dragTo(v, drag, p, e);
            showTooltip(v, null);
        } else {
            v.hover = v.hit(p.x, p.y);
            v.over.style.cursor = v.hover.head ? 'pointer' : 'default';
            showTooltip(v, v.hover, e.clientX, e.clientY);
        }
        v.request();
    });
    const finish = e => {
        if (!drag)
            return;
        const d = drag;
        drag = null;
        if (v.dragging) {
            const a = v.dragging;
            v.dragging = null;
            v.selectArea(a.t0, a.t1, a.y0, a.y1);
        } else if (!d.moved && e.type === 'pointerup') {
            const p = at(v, e), hit = v.hit(p.x, p.y);
            v.select(hit.kind, hit.span);
        }
    };
    box.addEventListener('pointerup', finish);
    box.addEventListener('pointercancel', finish);
    box.addEventListener('pointerleave', () => {
        v.cursor_x = v.cursor_time = undefined;
        v.over_dirty = true;
        showTooltip(v, null);
        v.request();
    });
    box.addEventListener('dblclick', () => v.selected && fit(v));
}

function dragTo(v, drag, p, e)
{
    if (drag.pan) {
        const len = v.t1 - v.t0;
        const begin = clamp(drag.t0 - (p.x - drag.x) * len / v.plotWidth(), 0, v.trace.end - len);
        v.show(begin, begin + len, { smooth: false });
        v.box.scrollTop = drag.top - (e.clientY - drag.cy);
        return;
    }
    const t = clamp(v.timeAt(clamp(p.x, GUTTER, v.width)), 0, v.trace.end);
    const y = p.y + v.box.scrollTop;
    v.dragging = { t0: Math.min(t, drag.t), t1: Math.max(t, drag.t), y0: Math.min(y, drag.y),
                   y1: Math.max(y, drag.y) };
}

function toggleGroup(v, g)
{
    if (!v.collapsed.delete(g.id))
        v.collapsed.add(g.id);
    v.layout();
    v.request();
}

/* Drag on the ruler: a stretch of time over all lanes. */
function listenRuler(v)
{
    const ruler = byId('ruler');
    let from;
    const move = e => {
        const t = clamp(v.timeAt(clamp(at(v, e).x, GUTTER, v.width)), 0, v.trace.end);
        v.dragging = { t0: Math.min(t, from), t1: Math.max(t, from), y0: 0, y1: v.total_h };
        v.over_dirty = true;
        v.request();
    };
    ruler.addEventListener('pointerdown', e => {
        if (e.button !== 0)
            return;
        ruler.setPointerCapture(e.pointerId);
        from = v.timeAt(clamp(at(v, e).x, GUTTER, v.width));
        ruler.onpointermove = move;
    });
    ruler.addEventListener('pointerup', () => {
        ruler.onpointermove = null;
        const a = v.dragging;
        v.dragging = null;
        if (a)
            v.selectArea(a.t0, a.t1, a.y0, a.y1);
    });
}

/* Minimap: drag the window or one of its edges, or draw a new one; a click centres it. */
function listenMinimap(v)
{
    const map = byId('minimap');
    let drag = null;
    const time = e => clamp((at(v, e).x - GUTTER) / v.plotWidth(), 0, 1) * v.trace.end;
    const part = e => {
        const x = at(v, e).x, [x0, x1] = v.brush();
        if (Math.abs(x - x0) < 6 && x1 - x0 > 12)
            return 'left';
        if (Math.abs(x - x1) < 6 && x1 - x0 > 12)
            return 'right';
        return x > x0 && x < x1 && x1 - x0 < v.plotWidth() - 2 ? 'move' : 'new';
    };
    map.addEventListener('pointerdown', e => {
        map.setPointerCapture(e.pointerId);
        v.remember();
        drag = { part: part(e), t: time(e), t0: v.t0, t1: v.t1, moved: false };
    });
    map.addEventListener('pointermove', e => {
        if (!drag) {
            const names = { left: 'ew-resize', right: 'ew-resize', move: 'grab', new: 'crosshair' };
            map.style.cursor = names[part(e)];
            return;
        }
        const t = time(e), d = t - drag.t;
        drag.moved = drag.moved || Math.abs(d) > v.trace.end / v.plotWidth() * 3;
        if (!drag.moved)
            return;
        const len = drag.t1 - drag.t0, begin = clamp(drag.t0 + d, 0, v.trace.end - len);
        const to = { left: [Math.min(drag.t0 + d, drag.t1 - 1), drag.t1],
                     right: [drag.t0, Math.max(drag.t1 + d, drag.t0 + 1)],
                     move: [begin, begin + len],
                     new: [Math.min(t, drag.t), Math.max(t, drag.t)] }[drag.part];
        v.show(to[0], to[1], { smooth: false });
    });
    map.addEventListener('pointerup', e => {
        if (drag && !drag.moved) {
            const len = v.t1 - v.t0, mid = time(e);
            v.show(mid - len / 2, mid + len / 2);
        }
        drag = null;
    });
}
