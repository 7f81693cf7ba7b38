/* main.js - opens the page: decodes the data, restores the view named in the URL, starts. */

function setTheme(v, name)
{
    v.theme = makeTheme(name);
    v.chosen_theme = name;
    v.dirty = true;
    if (v.trace)
        renderPanel(v);
    if (v.groups) {
        v.on_view();
        v.request();
    }
}

/* ---- the view in the URL: #t=BEGIN-END&s=G12@TIME&y=SCROLL&e=1&q=... ---- */

function writeHash(v)
{
    const { t0, t1 } = v.goal(), parts = [];
    if (t0 > 0 || t1 < v.trace.end)
        parts.push(`t=${Math.round(t0)}-${Math.round(t1)}`);
    if (v.selected) {
        const s = v.selected, k = v.trace.kinds[s.kind];
        const lane = KIND_LETTER[s.kind] + laneId(v.trace, s.kind, s.lane);
        parts.push(`s=${lane}@${Math.round(k.begin[s.i])}`);
    }
    if (v.area)
        parts.push('area=' + [v.area.t0, v.area.t1, v.area.y0, v.area.y1].map(Math.round).join());
    if (v.box.scrollTop > 0)
        parts.push(`y=${Math.round(v.box.scrollTop)}`);
    if (v.all_arrows)
        parts.push('e=1');
    if (v.sort !== 'run')
        parts.push('sort=' + v.sort);
    if (v.query_text)
        parts.push('q=' + encodeURIComponent(v.query_text));
    if (v.filter)
        parts.push('only=1');
    if (v.tab !== 'details')
        parts.push('tab=' + v.tab);
    if (v.chosen_theme)
        parts.push('theme=' + v.chosen_theme);
    const hash = '#' + parts.join('&');
    if (hash === location.hash || (hash === '#' && !location.hash))
        return;
    try {
        history.replaceState(null, '', hash);
    } catch (e) {
        /* A browser that forbids this for files: the page works, only its address stays. */
    }
}

function readHash(v)
{
    const h = new URLSearchParams(location.hash.slice(1)), { trace } = v;
    if (h.get('sort'))
        byId('sort').value = v.sort = [...byId('sort').options].some(o => o.value === h.get('sort'))
                                      ? h.get('sort') : 'run';
    if (h.get('e') && !v.all_arrows)
        toggleArrows(v);
    byId('only').checked = v.filter = h.get('only') === '1';
    byId('search').value = h.get('q') || '';
    search(v);
    const t = /^(\d+)-(\d+)$/.exec(h.get('t') || '');
    const first = trace.meta.window || [0, trace.end];
    v.show(t ? +t[1] : first[0], t ? +t[2] : first[1], { smooth: false });
    const s = /^([GPMO])(\d+)@(\d+)$/.exec(h.get('s') || '');
    if (s) {
        const kind = KIND_LETTER.indexOf(s[1]), k = trace.kinds[kind];
        const lane = laneOfId(trace, kind, +s[2]);
        if (lane >= 0 && lane < k.lanes)
            v.select(kind, spanAt(k, lane, +s[3]));
    }
    const tab = h.get('tab');
    v.tab = TABS.some(t => t.id === tab && (!t.needs || t.needs(v))) ? tab : 'details';
    const area = (h.get('area') || '').split(',').map(Number);
    if (area.length === 4 && area.every(x => !isNaN(x)))
        v.selectArea(...area);
    v.box.scrollTop = +h.get('y') || 0;
}

function later(fn, ms)
{
    let timer = 0;
    return () => {
        clearTimeout(timer);
        timer = setTimeout(fn, ms);
    };
}

/* ---- header and split ---- */

function header(trace)
{
    const { meta } = trace, gs = trace.goroutines.length;
    document.title = (meta.command || 'trace') + ' · goshawk trace';
    byId('title').textContent = meta.command ? meta.command.replace(/^(\S*\/)/, '') : meta.path;
    byId('title').title = meta.command || meta.path;
    const facts = [fmtDur(meta.end_ns), `${fmtCount(gs)} goroutine${gs === 1 ? '' : 's'}`,
                   `GOMAXPROCS ${meta.procs}`, `${fmtCount(meta.events)} events`];
    byId('about').textContent = facts.join('  ·  ');
    const verdict = byId('verdict');
    verdict.textContent = verdict.title = meta.verdict;
    verdict.className = meta.whole ? '' : 'cut';
    if (meta.folded)
        byId('about').before(el('b', { class: 'folded', title: `${fmtCount(meta.folded)} short ` +
            'states are shown as sums; --from and --to keep all of a window' }, 'overview'));
    if (trace.races.length)
        verdict.before(el('b', { class: 'race' }, trace.races.length === 1 ? '1 race'
                                                  : `${trace.races.length} races`));
}

