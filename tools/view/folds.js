/* folds.js - what the page knows of states that were folded (tools/view/fold.h).
 *
 * A row of sums stands for many short states: one span for each kind of state, laid end to end over
 * the time that those states took.  Their lengths are exact, their order is not what happened, so
 * they are drawn as shares over the whole row and never followed from one to the next. */

const PAGE_EVENTS = 2e6; /* so many on one page are no trouble */

/* How many states span i stands for; 0: it is one itself. */
function foldCount(k, i)
{
    return k.fold ? k.fold[i] >>> 1 : 0;
}

/* The row of sums that span i belongs to, as [first, one after the last]. */
function foldRow(k, i)
{
    let lo = i, hi = i + 1;
    while (!(k.fold[lo] & 1))
        lo--;
    while (hi < k.n && k.fold[hi] && !(k.fold[hi] & 1))
        hi++;
    return [lo, hi];
}

/* What a folded span is of: { lo, hi, begin, end, count }; null for one that is a state itself. */
function foldOf(k, i)
{
    if (!foldCount(k, i))
        return null;
    const [lo, hi] = foldRow(k, i);
    let count = 0;
    for (let s = lo; s < hi; s++)
        count += foldCount(k, s);
    return { lo, hi, begin: k.begin[lo], end: k.end[hi - 1], count };
}

/* A time that the command line reads back, rounded outwards (up: 1, down: -1). */
function timeArgument(ns, up)
{
    const us = up > 0 ? Math.ceil(ns / 1000) : Math.floor(ns / 1000);
    return us >= 1e6 ? `${us / 1e6}s` : us >= 1000 ? `${us / 1000}ms` : `${us}us`;
}

/* The command that makes a page which keeps all of [t0, t1]. */
function windowCommand(trace, t0, t1)
{
    return `goshawk trace view --from ${timeArgument(t0, -1)} --to ${timeArgument(t1, 1)} ` +
           trace.meta.path;
}

/* For the panel: that states are folded, and how to get at them.  A page of all that was folded
 * would be as large as the trace. */
function foldNotice(v, t0, t1)
{
    const { trace } = v, part = (t1 - t0) / trace.end * trace.meta.events < PAGE_EVENTS;
    const what = 'Short states of this long trace are folded into sums. ';
    if (byId('serve')) /* the button of goshawk trace serve */
        return el('p', { class: 'notice' }, what, 'Zoom in, and press “all detail here”.');
    return el('p', { class: 'notice' }, what,
              part ? 'For all of this time: ' : 'Select a part of it, or let windows be served: ',
              el('code', {}, part ? windowCommand(trace, t0, t1)
                                  : `goshawk trace serve ${trace.meta.path}`));
}

/* The panel of a row of sums. */
function foldPanel(v, k, i, title)
{
    const row = foldOf(k, i), { trace } = v;
    const lane = laneOf(k, i), sum = row.end - row.begin;
    return [el('h2', {}, title, el('small', {}, `${fmtCount(row.count)} states in ${fmtDur(sum)} ` +
                                                `from ${fmtTime(row.begin, 1)}`)),
            el('div', { class: 'fold-shares' }, shareRows(v, k, lane, row.begin, row.end)),
            foldNotice(v, Math.max(0, row.begin - sum), Math.min(trace.end, row.end + sum))];
}
