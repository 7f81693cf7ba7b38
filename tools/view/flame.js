/* flame.js - the flame graph of a scope: where its goroutines wait, by stack.
 *
 * Time runs from the top: the entry function, the calls that led to the wait, and last the state
 * itself in its colour.  Frames of the runtime are left out; what is waited for says enough.  Spans
 * are first added up by (entry function, stack, reason), which are few, so a million spans take one
 * pass over two columns. */

const FLAME_MODES = [['blocked', 'time blocked'], ['all', 'all time'],
                     ['waits', 'number of waits']];
const FLAME_MIN = 0.0008; /* narrower shares are not drawn */

function flameNode(name, parent)
{
    return { name, parent, value: 0, n: 0, children: new Map(), cls: -1, file: '' };
}

function flameChild(node, name)
{
    let c = node.children.get(name);
    if (!c)
        node.children.set(name, c = flameNode(name, node));
    return c;
}

/* [{ fn, stack, cls, why, value, n }...] of a scope. */
function sumStacks(v, scope, mode)
{
    const { trace } = v, G = trace.kinds[KIND_G], rows = new Map();
    const number = new Map(trace.functions.map((f, n) => [f, n])), fns = trace.functions.length;
    eachInScope(v, scope, i => {
        const blocked = G.state[i] === G_BLOCKED;
        if (!blocked && (mode !== 'all' || G.cls[i] === CL_UNKNOWN))
            return;
        const f = trace.goroutines[G.lane[i]].function, stack = blocked ? G.stack[i] : 0;
        const key = ((stack * 32 + G.cls[i]) * 32 + (blocked ? G.why[i] : 0)) * fns + number.get(f);
        let r = rows.get(key);
        if (!r)
            rows.set(key, r = { fn: f.name, stack, cls: G.cls[i], why: blocked ? G.why[i] : 0,
                                value: 0, n: 0 });
        const n = foldCount(G, i) || 1;
        r.n += n;
        r.value += mode === 'waits' ? n : Math.min(G.end[i], scope.t1) -
                                          Math.max(G.begin[i], scope.t0);
    });
    return rows.values();
}

function buildFlame(v, scope, mode)
{
    const { trace } = v, root = flameNode('all', null);
    for (const r of sumStacks(v, scope, mode)) {
        const path = [flameChild(root, r.fn)];
        const frames = (trace.stacks.get(r.stack) || []).filter(f => !f.runtime).reverse();
        if (frames.length && frames[0].fn === r.fn)
            path[0].file = frameFile(frames.shift());
        for (const f of frames) {
            const c = flameChild(path[path.length - 1], f.fn);
            c.file = frameFile(f);
            path.push(c);
        }
        const leaf = flameChild(path[path.length - 1], r.why ? trace.meta.reasons[r.why].name
                                                             : CLASS_TEXT[r.cls]);
        leaf.cls = r.cls;
        for (const node of [root, ...path, leaf]) {
            node.value += r.value;
            node.n += r.n;
        }
    }
    return root;
}

