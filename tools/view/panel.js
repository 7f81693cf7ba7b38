/* panel.js - the panel below the lanes and the tooltip: words and tables about what is chosen. */

function chip(v, cls)
{
    return el('i', { class: 'chip', style: `background:${v.theme.state[cls]}` });
}

function fnChip(v, f)
{
    return el('i', { class: 'chip', style: `background:${v.theme.functions[f.colour]}` });
}

/* Facts as pairs of term and value; a value may be an element. */
function facts(pairs)
{
    const list = pairs.filter(p => p && p[1] !== '' && p[1] !== null && p[1] !== undefined);
    return el('dl', {}, list.map(([k, value]) => [el('dt', {}, k), el('dd', {}, value)]));
}

/* A button that selects a span. */
function spanLink(v, kind, i, text)
{
    return el('button', { class: 'link', type: 'button',
                          onclick: () => { v.remember(); v.select(kind, i, { reveal: true }); } },
              text);
}

function gLink(v, index, at)
{
    const g = v.trace.goroutines[index], G = v.trace.kinds[KIND_G];
    let i = at === undefined ? -1 : spanAt(G, index, at);
    if (i < 0)
        i = G.off[index] < G.off[index + 1] ? G.off[index] : -1;
    return i < 0 ? el('span', {}, gName(g)) : spanLink(v, KIND_G, i, gName(g));
}

/* The object that a G span waits for, as a button that selects its lane at that time. */
function objectLink(v, i)
{
    const lane = objectLane(v.trace, i), at = v.trace.kinds[KIND_G].begin[i];
    const o = lane < 0 ? -1 : spanAt(v.trace.kinds[KIND_O], lane, at);
    return o < 0 ? objectName(v.trace, i) : spanLink(v, KIND_O, o, objectName(v.trace, i));
}