function listenControls(v)
{
    byId('arrows').onclick = () => toggleArrows(v);
    byId('fit').onclick = () => fit(v);
    byId('theme').onclick = () => setTheme(v, v.theme.name === 'dark' ? 'light' : 'dark');
    byId('ask').onclick = () => help(true);
    byId('close-help').onclick = () => help(false);
    byId('sort').onchange = e => {
        v.sort = e.target.value;
        v.layout();
        v.request();
    };
    byId('only').onchange = e => {
        v.filter = e.target.checked;
        search(v);
    };
    byId('lanes').addEventListener('scroll', () => {
        v.dirty = true;
        showTooltip(v, null);
        v.request();
    }, { passive: true });
    const split = byId('split');
    const set = h => {
        byId('panel').style.height = clamp(h, 60, innerHeight * 0.7) + 'px';
    };
    split.addEventListener('pointerdown', e => {
        split.setPointerCapture(e.pointerId);
        const from = e.clientY, h = byId('panel').offsetHeight;
        split.onpointermove = m => set(h - (m.clientY - from));
    });
    split.addEventListener('pointerup', () => { split.onpointermove = null; });
    split.addEventListener('keydown', e => {
        if (e.key === 'ArrowUp' || e.key === 'ArrowDown') {
            set(byId('panel').offsetHeight + (e.key === 'ArrowUp' ? 24 : -24));
            e.stopPropagation();
            e.preventDefault();
        }
    });
}

function fail(text)
{
    byId('wait').replaceChildren(el('b', {}, 'This page cannot show its trace.'),
                                 el('p', {}, text));
    window.goshawk = { error: text };
}

/* What tests and a curious console can ask. */
function expose(v, opened_ms)
{
    window.goshawk = {
        trace: v.trace, view: v, opened_ms,
        window: () => ({ t0: v.goal().t0, t1: v.goal().t1 }),
        idle: () => !v.target && !v.pending,
        lanes: () => v.groups.map(g => ({ id: g.id, title: g.title, shown: !v.collapsed.has(g.id),
                                          count: g.lanes.length })),
        /* Lane of a G, P or M by its id. */
        lane: (kind, id) => laneOfId(v.trace, kind, id),
        /* Middle of a lane in page coordinates, and x of a time. */
        place: (kind, lane, t) => {
            const r = v.canvas.getBoundingClientRect();
            return { x: r.left + v.xAt(t), y: r.top + laneMiddle(v, kind, lane) };
        },
        selected: () => v.selected && Object.assign({
            id: laneId(v.trace, v.selected.kind, v.selected.lane),
            text: stateText(v.trace, v.trace.kinds[v.selected.kind], v.selected.i),
        }, v.selected),
    };
}

async function main()
{
    const began = performance.now();
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const asked = new URLSearchParams(location.hash.slice(1)).get('theme');
    const first = asked === 'dark' || asked === 'light' ? asked : dark.matches ? 'dark' : 'light';
    const theme = makeTheme(first);
    if (typeof DecompressionStream === 'undefined') {
        fail('This browser is too old: it lacks DecompressionStream (Chromium 80, Firefox 113).');
        return;
    }
    let trace;
    try {
        trace = await loadTrace(byId('data').textContent);
    } catch (e) {
        fail(e.message);
        return;
    }
    byId('data').remove();
    const v = new View(trace);
    v.theme = theme;
    if (asked)
        v.chosen_theme = first;
    const save = later(() => writeHash(v), 150);
    const rest = later(() => refreshPanel(v), 200);
    v.on_view = () => {
        save();
        rest();
    };
    v.on_change = () => {
        if (!v.table_keeps)
            renderPanel(v);
        save();
    };
    header(trace);
    document.body.classList.add('ready');
    v.layout();
    v.resize();
    readHash(v);
    listenControls(v);
    listenKeys(v);
    listenTabs(v);
    listenWheel(v);
    listenLanes(v);
    listenRuler(v);
    listenMinimap(v);
    new ResizeObserver(() => v.resize()).observe(byId('lanes'));
    dark.addEventListener('change', () => v.chosen_theme || setTheme(v, dark.matches ? 'dark'
                                                                                     : 'light'));
    window.addEventListener('hashchange', () => readHash(v));
    v.draw();
    const opened_ms = performance.now() - began;
    byId('lanes').focus({ preventScroll: true });
    /* The tables of a large trace take a moment: after the first picture. */
    setTimeout(() => {
        if (!v.selected && !v.area)
            renderPanel(v);
        expose(v, opened_ms);
    });
}

main();
