/* races.js - what ordered, and what did not order, the two sides of a data race.
 *
 * The trace has where the later access stood and whose the earlier one was.  Wake-ups order: what a
 * goroutine did before it woke another happened before what that one did after.  So the last moment
 * of the earlier side that is ordered before the later access is found by going back over all
 * wake-ups in view of it, from the access; the earlier access must lie behind that moment, in what
 * is called the gap.  Orders that leave no trace (a lock that was free, an atomic) may make the gap
 * smaller; they cannot make it larger.  The recording itself tells two moments between which the
 * earlier access was made, and a goroutine makes one only while it runs. */

/* The story of a race: { from, to: the gap on the lane of the earlier side; path: the wake-ups that
 * ordered what stands before it, from the earlier side to the later; direct }. */
function raceStory(trace, m)
{
    if (m.story)
        return m.story;
    const story = m.story = { from: Math.max(0, m.by_from), to: m.by_to, path: [],
                              ordered: false };
    if (m.g < 0 || m.by < 0 || m.g === m.by)
        return story;
    const G = trace.kinds[KIND_G], reached = new Map([[m.g, { t: m.time, wake: -1 }]]);
    let lo = 0, hi = G.n;
    while (lo < hi) {
        const mid = (lo + hi) >>> 1;
        if (G.begin[G.by_begin[mid]] <= m.time)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (let j = lo - 1; j >= 0 && !reached.has(m.by); j--) {
        const i = G.by_begin[j], by = G.by[i];
        if (G.state[i] === G_RUNNABLE && by >= 0 && reached.has(G.lane[i]) && !reached.has(by))
            reached.set(by, { t: G.begin[i], wake: i });
    }
    const end = reached.get(m.by);
    const first = G.off[m.by] < G.off[m.by + 1] ? G.begin[G.off[m.by]] : 0;
    const from = Math.max(end ? end.t : first, m.by_from), to = Math.min(m.time, m.by_to);
    const a = firstRunIn(trace, m.by, from, to), b = lastRunIn(trace, m.by, from, to);
    story.from = a < 0 ? Math.min(from, to) : Math.max(from, G.begin[a]);
    story.to = b < 0 ? to : Math.min(to, G.end[b]);
    story.ordered = !!end;
    story.ordered_until = end ? end.t : 0;
    for (let at = end; at && at.wake >= 0; at = reached.get(G.lane[at.wake]))
        story.path.push(at.wake);
    return story;
}

function isRun(G, i)
{
    return G.state[i] === G_RUNNING || G.state[i] === G_DETACHED;
}

/* The first run of a goroutine in [from, to], or -1. */
function firstRunIn(trace, g, from, to)
{
    const G = trace.kinds[KIND_G], hi = G.off[g + 1];
    for (let i = spanAfter(G, G.off[g], hi, from); i < hi && G.begin[i] < to; i++)
        if (isRun(G, i))
            return i;
    return -1;
}

/* The last one: where its arrow begins. */
function lastRunIn(trace, g, from, to)
{
    const G = trace.kinds[KIND_G], lo = G.off[g];
    let i = Math.min(spanAfter(G, lo, G.off[g + 1], to - 1), G.off[g + 1] - 1);
    for (; i >= lo && G.end[i] > from; i--)
        if (isRun(G, i) && G.begin[i] < to)
            return i;
    return -1;
}

/* ---- drawing ---- */

function drawDiamond(v, c, x, y, full)
{
    c.beginPath();
    c.moveTo(x, y - 7);
    c.lineTo(x + 6, y);
    c.lineTo(x, y + 7);
    c.lineTo(x - 6, y);
    c.closePath();
    c.fillStyle = full ? v.theme.race : v.theme.bg;
    c.fill();
    c.stroke();
}

/* The gap on the lane of the earlier side: a bracket below it, open where time goes on. */
function drawGap(v, c, story, y)
{
    const x0 = clamp(v.xAt(story.from), GUTTER - 10, v.width + 10);
    const x1 = clamp(v.xAt(story.to), GUTTER - 10, v.width + 10);
    c.globalAlpha = 0.16;
    c.fillStyle = v.theme.race;
    c.fillRect(x0, y - 12, x1 - x0, 24);
    c.globalAlpha = 1;
    c.lineWidth = 1.5;
    c.beginPath();
    c.moveTo(x0, y - 12);
    c.lineTo(x0, y + 12);
    c.lineTo(x1, y + 12);
    c.stroke();
}

/* A line that breaks off in its middle: the order that is missing. */
function drawMissing(v, c, x0, y0, x1, y1)
{
    c.setLineDash([5, 4]);
    c.lineWidth = 1.6;
    c.beginPath();
    c.moveTo(x0, y0);
    c.lineTo(x1, y1);
    c.stroke();
    c.setLineDash([]);
    const x = (x0 + x1) / 2, y = (y0 + y1) / 2;
    c.fillStyle = v.theme.bg;
    c.beginPath();
    c.arc(x, y, 8, 0, 7);
    c.fill();
    c.stroke();
    c.beginPath();
    c.moveTo(x - 3.5, y - 3.5);
    c.lineTo(x + 3.5, y + 3.5);
    c.moveTo(x + 3.5, y - 3.5);
    c.lineTo(x - 3.5, y + 3.5);
    c.stroke();
}

function drawStory(v, c, m)
{
    const { trace } = v, story = raceStory(trace, m), y0 = laneMiddle(v, KIND_G, m.by);
    for (const wake of story.path)
        drawWake(v, c, wake, { colour: v.theme.accent });
    c.strokeStyle = v.theme.race;
    if (y0 === null)
        return;
    drawGap(v, c, story, y0);
    const y1 = laneMiddle(v, KIND_G, m.g), run = lastRunIn(trace, m.by, story.from, story.to);
    if (y1 === null)
        return;
    const G = trace.kinds[KIND_G];
    const t = run < 0 ? story.from : (Math.max(G.begin[run], story.from) +
                                      Math.min(G.end[run], story.to)) / 2;
    drawMissing(v, c, v.xAt(t), y0, v.xAt(m.time), y1);
    drawDiamond(v, c, v.xAt(t), y0, false);
}

/* All races in sight: a full mark at the later access, an open one on the other lane; the one that
 * was chosen with its gap and with the orders that there were. */
function drawRaces(v, c)
{
    for (const m of v.trace.races) {
        const chosen = m === v.race, x = v.xAt(m.time);
        const y = m.g >= 0 ? laneMiddle(v, KIND_G, m.g) : null;
        const y0 = m.by >= 0 ? laneMiddle(v, KIND_G, m.by) : null;
        c.strokeStyle = v.theme.race;
        c.lineWidth = 1.5;
        if (chosen && m.by >= 0)
            drawStory(v, c, m);
        if (x < GUTTER || x > v.width)
            continue;
        if (!chosen && y !== null && y0 !== null) {
            c.setLineDash([3, 4]);
            c.beginPath();
            c.moveTo(x, y0);
            c.lineTo(x, y);
            c.stroke();
            c.setLineDash([]);
            drawDiamond(v, c, x, y0, false);
        }
        if (y !== null)
            drawDiamond(v, c, x, y, true);
    }
}

/* ---- the panel ---- */

/* The time to show of a race: the later access and the last run of the other side in the gap. */
function raceWindow(trace, m)
{
    const G = trace.kinds[KIND_G], story = raceStory(trace, m);
    const run = m.by >= 0 ? lastRunIn(trace, m.by, story.from, story.to) : -1;
    const from = run < 0 ? m.time - trace.end / 40 : Math.max(G.begin[run], story.from);
    const len = Math.max(m.time - from, trace.end / 5000, MIN_WINDOW_NS);
    return [from - len * 0.4, m.time + len * 0.4];
}

/* Shows race m: both sides in view, the goroutine of the later access selected. */
function chooseRace(v, m)
{
    const { trace } = v, G = trace.kinds[KIND_G];
    v.race = m;
    v.remember();
    const i = m.g >= 0 ? spanAt(G, m.g, m.time) : -1;
    if (i >= 0)
        v.select(KIND_G, i, { reveal: true });
    const [t0, t1] = raceWindow(trace, m);
    v.show(t0, t1);
    revealLanes(v, m);
    renderPanel(v);
}

/* Scrolls so that both lanes of a race are in sight, if they fit. */
function revealLanes(v, m)
{
    const ys = [m.g, m.by].filter(g => g >= 0).map(g => v.laneY(KIND_G, g)).filter(y => y >= 0);
    if (ys.length < 2)
        return;
    const lo = Math.min(...ys) - HEAD_H - 8, hi = Math.max(...ys) + 40, room = v.box.clientHeight;
    if (hi - lo <= room && (lo < v.box.scrollTop || hi > v.box.scrollTop + room))
        v.box.scrollTop = (lo + hi - room) / 2;
}

/* What a goroutine last did before time t that others took part in. */
function lastSync(trace, g, t)
{
    const G = trace.kinds[KIND_G], lo = G.off[g];
    let i = spanAfter(G, lo, G.off[g + 1], t - 1);
    for (i = Math.min(i, G.off[g + 1] - 1); i >= lo; i--)
        if (G.state[i] === G_BLOCKED && G.end[i] <= t && G.obj[i])
            return i;
    return -1;
}

function sideFacts(v, g, t)
{
    const { trace } = v, G = trace.kinds[KIND_G], i = lastSync(trace, g, t);
    return i < 0 ? 'none recorded' : el('span', {}, spanLink(v, KIND_G, i,
        `${trace.meta.reasons[G.why[i]].name} ${objectName(trace, i)}`),
        ` until ${fmtTime(G.end[i], 10)}`);
}

function orderText(v, m)
{
    const { trace } = v, story = raceStory(trace, m), G = trace.kinds[KIND_G];
    if (!story.ordered)
        return el('p', {}, `No recorded wake-up leads from ${gName(trace.goroutines[m.by])} ` +
                           'to the later access.');
    const steps = story.path.map(w => el('li', {}, fmtTime(G.begin[w], 10) + '  ',
        gLink(v, G.by[w], G.begin[w] - 1), G.created[w] ? ' created ' : ' woke ',
        gLink(v, G.lane[w], G.begin[w])));
    return [el('ol', { class: 'steps' }, steps),
            el('p', {}, `What ${gName(trace.goroutines[m.by])} did after ` +
                        `${fmtTime(story.ordered_until, 10)} is ordered by nothing: the ` +
                        'earlier access lies in the marked gap.')];
}

/* "write of 4 bytes at say f.c:15 by " */
function accessText(trace, side)
{
    const at = side.stack ? topOfStack(trace, side.stack) : '';
    return side.access ? `${side.access}${at ? ' at ' + at : ''} by ` : '';
}

function stacksOfRace(trace, m)
{
    const out = [];
    for (const [i, title] of [[0, 'Later access'], [1, 'Earlier access']]) {
        const list = m.sides[i].stack ? stackList(trace, m.sides[i].stack) : null;
        if (list)
            out.push(el('h4', {}, title), list);
    }
    return out.length ? el('section', { class: 'stacks' }, out) : null;
}

function raceDetails(v, m)
{
    const { trace } = v, story = raceStory(trace, m);
    const name = g => g >= 0 ? gLink(v, g, m.time) : 'unknown';
    const out = [el('section', {}, el('h2', {}, 'Race on ' + m.text), facts([
        ['later access', el('span', {}, accessText(trace, m.sides[0]), name(m.g), ' ',
                            el('span', { class: 'one-line' }, 'at ' + fmtTime(m.time, 1)))],
        ['its last wait', m.g >= 0 ? sideFacts(v, m.g, m.time) : ''],
        ['earlier access', el('span', {}, accessText(trace, m.sides[1]), name(m.by))],
        ['made between', m.by >= 0 ? `${fmtTime(story.from, 10)} – ${fmtTime(story.to, 10)}, ` +
                                   fmtDur(story.to - story.from) : ''],
        ['its last wait', m.by >= 0 ? sideFacts(v, m.by, m.time) : '']]))];
    if (m.g >= 0 && m.by >= 0)
        out.push(el('section', {}, el('h4', {}, 'What ordered the two'), orderText(v, m)));
    const stacks = stacksOfRace(trace, m);
    if (stacks)
        out.push(stacks);
    return out;
}

function racesPanel(v)
{
    const { races } = v.trace;
    const link = m => el('button', {
        class: 'link', type: 'button', 'aria-pressed': m === v.race ? 'true' : 'false',
        onclick: () => chooseRace(v, m) }, `${fmtTime(m.time, 1e3)}  ${m.text}`);
    const left = races.length - 500;
    return el('div', { class: 'columns' },
        el('section', { class: 'narrow' },
           el('h2', {}, races.length === 1 ? '1 data race' : `${races.length} data races`),
           el('ul', { class: 'race-list' }, races.slice(0, 500).map(m => el('li', {}, link(m)))),
           left > 0 ? el('p', { class: 'dim' }, `and ${left} more`) : null),
        v.race ? raceDetails(v, v.race)
               : el('p', { class: 'empty' }, 'Choose a race to see what ordered its two sides.'));
}
