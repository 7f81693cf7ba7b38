/* table.js - the spans of a scope as rows: to read, to sort, and for those who do not see lanes.
 *
 * Only the rows in sight are elements, between two spacers that stand for the others, so a million
 * rows cost an array of their numbers. */

const ROW_H = 23, ROWS_AROUND = 8;

const COLUMNS = [
    { id: 'begin', title: 'start', num: true, key: (t, G, i) => G.begin[i],
      text: (t, G, i) => fmtTime(G.begin[i], 1) },
    { id: 'dur', title: 'duration', num: true, down: true, key: (t, G, i) => G.end[i] - G.begin[i],
      text: (t, G, i) => fmtDur(G.end[i] - G.begin[i]) + (G.open[i] ? ' +' : '') +
                          (foldCount(G, i) ? ` in ${fmtCount(foldCount(G, i))}` : '') },
    { id: 'g', title: 'goroutine', key: (t, G, i) => t.goroutines[G.lane[i]].id,
      text: (t, G, i) => gName(t.goroutines[G.lane[i]]) },
    { id: 'state', title: 'state', key: (t, G, i) => G.cls[i] * 64 + (G.why[i] || 0),
      text: (t, G, i) => stateText(t, G, i) },
    { id: 'object', title: 'object', key: (t, G, i) => G.state[i] === G_BLOCKED ? G.obj[i] : 0,
      text: (t, G, i) => G.state[i] === G_BLOCKED ? objectName(t, i) : '' },
    { id: 'where', title: 'on', key: (t, G, i) => G.p[i],
      text: (t, G, i) => G.p[i] >= 0 ? 'P' + G.p[i] : '' },
    { id: 'by', title: 'woken by', key: (t, G, i) => { const g = wokenByOf(t, i);
                                                        return g < 0 ? -1 : t.goroutines[g].id; },
      text: (t, G, i) => { const g = wokenByOf(t, i);
                           return g < 0 ? '' : gName(t.goroutines[g]); } },
    { id: 'at', title: 'at', key: (t, G, i) => G.stack[i],
      text: (t, G, i) => G.stack[i] ? topOfStack(t, G.stack[i]) : '' },
];

/* Rows of the table: G spans of the scope, in the order asked for. */
function tableRows(v, scope)
{
    const { trace } = v, G = trace.kinds[KIND_G], wanted = new Uint8Array(G.n);
    eachInScope(v, scope, i => { wanted[i] = +(G.end[i] > G.begin[i]); });
    const { id, down } = v.table_sort, rows = G.by_begin.filter(i => wanted[i]);
    if (id === 'begin')
        return down ? rows.reverse() : rows;
    const column = COLUMNS.find(c => c.id === id), key = new Float64Array(G.n);
    const sign = down ? -1 : 1;
    for (const i of rows)
        key[i] = column.key(trace, G, i);
    return rows.sort((a, b) => sign * (key[a] - key[b]) || G.begin[a] - G.begin[b] || a - b);
}

function sortBy(v, column)
{
    const same = v.table_sort.id === column.id;
    v.table_sort = { id: column.id, down: same ? !v.table_sort.down : !!column.down };
    renderPanel(v);
    byId('sort-' + column.id).focus();
}

function tableHead(v)
{
    return el('thead', {}, el('tr', { 'aria-rowindex': '1' }, COLUMNS.map(c => {
        const on = v.table_sort.id === c.id, down = v.table_sort.down;
        return el('th', { class: c.num ? 'num' : '', scope: 'col',
                          'aria-sort': on ? down ? 'descending' : 'ascending' : null },
                  el('button', { class: 'link', type: 'button', id: 'sort-' + c.id,
                                 onclick: () => sortBy(v, c) },
                     c.title, el('s', {}, on ? down ? ' ↓' : ' ↑' : '')));
    })));
}