function frameFile(f)
{
    return f.file ? f.file.replace(/^.*\//, '') + (f.line ? ':' + f.line : '') : '';
}

function flameColour(v, node)
{
    if (node.cls >= 0)
        return [v.theme.state[node.cls], v.theme.on[KIND_G][node.cls]];
    if (!node.parent)
        return [v.theme.head, v.theme.text];
    const known = v.trace.functions.find(f => f.name === node.name);
    if (known)
        return [v.theme.functions[known.colour], v.theme.on[KIND_P][LC_FUNCTIONS + known.colour]];
    return [v.theme.frame, v.theme.text];
}

function fmtFlame(v, value)
{
    return v.flame_mode === 'waits' ? `${fmtCount(value)} wait${value === 1 ? '' : 's'}`
                                    : fmtDur(value);
}

function flameTip(v, node, root, x, y)
{
    const rows = [[v.flame_mode === 'waits' ? 'waits' : 'time', fmtFlame(v, node.value)],
                  ['of all', fmtPercent(node.value / root.value)],
                  ['spans', v.flame_mode === 'waits' ? '' : fmtCount(node.n)],
                  ['at', node.file]];
    placeTip([el('h3', {}, node.name), facts(rows)], x, y);
}

/* One node as a button over the share [x, x + w) of the width in row depth. */
function flameBox(v, node, root, x, w, depth)
{
    const [ground, ink] = flameColour(v, node);
    const box = el('button', {
        type: 'button', class: 'flame' + (node.cls >= 0 ? ' leaf' : ''), tabindex: '-1',
        style: `left:${x * 100}%;width:${w * 100}%;top:${depth * 21}px;background:${ground};` +
               `color:${ink}`,
        'aria-label': `${node.name}, ${fmtFlame(v, node.value)}, ` +
                      fmtPercent(node.value / root.value),
        onclick: () => zoomFlame(v, node),
        onpointermove: e => flameTip(v, node, root, e.clientX, e.clientY),
        onpointerleave: () => showTooltip(v, null),
    }, w > 0.02 ? node.name : '', w > 0.1 ? el('small', {}, fmtFlame(v, node.value)) : null);
    box.node = node;
    return box;
}

function drawFlame(v, body)
{
    const root = v.flame, from = v.flame_zoom || root, boxes = [];
    let deepest = 0, depth = 0;
    const chain = [];
    for (let n = from; n; n = n.parent)
        chain.unshift(n);
    for (const n of chain)
        boxes.push(flameBox(v, n, root, 0, 1, depth++));
    const under = (node, x, w, at) => {
        deepest = Math.max(deepest, at);
        const kids = [...node.children.values()].sort((a, b) => b.value - a.value);
        for (const c of kids) {
            const share = w * c.value / node.value;
            if (share < FLAME_MIN)
                break;
            boxes.push(flameBox(v, c, root, x, share, at));
            under(c, x, share, at + 1);
            x += share;
        }
    };
    under(from, 0, 1, depth);
    body.style.height = (deepest + 1) * 21 + 'px';
    body.replaceChildren(...boxes);
    boxes[Math.min(depth - 1, boxes.length - 1)].tabIndex = 0;
}

function zoomFlame(v, node)
{
    const body = byId('flame'), held = body.contains(document.activeElement);
    v.flame_zoom = node === v.flame_zoom ? node.parent : node;
    drawFlame(v, body);
    showTooltip(v, null);
    if (held)
        body.querySelector('[tabindex="0"]').focus();
}

/* Arrows go up, down and across the stacks; Enter zooms; Backspace and Escape zoom out. */
function flameKey(v, e)
{
    const body = byId('flame'), boxes = [...body.children], at = boxes.indexOf(e.target);
    if (at < 0)
        return;
    const node = e.target.node, box = n => boxes.find(b => b.node === n);
    const peers = node.parent ? boxes.filter(b => b.node.parent === node.parent) : [e.target];
    const to = {
        ArrowUp: () => box(node.parent),
        ArrowDown: () => boxes.find(b => b.node.parent === node),
        ArrowLeft: () => peers[peers.indexOf(e.target) - 1],
        ArrowRight: () => peers[peers.indexOf(e.target) + 1],
    }[e.key];
    if (to) {
        const next = to();
        if (next) {
            e.target.tabIndex = -1;
            next.tabIndex = 0;
            next.focus();
        }
    } else if (e.key === 'Enter' || e.key === ' ') {
        zoomFlame(v, node);
    } else if ((e.key === 'Backspace' || e.key === 'Escape') && v.flame_zoom) {
        zoomFlame(v, v.flame_zoom);
    } else {
        return;
    }
    e.preventDefault();
    e.stopPropagation();
}

function flamePanel(v)
{
    const scope = scopeOf(v);
    v.flame_mode = v.flame_mode || 'blocked';
    v.flame = buildFlame(v, scope, v.flame_mode);
    v.flame_zoom = null;
    const mode = el('select', { 'aria-label': 'What widths mean',
                                onchange: e => { v.flame_mode = e.target.value; renderPanel(v); } },
                    FLAME_MODES.map(([id, text]) => el('option', {
                        value: id, selected: id === v.flame_mode ? '' : null }, text)));
    const head = el('div', { class: 'panel-head' }, el('span', {}, scopeTitle(v, scope)), mode);
    if (!v.flame.value)
        return [head, el('p', { class: 'empty' }, 'Nothing waits here.')];
    const body = el('div', { id: 'flame', role: 'group', 'aria-label': 'Flame graph of waits',
                             onkeydown: e => flameKey(v, e) });
    drawFlame(v, body);
    return [head, body];
}
