/* overlay.js - what lies over the lanes: selection, arrows of wake-ups, marks, races, cursor. */

/* Middle of a lane on the canvas, or null when it is not shown. */
function laneMiddle(v, kind, lane)
{
    const y = v.laneY(kind, lane);
    return y < 0 ? null : y - v.box.scrollTop + LANE_H[kind] / 2 + 2;
}

/* From (x0, y0) to (x1, y1), in colour; dashed for a creation. */
function drawArrow(c, x0, y0, x1, y1, colour, { dashed = false, faint = false } = {})
{
    const bend = Math.max(14, Math.min(60, Math.abs(x1 - x0) * 0.5));
    c.globalAlpha = faint ? 0.6 : 1;
    c.strokeStyle = c.fillStyle = colour;
    c.lineWidth = faint ? 1 : 1.6;
    c.setLineDash(dashed ? [4, 3] : []);
    c.beginPath();
    c.moveTo(x0, y0);
    c.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1 - 2, y1);
    c.stroke();
    c.setLineDash([]);
    c.beginPath();
    c.moveTo(x1, y1);
    c.lineTo(x1 - 7, y1 - 3.5);
    c.lineTo(x1 - 7, y1 + 3.5);
    c.fill();
    if (!faint) {
        c.beginPath();
        c.arc(x0, y0, 2.5, 0, 7);
        c.fill();
    }
    c.globalAlpha = 1;
}

/* The arrow of one wake-up, in the G lanes and, where both are known, in the P lanes. */
function drawWake(v, c, wake, options)
{
    const G = v.trace.kinds[KIND_G], g = G.lane[wake], by = G.by[wake];
    if (by < 0 || by === g)
        return 0;
    const t0 = G.begin[wake], t1 = G.open[wake] ? G.begin[wake] : G.end[wake];
    const x0 = v.xAt(t0), x1 = v.xAt(t1);
    if (x1 < GUTTER - 40 || x0 > v.width + 40)
        return 0;
    const how = Object.assign({ dashed: !!G.created[wake] }, options);
    const run = runAfter(v.trace, wake), to_p = run >= 0 ? G.p[run] : -1;
    let drawn = 0;
    const draw = (y0, y1) => {
        if (y0 === null || y1 === null || Math.max(y0, y1) < 0 || Math.min(y0, y1) > v.height)
            return;
        drawArrow(c, x0, y0, x1, y1, how.colour || v.theme.text, how);
        drawn = 1;
    };
    draw(laneMiddle(v, KIND_G, by), laneMiddle(v, KIND_G, g));
    if (G.byP[wake] >= 0 && to_p >= 0 && G.byP[wake] !== to_p)
        draw(laneMiddle(v, KIND_P, G.byP[wake]), laneMiddle(v, KIND_P, to_p));
    return drawn;
}

/* Arrows into and out of the selected span. */
function selectionWakes(v)
{
    if (!v.selected)
        return [];
    const k = v.trace.kinds[v.selected.kind], i = goroutineSpan(v.trace, k, v.selected.i);
    if (i < 0)
        return [];
    const G = v.trace.kinds[KIND_G], out = [], wake = wakeOf(v.trace, i);
    if (wake >= 0)
        out.push(wake);
    if (G.state[i] === G_RUNNING)
        out.push(...wokenBy(v.trace, i).slice(0, 200));
    return out;
}

function allWakes(v)
{
    const G = v.trace.kinds[KIND_G], out = [];
    v.visibleRows((g, lane) => {
        if (g.kind !== KIND_G)
            return;
        const hi = G.off[lane + 1];
        let i = spanAfter(G, G.off[lane], hi, v.t0);
        for (; i < hi && G.begin[i] < v.t1 && out.length < ARROWS_MAX; i++)
            if (G.state[i] === G_RUNNABLE)
                out.push(i);
    });
    return out;
}

function drawOutline(v, c)
{
    const { kind, i, lane } = v.selected, k = v.trace.kinds[kind], y = v.laneY(kind, lane);
    if (y < 0)
        return;
    const x0 = clamp(v.xAt(k.begin[i]), GUTTER - 2, v.width + 2);
    const x1 = clamp(v.xAt(k.end[i]), GUTTER - 2, v.width + 2);
    c.strokeStyle = v.theme.text;
    c.lineWidth = 2;
    c.strokeRect(x0, y - v.box.scrollTop + 1, Math.max(2, x1 - x0), LANE_H[kind] + 2);
}

/* The selected goroutine's slices on the P and M lanes, underlined. */
function underlineSame(v, c)
{
    const s = v.selected, k = v.trace.kinds[s.kind];
    const g = s.kind === KIND_G ? s.lane : k.g[s.i];
    if (g < 0)
        return;
    c.fillStyle = v.theme.text;
    v.visibleRows((group, lane, y) => {
        if (group.kind !== KIND_P && group.kind !== KIND_M)
            return;
        const o = v.trace.kinds[group.kind], hi = o.off[lane + 1];
        let i = spanAfter(o, o.off[lane], hi, v.t0), left = 20000;
        for (; i < hi && o.begin[i] < v.t1 && left-- > 0; i++)
            if (o.g[i] === g) {
                const x0 = Math.max(GUTTER, v.xAt(o.begin[i])), x1 = v.xAt(o.end[i]);
                c.fillRect(x0, y + group.row_h - 3, Math.max(1, Math.min(x1, v.width) - x0), 2);
            }
    });
}