function tableRow(v, n)
{
    const { trace } = v, G = trace.kinds[KIND_G], i = v.table_rows[n], s = v.selected;
    const chosen = s && s.kind === KIND_G && s.i === i;
    const row = el('tr', { tabindex: n === v.table_at ? '0' : '-1', 'aria-rowindex': String(n + 2),
                           'aria-selected': chosen ? 'true' : 'false',
                           onclick: () => chooseRow(v, n) },
                   COLUMNS.map(c => el('td', { class: c.num ? 'num' : '' },
                                       c.id === 'state' ? chip(v, G.cls[i]) : null,
                                       c.text(trace, G, i))));
    row.row = n;
    return row;
}

/* Shows the span of row n on the timeline; the table stays as it is. */
function chooseRow(v, n)
{
    v.table_at = n;
    v.table_keeps = true;
    v.remember();
    v.select(KIND_G, v.table_rows[n], { reveal: true });
    v.table_keeps = false;
    drawRows(v, true);
    byId('live').textContent = spokenSelection(v);
}

/* Makes the rows in sight. */
function drawRows(v, again)
{
    const panel = byId('panel'), body = byId('rows'), n = v.table_rows.length;
    if (!body)
        return;
    const from = clamp(Math.floor(panel.scrollTop / ROW_H) - ROWS_AROUND, 0, n);
    const to = clamp(Math.ceil((panel.scrollTop + panel.clientHeight) / ROW_H) + ROWS_AROUND, 0, n);
    if (!again && from === v.table_from && to === v.table_to)
        return;
    const held = body.contains(document.activeElement);
    v.table_from = from;
    v.table_to = to;
    const space = rows => el('tr', { class: 'space', 'aria-hidden': 'true' },
                             el('td', { colspan: String(COLUMNS.length),
                                        style: `height:${rows * ROW_H}px` }));
    const rows = [space(from)];
    for (let r = from; r < to; r++)
        rows.push(tableRow(v, r));
    rows.push(space(n - to));
    body.replaceChildren(...rows);
    if (held)
        focusRow(v);
}

function focusRow(v)
{
    const row = [...byId('rows').children].find(r => r.row === v.table_at);
    if (row)
        row.focus({ preventScroll: true });
}

function tableKey(v, e)
{
    if (e.target.row === undefined)
        return;
    const page = Math.max(1, Math.floor(byId('panel').clientHeight / ROW_H) - 2);
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity,
                 End: Infinity }[e.key];
    if (by !== undefined) {
        const panel = byId('panel'), n = v.table_at = clamp(v.table_at + by, 0,
                                                            v.table_rows.length - 1);
        const top = n * ROW_H, room = panel.clientHeight - ROW_H * 3;
        if (top < panel.scrollTop)
            panel.scrollTop = top;
        else if (top > panel.scrollTop + room)
            panel.scrollTop = top - room;
        drawRows(v, true);
        focusRow(v);
    } else if (e.key === 'Enter' || e.key === ' ') {
        chooseRow(v, e.target.row);
    } else {
        return;
    }
    e.preventDefault();
    e.stopPropagation();
}

function tablePanel(v)
{
    const scope = scopeOf(v);
    v.table_sort = v.table_sort || { id: 'begin', down: false };
    v.table_rows = tableRows(v, scope);
    v.table_at = clamp(v.table_at || 0, 0, Math.max(0, v.table_rows.length - 1));
    v.table_from = v.table_to = -1;
    const n = v.table_rows.length;
    const head = el('div', { class: 'panel-head' },
                    el('span', {}, `${fmtCount(n)} state${n === 1 ? '' : 's'} of `,
                       scopeTitle(v, scope)));
    if (!n)
        return [head, el('p', { class: 'empty' }, 'No state matches here.')];
    const table = el('table', { class: 'spans', role: 'grid', 'aria-rowcount': String(n + 1),
                                'aria-label': 'States', onkeydown: e => tableKey(v, e) },
                     tableHead(v), el('tbody', { id: 'rows' }));
    byId('panel').onscroll = () => drawRows(v);
    queueMicrotask(() => drawRows(v, true));
    return [head, table];
}