function frameLine(f)
{
    const file = f.file ? f.file.replace(/^.*\//, '') + (f.line ? ':' + f.line : '') : '';
    const inlined = f.inlined ? el('small', {}, ' inlined') : null;
    return el('li', { class: f.runtime ? 'runtime' : '',
                      title: f.file ? f.file + ':' + f.line : '' },
              el('b', {}, f.fn), inlined, el('span', {}, file));
}

/* A stack, innermost frame first; the runtime's own frames are folded away. */
function stackList(trace, id)
{
    const stack = trace.stacks.get(id);
    if (!stack || !stack.length)
        return null;
    const list = el('ol', { class: 'stack' });
    for (let i = 0; i < stack.length;) {
        if (!stack[i].runtime) {
            list.append(frameLine(stack[i++]));
            continue;
        }
        const folded = [];
        while (i < stack.length && stack[i].runtime)
            folded.push(stack[i++]);
        if (folded.length === 1) {
            list.append(frameLine(folded[0]));
            continue;
        }
        const text = `${folded.length} frames of the runtime`;
        const unfold = () => more.replaceWith(...folded.map(frameLine));
        const more = el('li', { class: 'runtime' },
                        el('button', { class: 'link', type: 'button', onclick: unfold }, text));
        list.append(more);
    }
    return list;
}

function topOfStack(trace, id)
{
    const f = userFrame(trace, id) || (trace.stacks.get(id) || [])[0];
    return f ? f.fn + (f.file ? ' ' + f.file.replace(/^.*\//, '') + ':' + f.line : '') : '';
}

/* Who made G span i able to run, and how long it then took: [text or element pairs]. */
function wakeFacts(v, i, link)
{
    const { trace } = v, G = trace.kinds[KIND_G], wake = wakeOf(trace, i);
    if (wake < 0)
        return [];
    const by = G.by[wake], self = by === G.lane[wake];
    const who = by < 0 ? 'timer or scheduler'
                : self ? 'itself (yield)'
                : link ? gLink(v, by, G.begin[wake]) : gName(trace.goroutines[by]);
    const on = !self && G.byP[wake] >= 0 ? ` on P${G.byP[wake]}` : '';
    const wait = G.open[wake] ? 'had not run when the trace ended'
                              : fmtDur(G.end[wake] - G.begin[wake]);
    return [[G.created[wake] ? 'created by' : self ? 'put back by' : 'woken by',
             el('span', {}, who, on)],
            ['until it ran', wait]];
}

function spanFacts(v, k, i, link)
{
    const { trace } = v, G = trace.kinds[KIND_G], g_span = goroutineSpan(trace, k, i);
    const g = k.kind === KIND_G ? G.lane[i] : k.g[i];
    const out = [
        ['state', stateText(trace, k, i) + (k.open[i] ? ', until the trace ends' : '')],
        ['duration', fmtDur(k.end[i] - k.begin[i])],
        ['start', fmtTime(k.begin[i], 1)],
    ];
    if (g >= 0)
        out.push(['goroutine', link ? gLink(v, g, k.begin[i]) : gName(trace.goroutines[g])]);
    const p = k.kind === KIND_P ? -1 : k.p[i], m = k.kind === KIND_M ? -1 : k.m[i];
    const where = [p >= 0 ? 'P' + p : '', m >= 0 ? laneName(trace, KIND_M, m) : '']
        .filter(Boolean).join(' · ');
    if (where)
        out.push(['on', where]);
    if (g_span >= 0) {
        if (G.state[g_span] === G_BLOCKED)
            out.push(['waits for', link ? objectLink(v, g_span) : objectName(trace, g_span)]);
        out.push(...wakeFacts(v, g_span, link));
    }
    return out;
}

/* ---- tooltip ---- */

function shareRows(v, k, l, a, b)
{
    const sh = laneShares(k, l, a, b, new Float64Array(NC)), rows = [];
    const names = k.kind === KIND_G ? CLASS_TEXT : ['idle', 'scheduler', 'without a P'];
    const colours = k.kind === KIND_G ? v.theme.state : null;
    sh.forEach((ns, c) => {
        if (ns <= 0)
            return;
        const f = k.kind === KIND_P && c >= LC_FUNCTIONS
            ? v.trace.functions.filter(x => x.colour === c - LC_FUNCTIONS) : null;
        const name = f ? f.slice(0, 2).map(x => x.name).join(', ') + (f.length > 2 ? ', …' : '')
                       : k.kind === KIND_M && c >= LC_FUNCTIONS ? 'with P' + (c - LC_FUNCTIONS)
                       : names[c];
        const colour = colours ? colours[c] : abgrHex(v.theme.fill[k.kind][c]);
        rows.push([ns, name, colour]);
    });
    return rows.sort((x, y) => y[0] - x[0]).slice(0, 7).map(([ns, name, colour]) =>
        el('div', { class: 'share' }, el('i', { class: 'chip', style: `background:${colour}` }),
           el('span', {}, name), el('b', {}, fmtPercent(ns / (b - a)))));
}

function abgrHex(c)
{
    return '#' + [c & 255, c >>> 8 & 255, c >>> 16 & 255]
        .map(x => x.toString(16).padStart(2, '0')).join('');
}

function objectTooltip(v, hit)
{
    const { trace } = v, k = trace.kinds[KIND_O], o = k.list[hit.lane];
    const head = el('h3', {}, o.name, el('small', {}, objectSite(trace, hit.lane)));
    if (hit.gutter || hit.span === undefined)
        return [head, facts([['waits', fmtCount(o.waits)], ['waited in all', fmtDur(o.total)],
                             ['at most', fmtCount(o.most) + ' at a time']])];
    if (hit.count > 2) {
        const [lo, i] = waitedUntil(k, hit.lane, hit.a, 0);
        const mean = (waitedUntil(k, hit.lane, hit.b, i)[0] - lo) / (hit.b - hit.a);
        return [head, el('p', {}, `${mean.toFixed(2)} wait on average ` +
                                  `in ${fmtDur(hit.b - hit.a)}`)];
    }
    const list = waitersAt(trace, hit.lane, k.begin[hit.span], 6) || [], G = trace.kinds[KIND_G];
    return [head, facts([['state', stateText(trace, k, hit.span)],
                         ['duration', fmtDur(k.end[hit.span] - k.begin[hit.span])],
                         ['start', fmtTime(k.begin[hit.span], 1)],
                         ...list.map(i => [trace.meta.reasons[G.why[i]].name,
                                           gName(trace.goroutines[G.lane[i]])])])];
}

function tooltipContent(v, hit)
{
    const { trace } = v;
    if (!hit.group || hit.head)
        return null;
    if (hit.group.kind < 0) {
        if (hit.lane === undefined)
            return null;
        const counter = trace.counters[hit.lane], at = counterAt(counter.c, hit.time);
        return [el('h3', {}, `${fmtCount(counterValue(counter.c, at))} ${counter.name}`),
                facts([['at', fmtTime(hit.time, (v.t1 - v.t0) / v.plotWidth())],
                       ['most', fmtCount(counter.c.max)]])];
    }
    const k = trace.kinds[hit.kind];
    if (hit.kind === KIND_O)
        return hit.lane === undefined ? null : objectTooltip(v, hit);
    if (hit.gutter) {
        if (hit.kind !== KIND_G || hit.lane === undefined)
            return null;
        const g = trace.goroutines[hit.lane];
        return [el('h3', {}, gName(g)),
                facts([['entry', g.fn !== g.label ? g.fn : ''],
                       ['created', g.created >= 0 ? fmtTime(g.created, 1) : 'before the trace'],
                       ['by', g.by >= 0 ? gName(trace.goroutines[g.by]) : '']]),
                ...shareRows(v, k, hit.lane, 0, trace.end)];
    }
    if (hit.span === undefined)
        return null;
    const title = k.kind === KIND_G ? gName(trace.goroutines[hit.lane])
                  : k.g[hit.span] >= 0 && k.state[hit.span] >= 2
                  ? gName(trace.goroutines[k.g[hit.span]])
                  : laneName(trace, k.kind, hit.lane);
    if (hit.count > 2)
        return [el('h3', {}, k.kind === KIND_G ? title : laneName(trace, k.kind, hit.lane)),
                el('p', {}, `${fmtCount(hit.count)} states in ${fmtDur(hit.b - hit.a)}`),
                ...shareRows(v, k, hit.lane, hit.a, hit.b)];
    const list = spanFacts(v, k, hit.span, false).filter(p => p[0] !== 'goroutine');
    const g_span = goroutineSpan(trace, k, hit.span), G = trace.kinds[KIND_G];
    const top = g_span >= 0 && G.stack[g_span] ? topOfStack(trace, G.stack[g_span]) : '';
    return [el('h3', {}, title), facts([...list, ['at', top]])];
}

function showTooltip(v, hit, x, y)
{
    const content = hit ? tooltipContent(v, hit) : null;
    if (content)
        placeTip(content, x, y);
    else
        byId('tip').hidden = true;
}

/* Shows content near (x, y) of the window. */
function placeTip(content, x, y)
{
    const tip = byId('tip');
    tip.replaceChildren(...content);
    tip.hidden = false;
    const w = tip.offsetWidth, h = tip.offsetHeight;
    tip.style.left = (x + 16 + w > innerWidth - 8 ? Math.max(8, x - w - 12) : x + 16) + 'px';
    tip.style.top = (y + 18 + h > innerHeight - 8 ? Math.max(8, y - h - 12) : y + 18) + 'px';
}

/* ---- the panel ---- */

const TABLE_CLASSES = [CL_RUNNING, CL_RUNNABLE, CL_CHAN, CL_SELECT, CL_MUTEX, CL_NET, CL_SYSCALL,
                       CL_SLEEP, CL_OTHER];

function functionRows(v, rows, limit)
{
    const used = TABLE_CLASSES.filter(c => c <= 1 || rows.some(r => r.total[c] > 0));
    const head = ['entry function', 'goroutines', ...used.map(c => CLASS_TEXT[c]), 'p50', 'p99',
                  'max'];
    const table = el('table', {}, el('thead', {}, el('tr', {}, head.map((h, n) =>
        el('th', { class: n ? 'num' : '', title: n >= head.length - 3
            ? 'scheduling latency: from runnable to running' +
              (v.trace.meta.folded ? '; of folded ones the average' : '') : undefined },
           n >= 2 && n < head.length - 3 ? chip(v, used[n - 2]) : null, h)))));
    const body = el('tbody', {});
    for (const r of rows.slice(0, limit)) {
        const find = el('button', { class: 'link', type: 'button',
                                    onclick: () => searchFor(v, 'fn:' + queryValue(r.name)) },
                        fnChip(v, r.function), r.name);
        body.append(el('tr', {}, el('td', {}, find), el('td', { class: 'num' }, fmtCount(r.n)),
                       used.map(c => el('td', { class: 'num' },
                                        r.total[c] ? fmtDur(r.total[c]) : el('s', {}, '·'))),
                       ['p50', 'p99', 'max'].map(q => el('td', { class: 'num' },
                                                         fmtDur(r.latency[q])))));
    }
    table.append(body);
    const left = rows.length - limit;
    return [table, left > 0 ? el('p', { class: 'dim' }, `and ${left} more functions`) : null];
}

/* A bar of shares with its legend. */
function shareBar(v, total)
{
    const sum = total.reduce((s, x) => s + x, 0) || 1;
    const bar = el('div', { class: 'bar' }), legend = el('div', { class: 'legend' });
    for (const c of CLASS_STACK) {
        if (!total[c])
            continue;
        bar.append(el('i', { style: `background:${v.theme.state[c]};flex:${total[c] / sum}` }));
        legend.append(el('span', {}, chip(v, c), CLASS_TEXT[c] + ' ',
                         el('b', {}, fmtPercent(total[c] / sum))));
    }
    return el('div', { class: 'shares' }, bar, legend);
}

function summary(v)
{
    const { trace } = v;
    trace.table = trace.table || functionTable(trace, trace.goroutines, 0, trace.end);
    const { t0, t1 } = v.goal();
    const out = [el('h2', {}, 'The whole trace'),
                 trace.meta.folded ? foldNotice(v, t0, t1) : null,
                 shareBar(v, sumTotals(trace.table))];
    if (trace.races.length)
        out.push(el('div', { class: 'races' }, el('b', {}, trace.races.length === 1 ? '1 data race'
                    : `${trace.races.length} data races`),
                    trace.races.slice(0, 12).map(m => el('button', {
            class: 'link', type: 'button',
            onclick: () => { v.tab = 'races'; chooseRace(v, m); },
        }, `at ${fmtTime(m.time, 1e3)} on ${m.text}`)),
                    trace.races.length > 12 ? `and ${trace.races.length - 12} more` : null));
    out.push(...functionRows(v, trace.table, 100));
    return out;
}

function sumTotals(rows)
{
    const total = new Float64Array(NC);
    for (const r of rows)
        r.total.forEach((x, c) => total[c] += x);
    return total;
}

function areaPanel(v)
{
    const { trace, area } = v, { t0, t1 } = area;
    const of = kind => area.lanes.filter(l => l[0] === kind).map(l => l[1]);
    let gs = of(KIND_G);
    const procs = of(KIND_P), out = [];
    const lanes = [[gs.length, 'goroutine'], [procs.length, 'processor'],
                   [of(KIND_M).length, 'thread']].filter(x => x[0])
        .map(([n, word]) => `${fmtCount(n)} ${word}${n > 1 ? 's' : ''}`).join(', ');
    out.push(el('h2', {}, `${fmtDur(t1 - t0)} from ${fmtTime(t0, (t1 - t0) / 100)}`,
                el('small', {}, lanes)));
    if (procs.length) {
        const k = trace.kinds[KIND_P], sh = new Float64Array(NC);
        procs.forEach(p => laneShares(k, p, t0, t1, sh));
        const busy = sh.reduce((s, x, c) => s + (c >= LC_DETACHED ? x : 0), 0);
        out.push(facts([['processors busy', fmtPercent(busy / ((t1 - t0) * procs.length))]]));
    }
    /* Only processors or threads chosen: the goroutines are those that could have been there. */
    if (!gs.length)
        gs = trace.goroutines.map(g => g.index);
    const rows = functionTable(trace, gs.map(i => trace.goroutines[i]), t0, t1)
        .filter(r => r.total.some(x => x > 0));
    out.push(shareBar(v, sumTotals(rows)), ...functionRows(v, rows, 100));
    return out;
}

function spanPanel(v)
{
    if (v.selected.kind === KIND_O)
        return objectPanel(v);
    const { trace, selected: s } = v, k = trace.kinds[s.kind], G = trace.kinds[KIND_G];
    if (foldCount(k, s.i))
        return foldPanel(v, k, s.i, k.kind === KIND_G ? gName(trace.goroutines[s.lane])
                                                      : laneName(trace, k.kind, s.lane));
    const i = goroutineSpan(trace, k, s.i);
    const g = k.kind === KIND_G ? trace.goroutines[s.lane]
              : k.g[s.i] >= 0 ? trace.goroutines[k.g[s.i]] : null;
    const title = k.kind === KIND_G ? gName(g)
                  : laneName(trace, k.kind, s.lane) + (g ? ' · ' + gName(g) : '');
    const left = el('section', {}, el('h2', {}, title, el('small', {}, stateText(trace, k, s.i))),
                    facts(spanFacts(v, k, s.i, true)));
    const columns = [left];
    if (i >= 0 && G.stack[i]) {
        const created = G.state[i] === G_RUNNABLE;
        columns.push(el('section', {}, el('h4', {}, created ? 'Created at' : 'Blocked at'),
                        stackList(trace, G.stack[i]) || el('p', { class: 'dim' }, 'no stack')));
    }
    if (i >= 0 && G.state[i] === G_RUNNING) {
        const woken = wokenBy(trace, i);
        if (woken.length)
            columns.push(el('section', {},
                            el('h4', {}, `Woke or created ${fmtCount(woken.length)}`),
                            el('ul', { class: 'wakes' }, woken.slice(0, 30).map(w => el('li', {},
                                spanLink(v, KIND_G, w, gName(trace.goroutines[G.lane[w]])),
                                el('span', {}, 'at ' + fmtTime(G.begin[w], 10) +
                                               (G.open[w] ? '' : ', ran after ' +
                                                fmtDur(G.end[w] - G.begin[w]))))))));
    }
    if (g)
        columns.push(goroutinePart(v, g));
    return [el('div', { class: 'columns' }, columns)];
}

function goroutinePart(v, g)
{
    const { trace } = v;
    const lat = latencySummary(addLatencies(noLatencies(), trace.kinds[KIND_G], g.index, -1,
                                            trace.end));
    return el('section', {}, el('h4', {}, 'Goroutine ' + g.id),
              facts([['entry', g.fn],
                     ['created', g.created >= 0 ? fmtTime(g.created, 1) : 'before the trace'],
                     ['by', g.by >= 0 ? gLink(v, g.by, g.created) : ''],
                     ['ran', `${fmtCount(lat.n)} times, ` +
                             `${fmtDur(totalsOf(trace, g)[CL_RUNNING])} in all`],
                     ['waited to run', lat.n ? `p50 ${fmtDur(lat.p50)}, p99 ${fmtDur(lat.p99)}, ` +
                                               `max ${fmtDur(lat.max)}` : '']]),
              shareBar(v, totalsOf(trace, g)), stackList(trace, g.stack)
                  ? [el('h4', {}, 'Created at'), stackList(trace, g.stack)] : null);
}

function detailsPanel(v)
{
    return v.selected ? spanPanel(v) : v.area ? areaPanel(v) : summary(v);
}

/* The selection in words, for those who do not see it. */
function spokenSelection(v)
{
    const s = v.selected;
    if (!s)
        return v.area ? `${fmtDur(v.area.t1 - v.area.t0)} selected` : '';
    const k = v.trace.kinds[s.kind];
    const about = s.kind === KIND_O ? [[laneName(v.trace, KIND_O, s.lane),
                                        stateText(v.trace, k, s.i)]] : spanFacts(v, k, s.i, false);
    return about.map(([name, value]) => `${name} ${value.textContent || value}`).join(', ');
}