/* Every goroutine in sight that waits for the selected object: a line along its wait. */
function markWaiters(v, c)
{
    const G = v.trace.kinds[KIND_G], object = v.trace.kinds[KIND_O].list[v.selected.lane].number;
    c.fillStyle = v.theme.text;
    v.visibleRows((group, lane, y) => {
        if (group.kind !== KIND_G)
            return;
        const hi = G.off[lane + 1];
        let i = spanAfter(G, G.off[lane], hi, v.t0), left = 20000;
        for (; i < hi && G.begin[i] < v.t1 && left-- > 0; i++)
            if (G.obj[i] === object && G.state[i] === G_BLOCKED) {
                const x0 = Math.max(GUTTER, v.xAt(G.begin[i])), x1 = v.xAt(G.end[i]);
                c.fillRect(x0, y + group.row_h - 3, Math.max(1, Math.min(x1, v.width) - x0), 2);
            }
    });
}

function drawArea(v, c, area)
{
    const x0 = Math.max(GUTTER, v.xAt(area.t0)), x1 = Math.min(v.width, v.xAt(area.t1));
    const y0 = area.y0 - v.box.scrollTop, y1 = area.y1 - v.box.scrollTop;
    if (x1 <= x0)
        return;
    c.fillStyle = v.theme.accent;
    c.globalAlpha = 0.13;
    c.fillRect(x0, y0, x1 - x0, y1 - y0);
    c.globalAlpha = 1;
    c.strokeStyle = v.theme.accent;
    c.lineWidth = 1;
    c.strokeRect(Math.round(x0) + 0.5, Math.round(y0) + 0.5, Math.round(x1 - x0) - 1,
                 Math.round(y1 - y0) - 1);
    const text = fmtDur(area.t1 - area.t0);
    c.font = '600 11px ' + FONT;
    const w = c.measureText(text).width;
    if (x1 - x0 > w + 16) {
        const y = clamp(y0 + 10, 10, v.height - 10);
        c.fillStyle = v.theme.accent;
        c.fillRect((x0 + x1 - w) / 2 - 6, y - 8, w + 12, 16);
        c.fillStyle = v.theme.bg;
        c.textAlign = 'center';
        c.fillText(text, (x0 + x1) / 2, y + 0.5);
        c.textAlign = 'left';
    }
}

/* What the query matches, as a bright edge over each span; at most a few thousand. */
function drawMatches(v, c)
{
    const q = v.query;
    if (!q || q.error || !q.span)
        return;
    const G = v.trace.kinds[KIND_G];
    c.fillStyle = v.theme.accent;
    v.visibleRows((g, lane, y) => {
        if (g.kind !== KIND_G || !q.lane(v.trace.goroutines[lane]))
            return;
        const hi = G.off[lane + 1];
        let i = spanAfter(G, G.off[lane], hi, v.t0), left = 5000, drawn_to = -1;
        for (; i < hi && G.begin[i] < v.t1 && left-- > 0; i++) {
            const x1 = Math.min(v.width, v.xAt(G.end[i]));
            if (x1 > drawn_to && q.span(i)) {
                const x0 = Math.max(GUTTER, v.xAt(G.begin[i]));
                c.fillRect(x0, y + 1, Math.max(1.5, x1 - x0), 2);
                drawn_to = x0 + 1;
            }
        }
    });
}

function drawOverlay(v)
{
    const c = v.pen(v.over);
    c.clearRect(0, 0, v.width, v.height);
    c.save();
    c.beginPath();
    c.rect(GUTTER, 0, v.width - GUTTER, v.height);
    c.clip();
    for (const t of v.flags) {
        c.fillStyle = v.theme.accent;
        c.fillRect(Math.round(v.xAt(t)), 0, 1, v.height);
    }
    if (v.cursor_x !== undefined && v.cursor_x > GUTTER) {
        c.fillStyle = v.theme.faint;
        c.fillRect(Math.round(v.cursor_x), 0, 1, v.height);
    }
    drawMatches(v, c);
    drawRaces(v, c);
    v.arrows_drawn = 0;
    if (v.all_arrows)
        for (const w of allWakes(v))
            v.arrows_drawn += drawWake(v, c, w, { faint: true });
    if (v.selected) {
        if (v.selected.kind === KIND_O)
            markWaiters(v, c);
        else
            underlineSame(v, c);
        drawOutline(v, c);
        for (const w of selectionWakes(v))
            v.arrows_drawn += drawWake(v, c, w);
    }
    const area = v.dragging || v.area;
    if (area)
        drawArea(v, c, area);
    c.restore();
}
