/* tabs.js - the panel's tabs, and what they speak of.
 *
 * A scope is the stretch of time and the goroutines that figures are made of: those of the
 * selection, else what is in view.  The query, when there is one, narrows it to the spans that
 * match.  Tabs other than the first are made again when the view comes to rest. */

const TABS = [
    { id: 'details', title: 'Details', render: v => detailsPanel(v) },
    { id: 'flame', title: 'Flame graph', render: v => flamePanel(v) },
    { id: 'table', title: 'Table', render: v => tablePanel(v) },
    { id: 'races', title: 'Races', render: v => racesPanel(v), needs: v => v.trace.races.length },
];

/* { t0, t1, lanes (of G; null: all), object (number, 0: any), title } */
function scopeOf(v)
{
    const { trace, selected: s, area } = v, all = { t0: 0, t1: trace.end, lanes: null, object: 0 };
    if (s && s.kind === KIND_O) {
        const o = trace.kinds[KIND_O].list[s.lane];
        return Object.assign(all, { object: o.number, title: 'all waits for ' + o.name });
    }
    if (s) {
        const g = s.kind === KIND_G ? s.lane : trace.kinds[s.kind].g[s.i];
        if (g >= 0)
            return Object.assign(all, { lanes: [g], title: gName(trace.goroutines[g]) +
                                                           ', its whole life' });
    }
    if (area) {
        const lanes = area.lanes.filter(l => l[0] === KIND_G).map(l => l[1]);
        const n = lanes.length;
        return { t0: area.t0, t1: area.t1, lanes: n ? lanes : null, object: 0,
                 title: fmtDur(area.t1 - area.t0) + (n ? ` of ${fmtCount(n)} goroutine` +
                                                         (n > 1 ? 's' : '') : '') };
    }
    const { t0, t1 } = v.goal();
    return { t0, t1, lanes: null, object: 0,
             title: t0 <= 0 && t1 >= trace.end ? 'the whole trace'
                                               : `${fmtDur(t1 - t0)} in view` };
}

/* Calls fn(i) for every G span of the scope that the query, if any, matches. */
function eachInScope(v, scope, fn)
{
    const { trace } = v, G = trace.kinds[KIND_G];
    const q = v.query && !v.query.error ? v.query : null;
    const lanes = scope.lanes || trace.goroutines.map(g => g.index);
    for (const l of lanes) {
        if (q && !q.lane(trace.goroutines[l]))
            continue;
        const hi = G.off[l + 1];
        for (let i = spanAfter(G, G.off[l], hi, scope.t0); i < hi && G.begin[i] < scope.t1; i++)
            if ((!scope.object || (G.obj[i] === scope.object && G.state[i] === G_BLOCKED)) &&
                (!q || !q.span || q.span(i)))
                fn(i);
    }
}

function scopeTitle(v, scope)
{
    const q = v.query && !v.query.error ? v.query_text.trim() : '';
    return [scope.title, q ? el('code', {}, q) : null];
}

/* ---- the row of tabs ---- */

function showTab(v, id, focus)
{
    v.tab = TABS.some(t => t.id === id && (!t.needs || t.needs(v))) ? id : 'details';
    renderPanel(v);
    v.on_view();
    if (focus)
        byId('tab-' + v.tab).focus();
}

function renderTabs(v)
{
    const shown = TABS.filter(t => !t.needs || t.needs(v));
    byId('tabs').replaceChildren(...shown.map(t => el('button', {
        id: 'tab-' + t.id, type: 'button', role: 'tab', 'aria-controls': 'panel',
        'aria-selected': t.id === v.tab ? 'true' : 'false', tabindex: t.id === v.tab ? '0' : '-1',
        title: `${t.title} (${TABS.indexOf(t) + 1})`, onclick: () => showTab(v, t.id, true),
    }, t.title, t.id === 'races' ? el('b', { class: 'race' }, ' ' + v.trace.races.length) : null)));
    byId('panel').setAttribute('aria-labelledby', 'tab-' + v.tab);
}

function listenTabs(v)
{
    byId('tabs').addEventListener('keydown', e => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
        if (!by)
            return;
        const ids = [...byId('tabs').children].map(b => b.id.slice(4));
        showTab(v, ids[(ids.indexOf(v.tab) + by + ids.length) % ids.length], true);
        e.preventDefault();
        e.stopPropagation();
    });
}

function renderPanel(v)
{
    const body = byId('panel'), tab = TABS.find(t => t.id === v.tab) || TABS[0];
    const top = v.panel_tab === v.tab ? body.scrollTop : 0;
    renderTabs(v);
    body.className = 'tab-' + tab.id;
    body.onscroll = null;
    body.replaceChildren(...[tab.render(v)].flat(Infinity).filter(Boolean));
    body.scrollTop = tab.id === 'details' ? 0 : top;
    v.panel_tab = v.tab;
    v.panel_scope = scopeKey(v);
    byId('live').textContent = spokenSelection(v);
}

/* When the view has come to rest: what shows the time in view is made again, if that changed. */
function refreshPanel(v)
{
    if (v.tab === 'details' || v.tab === 'races' || v.selected || v.area ||
        v.panel_scope === scopeKey(v))
        return;
    const held = byId('panel').contains(document.activeElement);
    renderPanel(v);
    const first = held && byId('panel').querySelector('[tabindex="0"]');
    if (first)
        first.focus({ preventScroll: true });
}

function scopeKey(v)
{
    const { t0, t1 } = v.goal();
    return [t0, t1, v.query_text].join();
}
